/* app/run.c -- `fettle run`: from a command line to a running supervisor */
#include "app/run.h"
#include "app/agent_dir.h"
#include "app/app_env.h"
#include "app/app_policy.h"
#include "app/app_user.h"
#include "app/apps.h"
#include "app/command.h"
#include "app/detach.h"
#include "app/env_file.h"
#include "app/exit_code.h"
#include "app/launch.h"
#include "app/node.h"
#include "app/options.h"
#include "app/origin.h"
#include "app/path.h"
#include "app/renewal.h"
#include "conf/cpus.h"
#include "conf/routes.h"
#include "conf/words.h"
#include "io/child.h"
#include "proxy/access.h"
#include "worker/supervisor.h"

#include <limits.h>
#include <sys/stat.h>
#include <sys/wait.h>

extern char **environ;

/* All that the start of an app needs, so that its steps can fill it in one after the other. */
struct start {
    struct settings settings;
    struct settings_args args;
    struct config_file file;
    struct launch launch;
    struct strings file_env; /* of .env files */
    struct app_user user;
    struct buf watch; /* paths, NUL-terminated */
    struct buf node_path;
    struct str cwd; /* absolute; empty: not set */
    char *cwd_real;
    char **app_args;                /* of the command line, up to a NULL */
    char **argv, **env, **base_env; /* of its workers */
    struct buf settings_json;
    struct renewal renewal;
    struct problem problem;
};

/* Of several apps each has one; what they share is the first one's. */
struct starts {
    struct start *list;
    u32 count;
    struct buf agent_dir;
    struct buf log_path; /* of one in the background; empty: none */
    struct app_conf *conf;
    struct supervisor_conf supervisor;
    struct strings proxy, reread, reread_env;        /* command lines, and an environment … */
    char **proxy_argv, **reread_argv, **reread_envp; /* … as lists into them */
    char *here;
    struct notify notify; /* of the service manager, if there is one */
    struct activation activation;
    int manager_err;
};

static void start_done(struct start *s)
{
    settings_done(&s->settings);
    config_file_done(&s->file);
    launch_done(&s->launch);
    strings_done(&s->file_env);
    app_user_done(&s->user);
    buf_done(&s->watch);
    buf_done(&s->node_path);
    free(s->cwd_real);
    free(s->argv);
    free(s->env);
    free(s->base_env);
    buf_done(&s->settings_json);
    renewal_done(&s->renewal);
}

static void starts_done(struct starts *all)
{
    for (u32 i = 0; all->list && i < all->count; i++)
        start_done(&all->list[i]);
    free(all->list);
    free(all->conf);
    strings_done(&all->proxy);
    strings_done(&all->reread);
    strings_done(&all->reread_env);
    free(all->proxy_argv);
    free(all->reread_argv);
    free(all->reread_envp);
    free(all->here);
    buf_done(&all->agent_dir);
    buf_done(&all->log_path);
    notify_done(&all->notify);
    activation_done(&all->activation);
}

/* First of all: no child may inherit it, nor any descriptor stand where its sockets are. */
static void manager_take(struct starts *all)
{
    int notify_err = notify_take(&all->notify), activation_err = activation_take(&all->activation);

    all->manager_err = notify_err ? notify_err : activation_err;
}

static int cwd_resolve(struct start *s)
{
    const struct settings_origin *from =
        settings_origin_of(&s->settings, settings_row_find(STR("cwd"), NULL));
    const char *name = from->file.len ? "cwd" : "--cwd";
    struct str cwd = s->settings.cwd;
    struct stat st;
    int err;

    if (cwd.len == 0)
        return 0;
    s->cwd_real = realpath(cwd.ptr, NULL);
    err = s->cwd_real ? 0 : errno;
    s->cwd = str_of(s->cwd_real);
    if (!err && stat(s->cwd_real, &st) == 0 && S_ISDIR(st.st_mode))
        return 0;
    str_to_cstr(from->file, s->problem.file, sizeof(s->problem.file));
    s->problem.line = from->line;
    if (!err)
        return problem_set(&s->problem, "%s: %.300s is not a folder", name, cwd.ptr);
    problem_set(&s->problem, "%s: %.300s: %s; name a folder that is there", name, cwd.ptr,
                strerror(err));
    return err == ENOENT ? -ENOENT : -EINVAL;
}

/* Whether TARGET is just the folder in which the file was found. */
static bool is_its_folder(const struct start *s, const char *target)
{
    AUTO(freep) char *real = realpath(target, NULL);

    return s->settings.config.len == 0 && real && strcmp(real, s->file.folder.ptr) == 0;
}

/* Whether TARGET says what to run, whatever a file says of that. */
static bool target_says(const struct start *s, const char *target)
{
    return target && !s->file.is_target && !is_its_folder(s, target);
}

/* What the file says of what to run, for whatever the command line leaves open. */
static int file_apply(struct start *s, struct launch_ask *ask)
{
    struct config_file *file = &s->file;
    struct config_app *app = &file->app;

    if (target_says(s, ask->target))
        return 0;
    if (app->command.len)
        ask->command = app->command.ptr;
    else if (app->run.len)
        ask->target = app->run.ptr;
    else if (file->is_target)
        ask->target = ".";
    else
        return 0;
    ask->may_be_program = app->may_be_program;
    ask->is_side = app->is_side;
    ask->here = file->folder.ptr;
    if (s->cwd.len == 0) {
        s->cwd_real = strdup(file->folder.ptr);
        s->cwd = ask->cwd = str_of(s->cwd_real);
    }
    return s->cwd.len ? 0 : -ENOMEM;
}

/* Puts `more` before what is in `env`, which wins. */
static int env_before(struct strings *env, const struct strings *more)
{
    struct strings all = { 0 };

    strings_add_from(&all, more, 0);
    strings_add_from(&all, env, 0);
    strings_done(env);
    *env = all;
    return all.bytes.failed ? -ENOMEM : 0;
}

/* What .env files hold is checked now; each process that starts reads them anew. */
static int env_find(struct start *s)
{
    AUTO(findings_done) struct findings found = { 0 };
    int err = env_file_read(&s->settings, &s->file.app, &s->file_env, &found, &s->problem);

    if (!err && options_mistakes(&found))
        return EXIT_USAGE;
    options_findings_log(&found);
    if (!err)
        err = app_env_join(&s->launch.env, &s->file.app);
    if (!err)
        err = app_user_find(&s->user, &s->settings, &s->problem);
    if (!err && s->user.other)
        err = env_before(&s->launch.env, &s->user.env);
    return err;
}

static int launch_find(struct start *s, char **argv)
{
    AUTO(freep) char **file_args = strings_list(&s->file.app.args);
    AUTO(freep) char *file_path = str_dup(app_env_value(&s->file.app, STR("PATH")));
    const char *path = getenv("PATH");
    char here[PATH_MAX];
    struct launch_ask ask = {
        .target = s->args.operands ? argv[s->args.operand[0]] : NULL,
        .app_args = *s->app_args || !file_args ? s->app_args : file_args,
        .node_args = s->settings.node_args,
        .cwd = s->cwd,
        .here = here,
        .path = path && *path ? path : "/usr/local/bin:/usr/bin:/bin",
    };
    int err = node_find(s->settings.node, str_of(ask.path), &s->node_path, &s->problem);

    if (err)
        return err;
    ask.node_path = s->node_path.ptr;
    if (file_path && *file_path)
        ask.path = file_path;
    if (!getcwd(here, sizeof(here)))
        return problem_set(&s->problem, "the current folder cannot be read: %s", strerror(errno));
    err = file_args && file_path ? file_apply(s, &ask) : -ENOMEM;
    if (!err && ask.may_be_program)
        ask.here = ask.cwd.ptr; /* pm2's script relates to its cwd */
    if (!err)
        err = launch_resolve(&s->launch, &ask, &s->problem);
    return err ? err : env_find(s);
}

/* Adds the flag that Node 22.6 to 22.17 and 23.0 to 23.5 need for .ts files. */
static int typescript_check(struct start *s)
{
    AUTO(strings_done) struct strings argv = { 0 };
    struct node_version v;

    if (!s->launch.typescript || node_has_loader(s->settings.node_args) ||
        node_has_loader(str_of(getenv("NODE_OPTIONS"))) || node_version_of(s->node_path.ptr, &v))
        return 0;
    switch (node_typescript(v)) {
    case NODE_TS_YES:
        return 0;
    case NODE_TS_NO:
        return problem_set(&s->problem,
                           "%s is TypeScript, which node %u.%u.%u (%s) cannot run by itself; use "
                           "Node 22.18 or later, or a loader, as in --node-args \"--import tsx\"",
                           s->launch.what.ptr, v.major, v.minor, v.patch, s->node_path.ptr);
    case NODE_TS_FLAG:
        break;
    }
    strings_add(&argv, strings_at(&s->launch.argv, 0));
    strings_add(&argv, STR("--experimental-strip-types"));
    strings_add_from(&argv, &s->launch.argv, 1);
    strings_done(&s->launch.argv);
    s->launch.argv = TAKE(argv, (struct strings){ 0 });
    return s->launch.argv.bytes.failed ? -ENOMEM : 0;
}

static int agent_find(struct starts *all)
{
    struct problem *problem = &all->list[0].problem;
    char exe[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

    if (n < 0)
        return problem_set(problem, "/proc/self/exe cannot be read (%s); is /proc mounted?",
                           strerror(errno));
    exe[n] = 0;
    return agent_dir_find(exe, &all->agent_dir, problem);
}

/* What stands as "auto" or empty becomes what it means, for the proxy and monitor too. */
static int settings_complete(struct start *s)
{
    struct settings *set = &s->settings;
    u32 cpus = cpus_allowed();

    /* Enough for who develops, and each mistake is shown once; and what is not Node shares no port.
     */
    if (set->workers.most == 0 && (set->watch.len || s->launch.is_side))
        set->workers.least = set->workers.most = 1;
    if (set->workers.most == 0)
        set->workers.least = set->workers.most = min(cpus, 128u);
    if (set->threads == 0)
        set->threads = min((cpus + 1) / 2, 64u); /* one thread keeps two busy workers fed */
    if (set->name.len == 0)
        return settings_put(set, &set->name, str_of(s->launch.name.ptr));
    return 0;
}

/* This process's environment and the launch's; the caller frees the list. */
static char **env_joined(const struct strings *more)
{
    char **extra = strings_list(more), **list;
    u32 n = 0, count = 0;

    while (environ[n])
        n++;
    list = extra ? calloc(n + more->count + 1, sizeof(*list)) : NULL;
    for (u32 i = 0; list && i < n; i++) {
        size_t name_len = strcspn(environ[i], "=") + 1;
        bool replaced = false;

        for (u32 k = 0; k < more->count; k++)
            replaced |= strncmp(environ[i], extra[k], name_len) == 0;
        if (!replaced && strncmp(environ[i], "FETTLE_", 7) != 0)
            list[count++] = environ[i];
    }
    for (u32 k = 0; list && k < more->count; k++)
        list[count++] = extra[k];
    free(extra);
    return list;
}

/* The same with what .env files hold. `vars` keeps the texts. */
static char **env_for_shell(const struct start *s, struct strings *vars)
{
    strings_add_from(vars, &s->file_env, 0);
    strings_add_from(vars, &s->launch.env, 0);
    return env_joined(vars);
}

/* prestart and its kind: once, in the foreground, before any worker. */
static int pre_run(struct start *s, const char *command)
{
    char *const argv[] = { (char *)"/bin/sh", (char *)"-c", (char *)command, NULL };
    AUTO(strings_done) struct strings vars = { 0 };
    AUTO(freep) char **env = env_for_shell(s, &vars);
    struct child_conf child = { .file = argv[0],
                                .argv = argv,
                                .envp = env,
                                .cwd = s->launch.cwd.len ? s->launch.cwd.ptr : NULL,
                                .fds = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO },
                                .fds_n = 3,
                                .user = s->user.other ? &s->user.user : NULL };
    int err, status;
    pid_t pid;

    if (!env)
        return -ENOMEM;
    log_info("first, once: %s", command);
    err = child_start(&child, &pid, NULL);
    if (err)
        return problem_set(&s->problem, "`%.300s` cannot be started: %s", command, strerror(-err));
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    if (WIFSIGNALED(status))
        problem_set(&s->problem, "`%.300s`, which runs before the app, was ended by signal %d",
                    command, WTERMSIG(status));
    else if (WEXITSTATUS(status))
        problem_set(&s->problem, "`%.300s`, which runs before the app, failed with exit code %d",
                    command, WEXITSTATUS(status));
    else
        return 0;
    return -ECHILD;
}

static int pre_run_all(struct start *s)
{
    int err = 0;

    for (u32 i = 0; !err && i < s->launch.pre.count; i++)
        err = pre_run(s, strings_at(&s->launch.pre, i).ptr);
    return err;
}

/* The command line of a helper: its hidden command (without one: another app's part, after a
 * "--"), then the settings as flags. */
static void helper_args(const struct settings *set, const char *command, struct strings *out)
{
    AUTO(buf_done) struct buf flags = { 0 };
    const char *at;

    if (command)
        strings_add(out, STR("fettle"));
    strings_add(out, command ? str_of(command) : STR("--"));
    settings_write_args(set, &flags, NULL);
    for (at = flags.ptr; at && at < flags.ptr + flags.len; at += strlen(at) + 1)
        strings_add(out, str_of(at));
    out->bytes.failed |= flags.failed;
}

/* Secrets go to the monitor in the environment; workers never get a FETTLE_ variable of ours. */
static int secrets_export(const struct settings *set)
{
    AUTO(buf_done) struct buf env = { 0 };
    char *next, *equals;

    settings_write_args(set, NULL, &env);
    for (char *at = env.ptr; at && at < env.ptr + env.len; at = next) {
        next = at + strlen(at) + 1;
        equals = strchr(at, '=');
        *equals = 0;
        if (setenv(at, equals + 1, 1) != 0)
            return -ENOMEM;
    }
    return env.failed ? -ENOMEM : 0;
}

static int watch_fill(struct start *s, struct app_conf *conf)
{
    int err = app_policy_watch(&s->settings, buf_str(&s->launch.cwd), &s->watch, &s->problem);

    conf->watch = s->watch.ptr;
    return err;
}

/* What of it a reload may change. */
static void conf_settings(const struct settings *set, struct app_conf *conf)
{
    conf->name = set->name.ptr;
    conf->workers = set->workers.least;
    conf->workers_most = set->workers.most;
    conf->scale_period_ns = set->scale_period_ns;
    conf->scale_cpus = set->scale_cpus;
    conf->port = set->port;
    conf->max_memory_bytes = set->max_memory_bytes;
    conf->max_block_ns = set->max_block_ns;
    conf->warn_block_ns = set->warn_block_ns;
    conf->drain_ns = set->drain_ns;
    conf->kill_after_ns = set->kill_after_ns;
    conf->start_timeout_ns = set->start_timeout_ns;
    conf->log_file = set->log_file.ptr;
    conf->error_file = set->error_file.ptr;
    conf->access_log = set->access_log.ptr;
    conf->log_rules = access_log_rules(set);
    app_policy_fill(conf, set);
    conf->env_files = set->env_file.len ? set->env_file.ptr : NULL;
}

static int conf_fill(struct start *s, struct app_conf *conf)
{
    const struct settings *set = &s->settings;

    s->argv = strings_list(&s->launch.argv);
    s->env = strings_list(&s->launch.env);
    s->base_env = app_env_base(&s->file.app);
    buf_clear(&s->settings_json);
    origin_json(&s->settings_json, set);
    buf_addc(&s->settings_json, 0);
    if (!s->argv || !s->env || !s->base_env || s->settings_json.failed)
        return -ENOMEM;
    *conf = app_conf_default();
    conf->settings_json = s->settings_json.ptr;
    conf->argv = s->argv;
    conf->is_node = s->launch.is_node;
    conf->is_side = s->launch.is_side;
    conf->node_path = s->node_path.ptr;
    conf->cwd = s->launch.cwd.len ? s->launch.cwd.ptr : NULL;
    conf->base_env = s->base_env;
    conf->extra_env = s->env;
    conf->user = s->user.other ? &s->user.user : NULL;
    conf_settings(set, conf);
    return set->watch.len ? watch_fill(s, conf) : 0;
}

static int confs_fill(struct starts *all)
{
    int err = 0;

    all->conf = calloc(all->count, sizeof(*all->conf));
    for (u32 i = 0; all->conf && i < all->count && !err; i++)
        err = conf_fill(&all->list[i], &all->conf[i]);
    return all->conf ? err : -ENOMEM;
}

static int proxy_args(struct starts *all)
{
    AUTO(strings_done) struct strings words = { 0 };
    char **list;

    helper_args(&all->list[0].settings, "__proxy", &words);
    for (u32 i = 1; i < all->count; i++)
        helper_args(&all->list[i].settings, NULL, &words);
    list = strings_list(&words);
    if (!list)
        return -ENOMEM;
    strings_done(&all->proxy);
    free(all->proxy_argv);
    all->proxy = TAKE(words, (struct strings){ 0 });
    all->proxy_argv = list;
    all->supervisor.proxy_argv = list;
    return 0;
}

/* How fettle was called, for reading the settings again. Before anything of that is changed. */
static int reread_prepare(struct starts *all, int argc, char **argv)
{
    AUTO(strings_done) struct strings secrets = { 0 };

    strings_add(&all->reread, STR("fettle"));
    strings_add(&all->reread, STR("__reread"));
    options_without_secrets(argc - 1, argv + 1, &all->reread, &secrets);
    for (char **v = environ; *v; v++)
        strings_add(&all->reread_env, str_of(*v));
    strings_add_from(&all->reread_env, &secrets, 0); /* the last one of a name counts, as read */
    all->reread_argv = strings_list(&all->reread);
    all->reread_envp = strings_list(&all->reread_env);
    all->here = getcwd(NULL, 0);
    return all->reread_argv && all->reread_envp && all->here ? 0 : -ENOMEM;
}

static struct start *start_named(struct starts *all, struct str name)
{
    for (u32 i = 0; i < all->count; i++)
        if (str_eq(name, all->list[i].settings.name))
            return &all->list[i];
    return NULL;
}

static int line_take(struct starts *all, struct str text, struct strings *notes, bool *proxy,
                     struct problem *p)
{
    AUTO(json_value_freep) struct json_value *line = NULL;
    struct start *s;
    int err = json_value_parse(&line, text, "", p);
    struct app_conf *conf;

    if (err)
        return err;
    s = start_named(all, renewal_name(line));
    if (!s) {
        strings_addf(notes, "%.*s: is new, and needs a start of its own",
                     STR_ARG(renewal_name(line)));
        return 0;
    }
    conf = &all->conf[s - all->list];
    err = renewal_take(&s->renewal, line, &s->settings, conf, notes, proxy, p);
    if (err)
        return err;
    line = NULL; /* the renewal's */
    conf_settings(&s->settings, conf);
    /* Those of the start, which live on: the watcher and the log files look at them. */
    conf->watch_ignore = s->renewal.first.watch_ignore.ptr;
    conf->log_file = s->renewal.first.log_file.ptr;
    conf->error_file = s->renewal.first.error_file.ptr;
    conf->access_log = s->renewal.first.access_log.ptr;
    return 0;
}

/* supervisor_conf.reread_take */
static int reread_take(const struct supervisor_conf *conf, struct str text, struct strings *notes,
                       bool *proxy, struct problem *p)
{
    struct starts *all = container_of(conf, struct starts, supervisor);
    int err = 0;

    while (text.ptr && text.len && !err) {
        struct str line = str_cut(text, '\n', &text);

        if (line.len)
            err = line_take(all, line, notes, proxy, p);
    }
    return err || !*proxy ? err : proxy_args(all);
}

/* The number by which the proxy knows the app that the file has as number `in_file`. */
static u32 app_number(const struct starts *all, u32 in_file)
{
    for (u32 i = 0; i < all->count; i++) {
        const struct config_app *app = &all->list[i].file.app;

        if (app->all.count == 0 || (in_file < app->all.count &&
                                    str_eq(strings_at(&app->all, in_file), buf_str(&app->name))))
            return i;
    }
    return ROUTES_NO_APP;
}

/* The routes with the numbers that apps have here instead of those in the file; *routed is for the
 * caller to free. */
static int routes_settle(struct starts *all, struct addr **routed, u32 *n)
{
    struct settings *set = &all->list[0].settings;
    AUTO(freep) struct routes *routes = calloc(1, sizeof(*routes));
    AUTO(buf_done) struct buf text = { 0 };
    int err = routes ? routes_parse(routes, set->routes, &all->list[0].problem) : -ENOMEM;

    if (err || routes->n == 0)
        return err;
    for (u32 i = 0; i < routes->n; i++)
        routes->row[i].app = app_number(all, routes->row[i].app);
    *routed = calloc(routes->addresses, sizeof(**routed));
    if (!*routed)
        return -ENOMEM;
    for (*n = 0; *n < routes->addresses; ++*n)
        (*routed)[*n] = routes->address[*n].addr;
    routes_text(routes, &text);
    return text.failed ? -ENOMEM : settings_put(set, &set->routes, buf_str(&text));
}

static int supervise(struct starts *all)
{
    const struct settings *set = &all->list[0].settings; /* what is shared is the same in each */
    AUTO(strings_done) struct strings monitor = { 0 };
    AUTO(freep) struct addr *routed = NULL;
    u32 routed_n = 0;
    int err = secrets_export(set);

    if (!err)
        err = routes_settle(all, &routed, &routed_n);
    if (err)
        return err;
    helper_args(set, "__monitor", &monitor);
    AUTO(freep) char **monitor_argv = strings_list(&monitor);

    if (!monitor_argv)
        return -ENOMEM;
    if (!err)
        err = confs_fill(all);
    if (err)
        return err;
    all->supervisor = (struct supervisor_conf){
        .app = all->conf,
        .apps = all->count,
        .log_path = all->log_path.len ? all->log_path.ptr : NULL,
        .routed = routed,
        .routed_n = routed_n,
        .notify = &all->notify,
        .activation = &all->activation,
        .log_json = set->log == SETTINGS_LOG_JSON,
        .agent_dir = all->agent_dir.ptr,
        .runtime_dir = set->runtime_dir.len ? set->runtime_dir.ptr : NULL,
        .monitor_argv = monitor_argv,
        .reread_argv = all->reread_argv,
        .reread_env = all->reread_envp,
        .reread_cwd = all->here,
        .reread_take = reread_take,
    };
    err = proxy_args(all);
    return err ? err : supervisor_run(&all->supervisor, &all->list[0].problem);
}

/* What was wrong with one of them. */
static struct problem *problem_of(struct starts *all)
{
    for (u32 i = 0; i < all->count; i++)
        if (all->list[i].problem.text[0])
            return &all->list[i].problem;
    return &all->list[0].problem;
}

static int fail(struct starts *all, int err)
{
    struct problem *problem = problem_of(all);

    if (!problem->text[0])
        problem_set(problem, "%s", err == -ENOMEM ? "out of memory" : strerror(-err));
    command_problem(problem);
    return err == -EINVAL ? EXIT_USAGE : err == -ENOENT ? EXIT_MISSING : EXIT_APP;
}

/* Up to what is to be run, and how. */
static int start_prepare(struct start *s, char **argv)
{
    int err = cwd_resolve(s);

    if (!err)
        err = launch_find(s, argv);
    if (!err)
        err = typescript_check(s);
    return err ? err : settings_complete(s);
}

/* Of the one start, which has read the settings, one for each of several apps. */
static int starts_split(struct starts *all, char **argv)
{
    struct start *first = &all->list[0], *list;
    const char *target = first->args.operands ? argv[first->args.operand[0]] : NULL;
    AUTO(apps_done) struct apps apps = { 0 };
    int err;

    if (first->file.chosen.count == 0)
        return 0;
    if ((target_says(first, target) &&
         config_file_ambiguous(&first->file, target, &first->problem)) ||
        (*first->app_args &&
         config_file_ambiguous(&first->file, "what stands after --", &first->problem)))
        return -EINVAL;
    err = apps_read(&apps, &first->settings, &first->file, target, &first->problem);
    list = err ? NULL : calloc(apps.count, sizeof(*list));
    if (!list)
        return err ? err : -ENOMEM;
    for (u32 i = 0; i < apps.count; i++) {
        list[i].settings = TAKE(apps.list[i].settings, (struct settings){ 0 });
        list[i].file = TAKE(apps.list[i].file, (struct config_file){ 0 });
        list[i].args = first->args;
        list[i].app_args = first->app_args;
    }
    start_done(first);
    free(first);
    all->list = list;
    all->count = apps.count;
    return 0;
}

static int words_check(const struct start *s, char **argv)
{
    if (s->args.operands <= 1)
        return 0;
    return command_usage("\"%.100s\" is one word too many; words for the app itself go after --: "
                         "fettle run %.100s -- %.100s",
                         argv[s->args.operand[1]], argv[s->args.operand[0]],
                         argv[s->args.operand[1]]);
}

/* From settings to starts that only need to be done. */
static int starts_prepare(struct starts *all, char **argv)
{
    int err;

    all->list[0].app_args = argv + all->list[0].args.rest;
    err = starts_split(all, argv);
    for (u32 i = 0; i < all->count && !err; i++)
        err = start_prepare(&all->list[i], argv);
    return err;
}

/* `fettle __reread`: what `fettle run` with the same words would begin with now. */
int reread_command(int argc, char **argv)
{
    AUTO(starts_done)
    struct starts all = { .list = calloc(1, sizeof(struct start)),
                          .count = 1,
                          .notify = { .fd = -1 } };
    AUTO(buf_done) struct buf out = { 0 };
    struct start *s = all.list;
    int err = s ? options_read(&s->settings, &s->args, &s->file, argc, argv) : EXIT_APP;

    if (err)
        return err;
    err = starts_prepare(&all, argv);
    if (!err)
        err = confs_fill(&all);
    for (u32 i = 0; i < all.count && !err; i++) {
        all.list[i].settings.detach = false;
        renewal_write(&out, &all.list[i].settings, &all.conf[i]);
    }
    return err < 0 ? fail(&all, err) : err ? err : command_print(&out);
}

/* What goes into the background is managed by its name: there is one of it. */
static int already_check(struct starts *all)
{
    struct start *first = &all->list[0];

    for (u32 i = 0; i < all->count && first->settings.detach; i++)
        if (detach_runs_already(all->list[i].settings.name.ptr, first->settings.runtime_dir.ptr,
                                &first->problem))
            return -EEXIST;
    return 0;
}

/* Into the background, when that is asked for. 0: go on; else *code is all that is left. */
static int detach(struct starts *all, int *code)
{
    struct settings *set = &all->list[0].settings;
    struct problem *p = &all->list[0].problem;

    if (!set->detach)
        return 0;
    switch (detach_fork(set->name.ptr, set->runtime_dir.ptr, &all->log_path, code, p)) {
    case DETACH_GOES_ON:
        for (u32 i = 0; i < all->count; i++)
            all->list[i].settings.detach = false;
        options_log_setup(set);
        return 0;
    case DETACH_ENDS:
        return 1;
    case DETACH_FAILED:
        break;
    }
    return -EIO;
}

static void text_put(struct buf *out, struct str text)
{
    buf_clear(out);
    buf_add(out, text);
    buf_addc(out, 0);
}

/* One folder for all: each app has its own besides, as the file says. */
static int outline_fill(struct run_outline *out, const struct starts *all)
{
    const struct start *first = &all->list[0];
    struct str folder = str_of(first->launch.cwd.len ? first->launch.cwd.ptr : NULL);
    char here[PATH_MAX];

    if (all->count > 1)
        folder = str_of(first->file.folder.ptr);
    if (folder.len == 0 && !getcwd(here, sizeof(here)))
        return -errno;
    text_put(&out->folder, folder.len ? folder : str_of(here));
    text_put(&out->name,
             all->count > 1 ? path_base(str_of(out->folder.ptr)) : first->settings.name);
    text_put(&out->node, str_of(first->node_path.ptr));
    out->apps = all->count;
    out->start_timeout_ns = first->settings.start_timeout_ns;
    out->has_port = first->settings.port > 0;
    out->has_runtime_dir = first->settings.runtime_dir.len > 0;
    for (u32 i = 0; i < all->count; i++) {
        const struct settings *set = &all->list[i].settings;

        out->has_user |= set->uid.len > 0 || set->gid.len > 0;
        out->drain_ns = max(out->drain_ns, set->drain_ns);
        out->kill_after_ns = max(out->kill_after_ns, set->kill_after_ns);
        /* What is run before, such as a build, has no limit. */
        if (!set->start_timeout_ns || !out->start_timeout_ns || all->list[i].launch.pre.count)
            out->start_timeout_ns = 0;
        else
            out->start_timeout_ns = max(out->start_timeout_ns, set->start_timeout_ns);
    }
    return out->folder.failed || out->name.failed || out->node.failed ? -ENOMEM : 0;
}

int run_outline_read(struct run_outline *out, int argc, char **argv)
{
    AUTO(starts_done)
    struct starts all = { .list = calloc(1, sizeof(struct start)),
                          .count = 1,
                          .notify = { .fd = -1 } };
    struct start *s = all.list;
    int err;

    *out = (struct run_outline){ 0 };
    if (!s)
        return EXIT_APP;
    err = options_read(&s->settings, &s->args, &s->file, argc, argv);
    if (!err)
        err = words_check(s, argv);
    if (!err)
        err = starts_prepare(&all, argv);
    if (!err)
        err = outline_fill(out, &all);
    return err < 0 ? fail(&all, err) : err;
}

void run_outline_done(struct run_outline *o)
{
    buf_done(&o->name);
    buf_done(&o->folder);
    buf_done(&o->node);
}

int run_command(int argc, char **argv)
{
    AUTO(starts_done)
    struct starts all = { .list = calloc(1, sizeof(struct start)),
                          .count = 1,
                          .notify = { .fd = -1 } };
    struct start *s = all.list;
    int err, code = EXIT_APP;

    if (!s)
        return EXIT_APP;
    manager_take(&all);
    err = options_read(&s->settings, &s->args, &s->file, argc, argv);
    if (err)
        return err;
    if (s->args.help)
        return help_of("run");
    if (s->args.version)
        return version_command(1, argv);
    err = words_check(s, argv);
    if (err)
        return err;
    err = reread_prepare(&all, argc, argv);
    options_wipe_secrets(argc, argv);
    if (!err)
        err = starts_prepare(&all, argv);
    if (!err)
        err = agent_find(&all);
    if (!err)
        err = already_check(&all);
    for (u32 i = 0; i < all.count && !err; i++)
        err = pre_run_all(&all.list[i]);
    if (!err && (err = detach(&all, &code)) > 0)
        return code;
    if (all.manager_err)
        log_warn("what the service manager gave cannot be used: %s", strerror(-all.manager_err));
    if (!err)
        err = supervise(&all);
    if (err < 0)
        return fail(&all, err);
    if (problem_of(&all)->text[0])
        command_problem(problem_of(&all));
    return err;
}
