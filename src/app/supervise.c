/* app/supervise.c -- from starts to a running supervisor, and what a reload may change of it */
#include "app/supervise.h"

#include "app/app_env.h"
#include "app/app_policy.h"
#include "app/options.h"
#include "app/origin.h"
#include "app/places.h"
#include "app/renew.h"
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
void supervise_conf_fill(const struct settings *set, struct app_conf *conf)
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
    conf->block_ns = set->block_ns;
    conf->watch_requests = set->watch_requests;
    conf->traced =
        (set->otlp.len || set->otlp_traces.len) && set->otlp_signals != SETTINGS_SIGNALS_METRICS;
    conf->n_plus_one = set->n_plus_one;
    conf->n_plus_one_ns = set->n_plus_one_ns;
    conf->slow_statement_ns = set->slow_statement_ns;
    conf->drain_ns = set->drain_ns;
    conf->kill_after_ns = set->kill_after_ns;
    conf->start_timeout_ns = set->start_timeout_ns;
    conf->log_file = set->log_file.ptr;
    conf->error_file = set->error_file.ptr;
    conf->log_date_format = set->log_date_format.ptr;
    conf->pid_file = set->pid_file.ptr;
    conf->access_log = set->request.access_log.ptr;
    conf->log_rules = access_log_rules(set);
    app_policy_fill(conf, set);
    conf->env_files = set->env_file.len ? set->env_file.ptr : NULL;
    if (conf->is_hosts)
        conf->workers = conf->workers_most = 0;
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
    buf_clear(&s->places_json);
    places_json(&s->places_json, set);
    buf_addc(&s->places_json, 0);
    if (!s->argv || !s->env || !s->base_env || s->settings_json.failed || s->places_json.failed)
        return -ENOMEM;
    *conf = app_conf_default();
    conf->settings_json = s->settings_json.ptr;
    conf->places_json = s->places_json.ptr;
    conf->argv = s->argv;
    conf->is_node = s->launch.is_node;
    conf->is_side = s->launch.is_side;
    conf->is_hosts = s->launch.is_hosts;
    conf->node_path = s->node_path.ptr;
    conf->cwd = s->launch.cwd.len ? s->launch.cwd.ptr : NULL;
    conf->base_env = s->base_env;
    conf->extra_env = s->env;
    conf->user = s->user.other ? &s->user.user : NULL;
    supervise_conf_fill(set, conf);
    return set->watch.len ? watch_fill(s, conf) : 0;
}

int supervise_confs(struct starts *all)
{
    int err = 0;

    all->conf = calloc(SHM_APPS_MAX, sizeof(*all->conf)); /* a reload may bring more of them */
    for (u32 i = 0; all->conf && i < all->count && !err; i++)
        err = conf_fill(&all->list[i], &all->conf[i]);
    return all->conf ? err : -ENOMEM;
}

int supervise_proxy_words(struct settings *const *settings, u32 n, struct strings *out)
{
    AUTO(strings_done) struct strings names = { 0 };
    AUTO(buf_done) struct buf routes = { 0 };
    struct str named = settings[0]->routes;
    int err;

    for (u32 i = 0; i < n; i++)
        strings_add(&names, settings[i]->name);
    err = names.bytes.failed ? -ENOMEM : places_number(settings[0], &names, &routes);
    if (err)
        return err;
    settings[0]->routes = buf_str(&routes);
    helper_args(settings[0], "__proxy", out);
    settings[0]->routes = named;
    for (u32 i = 1; i < n; i++)
        helper_args(settings[i], NULL, out);
    return out->bytes.failed ? -ENOMEM : 0;
}

int supervise_proxy_take(struct starts *all, struct strings *words)
{
    char **list = strings_list(words);

    if (!list)
        return -ENOMEM;
    strings_done(&all->proxy);
    free(all->proxy_argv);
    all->proxy = TAKE(*words, (struct strings){ 0 });
    all->proxy_argv = list;
    all->supervisor.proxy_argv = list;
    return 0;
}

static int proxy_args(struct starts *all)
{
    AUTO(strings_done) struct strings words = { 0 };
    struct settings *settings[SHM_APPS_MAX];
    int err;

    for (u32 i = 0; i < all->count; i++)
        settings[i] = &all->list[i].settings;
    err = supervise_proxy_words(settings, all->count, &words);
    return err ? err : supervise_proxy_take(all, &words);
}

int supervise_routed(struct starts *all, const struct settings *s, struct endpoint **out, u32 *n)
{
    AUTO(freep) struct routes *routes = calloc(1, sizeof(*routes));
    int err = routes ? routes_parse(routes, s->routes, &all->list[0].problem) : -ENOMEM;

    *n = 0;
    *out = NULL;
    if (err || routes->addresses == 0)
        return err;
    *out = calloc(routes->addresses, sizeof(**out));
    if (!*out)
        return -ENOMEM;
    memcpy(*out, routes->address, routes->addresses * sizeof(**out));
    *n = routes->addresses;
    return 0;
}

/* Room for the starts of all apps that may come, at the same place for good. */
static int room_make(struct starts *all)
{
    struct start *list = calloc(SHM_APPS_MAX, sizeof(*list));

    if (!list)
        return -ENOMEM;
    memcpy(list, all->list, all->count * sizeof(*list));
    for (u32 i = 0; i < all->count; i++)
        list[i].user.user.groups = list[i].user.groups;
    free(all->list);
    all->list = list;
    return 0;
}

int supervise(struct starts *all)
{
    AUTO(strings_done) struct strings monitor = { 0 };
    const struct settings *set; /* what is shared is the same in each */
    int err = room_make(all);

    if (err)
        return err;
    set = &all->list[0].settings;
    err = secrets_export(set);
    if (!err)
        err = supervise_routed(all, set, &all->routed, &all->routed_n);
    if (err)
        return err;
    helper_args(set, "__monitor", &monitor);
    AUTO(freep) char **monitor_argv = strings_list(&monitor);

    if (!monitor_argv)
        return -ENOMEM;
    err = supervise_confs(all);
    if (err)
        return err;
    all->supervisor = (struct supervisor_conf){
        .app = all->conf,
        .apps = all->count,
        .log_path = all->log_path.len ? all->log_path.ptr : NULL,
        .routed = all->routed,
        .routed_n = all->routed_n,
        .listeners = set->listeners.ptr,
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
        .reread_take = renew_take,
    };
    err = proxy_args(all);
    return err ? err : supervisor_run(&all->supervisor, &all->list[0].problem);
}
