/* app/run.c -- `fettle run`: from a command line to a running supervisor */
#include "app/agent_dir.h"
#include "app/app_env.h"
#include "app/command.h"
#include "app/exit_code.h"
#include "app/launch.h"
#include "app/node.h"
#include "app/options.h"
#include "conf/cpus.h"
#include "conf/words.h"
#include "io/child.h"
#include "proxy/access.h"
#include "worker/supervisor.h"

#include <limits.h>
#include <sys/stat.h>
#include <sys/wait.h>

extern char **environ;

/* All that a start needs, so that its steps can fill it in one after the other. */
struct start {
    struct settings settings;
    struct settings_args args;
    struct config_file file;
    struct launch launch;
    struct buf node_path;
    struct buf agent_dir;
    struct str cwd; /* absolute; empty: not set */
    char *cwd_real;
    char **app_args; /* of the command line, up to a NULL */
    struct problem problem;
};

static void start_done(struct start *s)
{
    settings_done(&s->settings);
    config_file_done(&s->file);
    launch_done(&s->launch);
    buf_done(&s->node_path);
    buf_done(&s->agent_dir);
    free(s->cwd_real);
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

/* What the file says of what to run, for whatever the command line leaves open. */
static int file_apply(struct start *s, struct launch_ask *ask)
{
    struct config_file *file = &s->file;
    struct config_app *app = &file->app;
    bool is_said = ask->target && !file->is_target && !is_its_folder(s, ask->target);

    if (is_said)
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
    ask->here = file->folder.ptr;
    if (s->cwd.len == 0) {
        s->cwd_real = strdup(file->folder.ptr);
        s->cwd = ask->cwd = str_of(s->cwd_real);
    }
    return s->cwd.len ? 0 : -ENOMEM;
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
    return err ? err : app_env_join(&s->launch.env, &s->file.app);
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

static int agent_find(struct start *s)
{
    char exe[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

    if (n < 0)
        return problem_set(&s->problem, "/proc/self/exe cannot be read (%s); is /proc mounted?",
                           strerror(errno));
    exe[n] = 0;
    return agent_dir_find(exe, &s->agent_dir, &s->problem);
}

/* What stands as "auto" or empty becomes what it means, for the proxy and monitor too. */
static int settings_complete(struct start *s)
{
    struct settings *set = &s->settings;
    u32 cpus = cpus_allowed();

    if (set->workers == 0)
        set->workers = min(cpus, 128u);
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

/* prestart and its kind: once, in the foreground, before any worker. */
static int pre_run(struct start *s, const char *command)
{
    char *const argv[] = { (char *)"/bin/sh", (char *)"-c", (char *)command, NULL };
    AUTO(freep) char **env = env_joined(&s->launch.env);
    struct child_conf child = { .file = argv[0],
                                .argv = argv,
                                .envp = env,
                                .cwd = s->launch.cwd.len ? s->launch.cwd.ptr : NULL,
                                .fds = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO },
                                .fds_n = 3 };
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

/* The command line of a helper: its hidden command, then the settings as flags. */
static void helper_args(const struct settings *set, const char *command, struct strings *out)
{
    AUTO(buf_done) struct buf flags = { 0 };
    const char *at;

    strings_add(out, STR("fettle"));
    strings_add(out, str_of(command));
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

static int supervise(struct start *s)
{
    const struct settings *set = &s->settings;
    AUTO(strings_done) struct strings proxy = { 0 };
    AUTO(strings_done) struct strings monitor = { 0 };
    struct app_conf app = app_conf_default();
    struct supervisor_conf conf = { .app = &app, .apps = 1 };

    helper_args(set, "__proxy", &proxy);
    helper_args(set, "__monitor", &monitor);
    AUTO(freep) char **proxy_argv = strings_list(&proxy);
    AUTO(freep) char **monitor_argv = strings_list(&monitor);
    AUTO(freep) char **worker_argv = strings_list(&s->launch.argv);
    AUTO(freep) char **worker_env = strings_list(&s->launch.env);

    if (!proxy_argv || !monitor_argv || !worker_argv || !worker_env || secrets_export(set))
        return -ENOMEM;
    app.name = set->name.ptr;
    app.argv = worker_argv;
    app.is_node = s->launch.is_node;
    app.node_path = s->node_path.ptr;
    app.cwd = s->launch.cwd.len ? s->launch.cwd.ptr : NULL;
    app.extra_env = worker_env;
    app.workers = set->workers;
    app.port = set->port;
    app.max_memory_bytes = set->max_memory_bytes;
    app.max_block_ns = set->max_block_ns;
    app.warn_block_ns = set->warn_block_ns;
    app.drain_ns = set->drain_ns;
    app.kill_after_ns = set->kill_after_ns;
    app.start_timeout_ns = set->start_timeout_ns;
    conf.log_json = set->log == SETTINGS_LOG_JSON;
    app.log_file = set->log_file.ptr;
    app.error_file = set->error_file.ptr;
    app.log_rules = access_log_rules(set);
    conf.agent_dir = s->agent_dir.ptr;
    conf.runtime_dir = set->runtime_dir.len ? set->runtime_dir.ptr : NULL;
    conf.proxy_argv = proxy_argv;
    conf.monitor_argv = monitor_argv;
    return supervisor_run(&conf, &s->problem);
}

static int fail(struct start *s, int err)
{
    if (!s->problem.text[0])
        problem_set(&s->problem, "%s", err == -ENOMEM ? "out of memory" : strerror(-err));
    command_problem(&s->problem);
    return err == -EINVAL ? EXIT_USAGE : err == -ENOENT ? EXIT_MISSING : EXIT_APP;
}

int run_command(int argc, char **argv)
{
    AUTO(start_done) struct start s = { 0 };
    int err = options_read(&s.settings, &s.args, &s.file, argc, argv);

    if (err)
        return err;
    if (s.args.help)
        return help_of("run");
    if (s.args.version)
        return version_command(1, argv);
    if (s.args.operands > 1)
        return command_usage("\"%.100s\" is one word too many; words for the app itself go after "
                             "--: fettle run %.100s -- %.100s",
                             argv[s.args.operand[1]], argv[s.args.operand[0]],
                             argv[s.args.operand[1]]);
    s.app_args = argv + s.args.rest;
    options_wipe_secrets(argc, argv);
    err = cwd_resolve(&s);
    if (!err)
        err = launch_find(&s, argv);
    if (!err)
        err = typescript_check(&s);
    if (!err)
        err = agent_find(&s);
    if (!err)
        err = settings_complete(&s);
    if (!err)
        err = pre_run_all(&s);
    if (!err)
        err = app_env_filter(&s.file.app);
    if (!err)
        err = supervise(&s);
    if (err < 0)
        return fail(&s, err);
    if (s.problem.text[0])
        command_problem(&s.problem);
    return err;
}
