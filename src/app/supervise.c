/* app/supervise.c -- from starts to a running supervisor, and what a reload may change of it */
#include "app/supervise.h"

#include "app/app_env.h"
#include "app/app_policy.h"
#include "app/options.h"
#include "app/origin.h"
#include "conf/routes.h"
#include "proxy/access.h"

extern char **environ;

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
    conf->log_date_format = set->log_date_format.ptr;
    conf->pid_file = set->pid_file.ptr;
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

int supervise_confs(struct starts *all)
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
    conf->log_date_format = s->renewal.first.log_date_format.ptr;
    conf->pid_file = s->renewal.first.pid_file.ptr;
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
static int routes_settle(struct starts *all, struct endpoint **routed, u32 *n)
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
        (*routed)[*n] = routes->address[*n];
    routes_text(routes, &text);
    return text.failed ? -ENOMEM : settings_put(set, &set->routes, buf_str(&text));
}

int supervise(struct starts *all)
{
    const struct settings *set = &all->list[0].settings; /* what is shared is the same in each */
    AUTO(strings_done) struct strings monitor = { 0 };
    AUTO(freep) struct endpoint *routed = NULL;
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
        err = supervise_confs(all);
    if (err)
        return err;
    all->supervisor = (struct supervisor_conf){
        .app = all->conf,
        .apps = all->count,
        .log_path = all->log_path.len ? all->log_path.ptr : NULL,
        .routed = routed,
        .routed_n = routed_n,
        .predecessor = &all->predecessor,
        .successor = { .file = *all->succeed_argv[0] ? all->succeed_argv[0] : NULL,
                       .argv = all->succeed_argv,
                       .env = all->reread_envp,
                       .cwd = all->here,
                       .background = all->log_path.len > 0 },
        .left = &all->left,
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
