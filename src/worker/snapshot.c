/* worker/snapshot.c -- how the apps are, as JSON */
#include "worker/snapshot.h"

#include "base/json.h"
#include "worker/crew.h"
#include "worker/verdict.h"

#define RATES_OLD_NS (5 * NS_PER_S)
#define BLOCKED_NS (1 * NS_PER_S)
enum { URL_MAX = 256 };

static const char *const state_names[] = {
    [SHM_APP_NONE] = "none",       [SHM_APP_STARTING] = "starting", [SHM_APP_RUNNING] = "running",
    [SHM_APP_STOPPED] = "stopped", [SHM_APP_FINISHED] = "finished", [SHM_APP_ERRORED] = "errored",
    [SHM_APP_GONE] = "gone",
};

static bool is_ready(const struct worker *w)
{
    return w->current && w->current->state == PROCESS_READY;
}

u32 snapshot_ready(const struct app *app)
{
    u32 n = 0;

    for (u32 i = 1; i <= app->workers; i++)
        n += is_ready(&app->worker[i]);
    return n;
}

u32 snapshot_wanted(const struct app *app)
{
    u32 n = 0;

    for (u32 i = 1; i <= app->workers; i++)
        n += !app->worker[i].finished && !app->worker[i].retired;
    return n;
}

static const char *state_of(const struct app *app)
{
    if (app->crew->draining || (app->state == SHM_APP_STOPPED && app->processes))
        return "stopping";
    if (app->reload.at)
        return "reloading";
    return state_names[app->state];
}

static void rates_write(struct buf *out, const struct shm_rates *r, u32 generation, u64 now_ns)
{
    u64 at_ns = r->at_ns, p99_ns = r->p99_ns;
    bool known =
        at_ns && (at_ns > now_ns || now_ns - at_ns < RATES_OLD_NS) && r->generation == generation;

    json_key(out, "utilization");
    known ? json_ppm(out, r->utilization_ppm) : json_null(out);
    json_key(out, "requests_per_second");
    known ? json_ppm(out, r->requests_per_1000s * 1000) : json_null(out);
    json_key(out, "p99_ms");
    known &&p99_ns ? json_ms(out, p99_ns) : json_null(out);
}

/* Bytes of all processes in slots of the app; of those of one worker when `worker` is not 0. */
static u64 memory_of(const struct app *app, u32 worker)
{
    const struct slots *s = &app->crew->slots;
    u64 bytes = 0;

    for (u32 i = 0; i < SHM_SLOTS_MAX; i++) {
        const struct shm_slot *slot = &s->shm->slot[i];

        if (s->own[i].state != SHM_FREE && s->own[i].state != SHM_DEAD && slot->app == app->index &&
            (!worker || slot->worker == worker))
            bytes += slot->rss_bytes;
    }
    return bytes;
}

/* A process that nobody has looked at yet has some, but how much is not known. */
static void memory_write(struct buf *out, const struct app *app, u32 worker)
{
    u64 bytes = memory_of(app, worker);
    bool runs = worker ? app->worker[worker].current != NULL : app->processes > 0;

    json_key(out, "memory_bytes");
    bytes || !runs ? json_u64(out, bytes) : json_null(out);
}

static const struct agent *agent_of(const struct worker *w)
{
    if (!w->current)
        return NULL;
    list_each (link, &w->current->agents) {
        const struct agent *a = container_of(link, struct agent, link);

        if (a->is_main && a->slot >= 0)
            return a;
    }
    return NULL;
}

static u32 restarts_of(const struct worker *w)
{
    return w->starts ? w->starts - 1 : 0;
}

static void urls_write(struct buf *out, const struct app *app)
{
    const struct listeners *ls = &app->crew->listeners;

    json_key(out, "urls");
    buf_addc(out, '[');
    for (u32 i = 0; i < SHM_LISTENERS_MAX; i++) {
        AUTO(buf_done) struct buf url = { 0 };

        if (!ls->listener[i].open || ls->listener[i].app != app->index)
            continue;
        listeners_url(ls, i, &url);
        json_text(out, buf_str(&url));
    }
    buf_addc(out, ']');
}

/* What `fettle logs` reads. */
static void logs_write(struct buf *out, const struct app *app)
{
    const struct logfile *file[2] = { app->output.file[0], app->output.file[1] };

    json_key(out, "log_files");
    buf_addc(out, '[');
    for (u32 i = 0; i < 2; i++)
        if (file[i] && (i == 0 || file[1] != file[0]))
            json_text(out, str_of(logfile_path(file[i])));
    buf_addc(out, ']');
    json_key(out, "log_in_memory");
    json_bool(out, !file[0] || !file[1]);
    if (app->conf->access_log && *app->conf->access_log) {
        json_key(out, "access_log");
        json_text(out, str_of(app->conf->access_log));
    }
}

/* What is not as it should be with one worker. */
static void worker_findings(struct buf *out, const struct worker *w, u64 now_ns)
{
    AUTO(buf_done) struct buf text = { 0 };
    const struct agent *a = agent_of(w);
    u64 limit = w->app->conf->max_memory_bytes, blocked_ns = 0, rss = 0;

    if (a) {
        blocked_ns =
            verdict_blocked_ns(slots_busy_since_ns(&w->app->crew->slots, (u32)a->slot), now_ns);
        rss = w->app->crew->shm->slot[a->slot].rss_bytes;
    }
    if (w->backoff.failures >= BACKOFF_LOOP)
        buf_addf(&text, "worker %u has failed %u times in a row (%s)", w->number,
                 w->backoff.failures, w->ended_why);
    else if (blocked_ns >= BLOCKED_NS)
        buf_addf(&text, "worker %u's loop has been blocked for %.1f s", w->number,
                 (double)blocked_ns / NS_PER_S);
    else if (limit && rss > limit / 10 * 9)
        buf_addf(&text, "worker %u uses %llu MB of at most %llu", w->number,
                 (unsigned long long)(rss >> 20), (unsigned long long)(limit >> 20));
    if (text.len)
        json_text(out, buf_str(&text));
}

static void findings_write(struct buf *out, const struct app *app, u64 now_ns)
{
    const struct crew *c = app->crew;

    json_key(out, "findings");
    buf_addc(out, '[');
    for (u32 i = 1; i <= app->workers; i++)
        worker_findings(out, &app->worker[i], now_ns);
    if (!c->draining && c->proxy.conf.argv && !c->proxy.pid)
        json_text(out, STR("the proxy does not run just now"));
    if (!c->draining && c->monitor.conf.argv && !c->monitor.pid)
        json_text(out, STR("the monitor does not run, so there are no rates"));
    if (app->state == SHM_APP_ERRORED)
        json_text(out, STR("it did not start, and has been given up"));
    buf_addc(out, ']');
}

static void number(struct buf *out, const char *key, u64 n)
{
    json_key(out, key);
    json_u64(out, n);
}

static void row_write(struct buf *out, const struct app *app, u64 now_ns)
{
    u64 restarts = 0;

    for (u32 i = 1; i <= app->workers; i++)
        restarts += restarts_of(&app->worker[i]);
    json_key(out, "name");
    json_text(out, str_of(app->conf->name));
    json_key(out, "state");
    json_text(out, str_of(state_of(app)));
    number(out, "workers_ready", snapshot_ready(app));
    number(out, "workers_wanted", snapshot_wanted(app));
    rates_write(out, &app->crew->shm->app[app->index].rates, 0, now_ns);
    memory_write(out, app, 0);
    number(out, "restarts", restarts);
    json_key(out, "uptime_ms");
    app_is_over(app) ? json_null(out) : json_u64(out, (now_ns - app->started_ns) / NS_PER_MS);
    urls_write(out, app);
    logs_write(out, app);
    findings_write(out, app, now_ns);
    number(out, "supervisor_pid", (u64)getpid());
}

void snapshot_app(struct buf *out, const struct app *app, u64 now_ns)
{
    json_comma(out);
    buf_addc(out, '{');
    row_write(out, app, now_ns);
    buf_addc(out, '}');
}

static void worker_write(struct buf *out, const struct worker *w, u64 now_ns)
{
    static const struct shm_rates unknown;
    const struct agent *a = agent_of(w);
    const struct process *p = w->current;
    const struct shm_slot *slot = a ? &w->app->crew->shm->slot[a->slot] : NULL;

    json_comma(out);
    buf_addc(out, '{');
    number(out, "worker", w->number);
    json_key(out, "pid");
    p ? json_u64(out, (u64)p->pid) : json_null(out);
    json_key(out, "node_pid"); /* behind npm or a shell it is another one */
    a ? json_u64(out, a->pid) : json_null(out);
    json_key(out, "state");
    json_text(out, str_of(p && p->held  ? "held"
                          : p           ? process_state_name(p->state)
                          : w->finished ? "finished"
                          : w->retired  ? "stopped"
                                        : "waiting"));
    json_key(out, "replaced_by_pid");
    w->successor ? json_u64(out, (u64)w->successor->pid) : json_null(out);
    json_key(out, "generation");
    slot ? json_u64(out, slot->generation) : json_null(out);
    rates_write(out, slot ? &slot->rates : &unknown, slot ? slot->generation : 0, now_ns);
    memory_write(out, w->app, w->number);
    json_key(out, "heap_used_bytes");
    slot ? json_u64(out, slot->agent.heap_used_bytes) : json_null(out);
    number(out, "restarts", restarts_of(w));
    json_key(out, "last_restart_why");
    w->ended_ns ? json_text(out, str_of(w->ended_why)) : json_null(out);
    json_key(out, "last_restart_ago_ms");
    w->ended_ns ? json_u64(out, (now_ns - w->ended_ns) / NS_PER_MS) : json_null(out);
    json_key(out, "uptime_ms");
    p ? json_u64(out, (now_ns - p->started_ns) / NS_PER_MS) : json_null(out);
    json_key(out, "node_version");
    a ? json_text(out, str_of(a->node_version)) : json_null(out);
    number(out, "in_flight", a ? slots_in_flight(&w->app->crew->slots, (u32)a->slot) : 0);
    buf_addc(out, '}');
}

static void command_write(struct buf *out, const struct app *app)
{
    char here[4096];

    json_key(out, "command");
    buf_addc(out, '[');
    for (u32 i = 0; app->conf->argv[i]; i++)
        json_text(out, str_of(app->conf->argv[i]));
    buf_addc(out, ']');
    json_key(out, "cwd");
    json_text(out, str_of(app->conf->cwd ? app->conf->cwd : getcwd(here, sizeof(here))));
    json_key(out, "node");
    json_text(out, str_of(app->conf->node_path));
}

static void supervisor_write(struct buf *out, const struct crew *c, u64 now_ns)
{
    json_key(out, "supervisor");
    buf_addc(out, '{');
    number(out, "pid", (u64)getpid());
    json_key(out, "version");
    json_text(out, STR(FETTLE_VERSION));
    number(out, "uptime_ms", (now_ns - c->shm->started_ns) / NS_PER_MS);
    number(out, "proxy_pid", (u64)c->proxy.pid);
    number(out, "monitor_pid", (u64)c->monitor.pid);
    json_key(out, "runtime_dir");
    json_text(out, str_of(c->dir.path));
    json_key(out, "log");
    c->conf->log_path ? json_text(out, str_of(c->conf->log_path)) : json_null(out);
    buf_addc(out, '}');
}

void snapshot_describe(struct buf *out, const struct app *app, u64 now_ns)
{
    const struct agent *a = NULL;

    json_comma(out);
    buf_addc(out, '{');
    row_write(out, app, now_ns);
    command_write(out, app);
    for (u32 i = 1; i <= app->workers && !a; i++)
        a = agent_of(&app->worker[i]);
    json_key(out, "node_version");
    a ? json_text(out, str_of(a->node_version)) : json_null(out);
    json_key(out, "workers");
    buf_addc(out, '[');
    for (u32 i = 1; i <= app->workers; i++)
        worker_write(out, &app->worker[i], now_ns);
    buf_addc(out, ']');
    json_key(out, "settings");
    buf_add(out, app->conf->settings_json ? str_of(app->conf->settings_json) : STR("[]"));
    json_key(out, "places");
    buf_add(out, app->conf->places_json ? str_of(app->conf->places_json) : STR("[]"));
    supervisor_write(out, app->crew, now_ns);
    buf_addc(out, '}');
}
