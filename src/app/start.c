/* app/start.c -- what the start of apps needs, from a command line to what can be started */
#include "app/start.h"

#include "app/app_env.h"
#include "app/apps.h"
#include "app/env_file.h"
#include "app/exit_code.h"
#include "app/node.h"
#include "app/options.h"
#include "app/path.h"
#include "app/places.h"
#include "conf/cpus.h"
#include "conf/routes.h"

#include <limits.h>
#include <sys/stat.h>

struct starts starts_one(void)
{
    return (struct starts){ .list = calloc(1, sizeof(struct start)),
                            .count = 1,
                            .notify = { .fd = -1 },
                            .predecessor = PREDECESSOR_NONE };
}

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
    buf_done(&s->places_json);
    renewal_done(&s->renewal);
}

void starts_done(struct starts *all)
{
    for (u32 i = 0; all->list && i < all->count; i++)
        start_done(&all->list[i]);
    free(all->list);
    free(all->conf);
    free(all->routed);
    strings_done(&all->proxy);
    strings_done(&all->reread);
    strings_done(&all->reread_env);
    free(all->proxy_argv);
    free(all->reread_argv);
    free(all->reread_envp);
    strings_done(&all->succeed);
    free(all->succeed_argv);
    free(all->here);
    buf_done(&all->agent_dir);
    buf_done(&all->log_path);
    predecessor_done(&all->predecessor);
    notify_done(&all->notify);
    activation_done(&all->activation);
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

/* Whether all that is asked of fettle's own addresses goes to other hosts: then there may be
 * nothing to run. */
static bool may_be_hosts(const struct settings *set)
{
    AUTO(freep) struct routes *routes = calloc(1, sizeof(*routes));
    const struct settings_row *row = settings_row_find(STR("upstream"), NULL);
    struct problem ignored;
    struct override said;

    if (!routes || routes_parse(routes, set->routes, &ignored))
        return false;
    if (set->request.upstream.len)
        return routes->n > 0 || set->port;
    for (u32 i = 0; i < routes->n; i++)
        if (!override_find(routes->row[i].overrides, row, &said))
            return false;
    return routes->n > 0;
}

/* Where it listens, if nothing but a port is said. */
static int hosts_listen(struct settings *set)
{
    AUTO(buf_done) struct buf routes = { 0 };

    if (set->routes.len)
        return 0;
    buf_addf(&routes, ":%u * / keep =", set->port);
    return routes.failed ? -ENOMEM : settings_put(set, &set->routes, buf_str(&routes));
}

/* There is nothing that could be run here, and nobody has named anything. */
static int hosts_find(struct start *s, const struct launch_ask *ask)
{
    int err;

    s->problem = (struct problem){ 0 };
    err = launch_hosts(&s->launch, ask->cwd.len ? ask->cwd : str_of(ask->here));
    return err ? err : hosts_listen(&s->settings);
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
    bool hosts = !target_says(s, ask.target) && s->file.app.run.len == 0 &&
                 s->file.app.command.len == 0 && may_be_hosts(&s->settings);
    int err = node_find(s->settings.node, str_of(ask.path), &s->node_path, &s->problem);

    if (err && !hosts) /* what balances a load for others needs none */
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
    if (err == -ENOENT && hosts)
        err = hosts_find(s, &ask);
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

/* What stands as "auto" or empty becomes what it means, for the proxy and monitor too. */
static int settings_complete(struct start *s)
{
    struct settings *set = &s->settings;
    u32 cpus = cpus_allowed();

    /* Enough for who develops, and each mistake is shown once; and what is not Node shares no port.
     */
    if (set->workers.most == 0 && (set->watch.len || s->launch.is_side || s->launch.is_hosts))
        set->workers.least = set->workers.most = 1;
    if (set->workers.most == 0)
        set->workers.least = set->workers.most = min(cpus, 128u);
    if (set->threads == 0)
        set->threads = min((cpus + 1) / 2, 64u); /* one thread keeps two busy workers fed */
    if (set->name.len == 0)
        return settings_put(set, &set->name, str_of(s->launch.name.ptr));
    return 0;
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

/* What is said for places, as it holds for these apps. */
static int places_prepare(struct starts *all)
{
    AUTO(freep) struct places_app *apps = calloc(all->count, sizeof(*apps));
    int err = apps ? 0 : -ENOMEM;

    for (u32 i = 0; apps && i < all->count; i++)
        apps[i] =
            (struct places_app){ buf_str(&all->list[i].file.app.name), all->list[i].settings.name };
    for (u32 i = 0; i < all->count && !err; i++)
        err = places_settle(&all->list[i].settings, apps, all->count);
    return err;
}

int starts_prepare(struct starts *all, char **argv)
{
    int err;

    all->list[0].app_args = argv + all->list[0].args.rest;
    err = starts_split(all, argv);
    for (u32 i = 0; i < all->count && !err; i++)
        err = start_prepare(&all->list[i], argv);
    return err ? err : places_prepare(all);
}

struct problem *starts_problem(struct starts *all)
{
    for (u32 i = 0; i < all->count; i++)
        if (all->list[i].problem.text[0])
            return &all->list[i].problem;
    return &all->list[0].problem;
}
