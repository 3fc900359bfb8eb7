/* worker/scaling.c -- an app's workers become more or fewer by themselves */
#include "worker/scaling.h"

#include "base/log.h"
#include "conf/cpus.h"
#include "conf/file.h"
#include "conf/memory.h"
#include "worker/crew.h"
#include "worker/workers.h"

#define NO_MEMORY_PAUSE_NS (600 * NS_PER_S)
enum { READINGS_PER_PERIOD = 4, STAT_BYTES_MAX = 1 << 20 };

/* What a sum has grown by; what is not ours to trust may fall. */
static u64 grown(u64 *last, u64 now)
{
    u64 by = now > *last ? now - *last : 0;

    *last = now;
    return by;
}

static u64 busy_ns(const struct shm_slot *slot, u64 now_ns)
{
    u64 since_ns = slot->loop.busy_since_ns;

    return slot->loop.busy_ns + (since_ns && now_ns > since_ns ? now_ns - since_ns : 0);
}

/* The share of the time since the last reading in which the process's loop has run. */
static double busy_share(struct scaling *s, const struct process *p, u64 now_ns)
{
    double span_ns = (double)(now_ns - s->at_ns), sum = 0;

    list_each (link, &p->agents) {
        const struct agent *a = container_of(link, struct agent, link);
        const struct shm_slot *slot;
        u64 by;

        if (a->slot < 0 || !a->is_main)
            continue;
        slot = &s->app->crew->shm->slot[a->slot];
        by = grown(&s->busy_ns[a->slot], busy_ns(slot, now_ns));
        /* Of a new one, only what is yet to come. */
        if (s->generation[a->slot] == slot->generation)
            sum += (double)by / span_ns;
        s->generation[a->slot] = slot->generation;
    }
    return min(sum, 1.0);
}

struct sums {
    u64 cpu_ns, rss_bytes;
    u32 counted;
};

/* CPU time and memory of all that is ours, as health.c has sampled it. */
static struct sums sums_of(const struct scaling *s)
{
    const struct shm *shm = s->app->crew->shm;
    struct procfs_sample proxy;
    struct sums sums = { 0 };

    for (u32 i = 0; i < SHM_SLOTS_MAX; i++) {
        const struct shm_slot *slot = &shm->slot[i];

        if (s->app->crew->slots.own[i].state == SHM_FREE)
            continue;
        sums.cpu_ns += slot->cpu_user_ns + slot->cpu_system_ns;
        if (slot->app != s->app->index || !slot->is_main || !slot->rss_bytes)
            continue;
        sums.rss_bytes += slot->rss_bytes;
        sums.counted++;
    }
    if (procfs_sample(shm->proxy_pid, &proxy) == 0)
        sums.cpu_ns += proxy.cpu_user_ns + proxy.cpu_system_ns;
    return sums;
}

/* CPUs that had nothing to do, and that our quota would let us use. */
static double cpus_free(struct scaling *s, const struct sums *sums, u64 now_ns)
{
    AUTO(buf_done) struct buf stat = { 0 };
    double span_s = (double)(now_ns - s->at_ns) / NS_PER_S, free = 0, quota;
    u64 ticks = 0, used_ns = grown(&s->cpu_ns, sums->cpu_ns);

    if (file_read("/proc/stat", STAT_BYTES_MAX, &stat) == 0)
        ticks = grown(&s->idle_ticks, cpus_idle_ticks(buf_str(&stat)));
    if (s->app->conf->scale_cpus)
        return s->app->conf->scale_cpus;
    free = (double)ticks / (double)sysconf(_SC_CLK_TCK) / span_s;
    quota = s->conf.cpus - (double)used_ns / NS_PER_S / span_s;
    free = min(free, quota);
    return max(free, 0.0);
}

/* How many of its requests have waited at a time. */
static double waiting(struct scaling *s, u64 now_ns)
{
    const struct shm_lanes *own = &s->app->crew->shm->lanes[s->app->index];
    u64 by_ns = grown(&s->queue_wait_ns, own->queue_wait_ns);
    double mean = (double)by_ns / (double)(now_ns - s->at_ns);

    /* Those that wait still are in no sum yet. */
    mean = max(mean, (double)own->queued);
    return min(mean, 1e6);
}

static struct scale_reading reading_take(struct scaling *s, u64 now_ns)
{
    struct app *app = s->app;
    struct sums sums = sums_of(s);
    struct scale_reading r = { .now_ns = now_ns, .workers = app->workers };
    u64 mean_bytes = sums.counted ? sums.rss_bytes / sums.counted : 0;

    for (u32 i = 1; i <= app->workers; i++) {
        const struct process *p = app->worker[i].current;

        if (!p || p->state != PROCESS_READY || p->held)
            continue;
        r.ready++;
        r.busy += busy_share(s, p, now_ns);
    }
    r.waiting = waiting(s, now_ns);
    r.cpus_free = cpus_free(s, &sums, now_ns);
    r.memory_most = scale_memory_most(min(memory_available(""), UINT64_MAX / 4), r.ready,
                                      mean_bytes, app->conf->max_memory_bytes);
    return r;
}

static void apply(struct scaling *s, const struct scale_reading *r, struct scale_verdict v)
{
    AUTO(buf_done) struct buf why = { 0 };
    struct app *app = s->app;

    scale_reason_text(&s->scale, r, &v, &why);
    if (v.reason == SCALE_NO_MEMORY &&
        (!s->no_memory_ns || r->now_ns - s->no_memory_ns >= NO_MEMORY_PAUSE_NS)) {
        s->no_memory_ns = r->now_ns;
        log_warn("%s%u workers stay: %.*s", app->lead, r->workers, STR_ARG(buf_str(&why)));
    }
    if (v.workers == r->workers || workers_set(app, v.workers) < 0)
        return;
    log_info("%s%u → %u worker%s: %.*s", app->lead, r->workers, v.workers,
             v.workers == 1 ? "" : "s", STR_ARG(buf_str(&why)));
}

/* One that is being looked into does no work, and is not to be retired while at it. */
static bool any_held(const struct app *app)
{
    for (u32 i = 1; i <= app->workers; i++)
        if (app->worker[i].current && app->worker[i].current->held)
            return true;
    return false;
}

static void due(struct timer *t)
{
    struct scaling *s = container_of(t, struct scaling, timer);
    struct app *app = s->app;
    u64 now_ns = loop_now_ns(app->crew->loop);
    bool first = s->at_ns == 0;
    struct scale_reading r;

    if (app->crew->draining || app_is_over(app) || app->is_cluster)
        return;
    loop_timer(app->crew->loop, t, now_ns + s->conf.period_ns / READINGS_PER_PERIOD, due);
    if (now_ns == s->at_ns)
        return;
    r = reading_take(s, now_ns);
    s->at_ns = now_ns;
    /* While a reload replaces them one by one, loops are busy with starting. */
    if (!first && !app->reload.at && !any_held(app))
        apply(s, &r, scale_reading(&s->scale, &s->conf, &r));
}

void scaling_start(struct app *app)
{
    const struct app_conf *conf = app->conf;
    struct scaling *s = &app->scaling;
    u64 quota_milli = cpus_quota("");
    double cpus = cpus_allowed();

    scaling_stop(app);
    if (conf->workers_most <= conf->workers)
        return;
    if (quota_milli)
        cpus = min(cpus, (double)quota_milli / CPUS_MILLI);
    *s = (struct scaling){
        .app = app,
        .conf = { .least = conf->workers,
                  .most = conf->workers_most,
                  .cpus = cpus,
                  .period_ns = conf->scale_period_ns ? conf->scale_period_ns : NS_PER_S },
    };
    loop_timer(app->crew->loop, &s->timer, loop_now_ns(app->crew->loop) + 1, due);
}

void scaling_stop(struct app *app)
{
    if (app->scaling.app)
        loop_timer_stop(&app->scaling.timer);
    app->scaling.app = NULL;
}
