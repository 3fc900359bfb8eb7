/* admin/sampler.c -- what the workers did in the last minutes */
#include "admin/sampler.h"

#include "metrics/histogram.h"

#include <sched.h>

#define RATE_WINDOW_NS                                                         \
    (NS_PER_S - 100 * NS_PER_MS) /* the tick before last must not be too young \
                                  */
#define LAG_WINDOW_NS (10 * NS_PER_S)
#define WINDOW_LEAST_NS (500 * NS_PER_MS)

/* The sums of a process at one moment. */
struct mark {
    u64 at_ns;
    u64 busy_ns, turned_ns, cpu_user_ns, cpu_system_ns;
    u64 delay_count[SHM_DELAY_BUCKETS];
};

/* What is known of the process in a slot. */
struct track {
    u32 generation, pid;
    u32 child;            /* N of the id "2.N"; 0: none given */
    u64 child_worker;     /* reading_worker() */
    u32 marks, samples;   /* ever made; the newest is at (n - 1) % SAMPLER_… */
    u64 busy_ns, wait_ns; /* the most ever shown: a counter never goes back */
    bool has_usage;
    struct usage usage;
    struct mark mark[SAMPLER_MARKS];
    struct sample sample[SAMPLER_SAMPLES];
};

/* All answers by time, at one moment. */
struct traffic_mark {
    u64 at_ns;
    u64 bucket[SHM_SERIES_LE + 1];
};

struct sampler {
    u32 cpus;
    struct track *track[SHM_SLOTS_MAX];
    u32 traffic_marks;
    struct traffic_mark traffic[SAMPLER_MARKS];
    struct usage own[SAMPLER_OWN];
    bool has_own[SAMPLER_OWN];
};

int sampler_new(struct sampler **out)
{
    struct sampler *s = calloc(1, sizeof(*s));
    cpu_set_t set;

    if (!s)
        return -ENOMEM;
    s->cpus = sched_getaffinity(0, sizeof(set), &set) == 0 ? (u32)CPU_COUNT(&set) : 1;
    s->cpus = max(s->cpus, 1u);
    *out = s;
    return 0;
}

void sampler_free(struct sampler *s)
{
    if (!s)
        return;
    for (u32 i = 0; i < SHM_SLOTS_MAX; i++)
        free(s->track[i]);
    free(s);
}

/* The track of the process that was read, begun anew for a new one; NULL when out of memory. */
static struct track *track_get(struct sampler *s, const struct reading *r)
{
    struct track *t = s->track[r->slot];

    if (!t) {
        t = s->track[r->slot] = calloc(1, sizeof(*t));
        if (!t)
            return NULL;
    } else if (t->generation == r->generation && t->pid == r->pid) {
        return t;
    } else {
        *t = (struct track){ 0 };
    }
    t->generation = r->generation;
    t->pid = r->pid;
    return t;
}

/* The newest mark that is at least `age_ns` old, else the oldest that is not too young to compare
 * with, else the process's start. */
static void mark_before(const struct track *t, const struct reading *r, u64 now_ns, u64 age_ns,
                        struct mark *out)
{
    u32 kept = min(t->marks, SAMPLER_MARKS);

    for (u32 back = 1; back <= kept; back++) {
        *out = t->mark[(t->marks - back) % SAMPLER_MARKS];
        if (u64_sub(now_ns, out->at_ns) >= age_ns)
            return;
    }
    if (kept && u64_sub(now_ns, out->at_ns) >= WINDOW_LEAST_NS)
        return;
    *out = (struct mark){ .at_ns = r->started_ns };
}

static u64 ppm(u64 part, u64 whole)
{
    return whole ? (u64)(1e6 * (double)part / (double)whole) : 0;
}

static void rates_fill(struct reading *r, const struct mark *m, u64 now_ns, u32 cpus)
{
    u64 elapsed = u64_sub(now_ns, m->at_ns);
    u64 most = 1000000;

    r->utilization_ppm = min(ppm(u64_sub(r->busy_ns, m->busy_ns), elapsed), most);
    r->cpu_user_ppm = min(ppm(u64_sub(r->cpu_user_ns, m->cpu_user_ns), elapsed * cpus), most);
    r->cpu_system_ppm = min(ppm(u64_sub(r->cpu_system_ns, m->cpu_system_ns), elapsed * cpus), most);
}

static void turns_since(const struct reading *r, const struct mark *m, u64 now_ns, u64 *count,
                        struct lag_turns *out)
{
    static u64 floor_ns[SHM_DELAY_BUCKETS + 1];

    if (!floor_ns[1])
        for (u32 i = 0; i <= SHM_DELAY_BUCKETS; i++)
            floor_ns[i] = shm_delay_floor_ns(i);
    for (u32 i = 0; i < SHM_DELAY_BUCKETS; i++)
        count[i] = u64_sub(r->delay_count[i], m->delay_count[i]);
    *out = (struct lag_turns){
        .buckets = SHM_DELAY_BUCKETS,
        .count = count,
        .floor_ns = floor_ns,
        .elapsed_ns = u64_sub(now_ns, m->at_ns),
        .running_ns = r->running_ns,
        .busy_ns = u64_sub(r->turned_ns, m->turned_ns),
    };
}

/* What the history adds to a reading. */
static void reading_complete(struct sampler *s, struct track *t, struct reading *r, u64 now_ns)
{
    u64 count[SHM_DELAY_BUCKETS];
    struct lag_turns turns;
    struct lag newest;
    struct mark m;

    t->busy_ns = r->busy_ns = max(r->busy_ns, t->busy_ns);
    t->wait_ns = r->wait_ns = max(r->wait_ns, t->wait_ns);
    mark_before(t, r, now_ns, RATE_WINDOW_NS, &m);
    rates_fill(r, &m, now_ns, s->cpus);
    turns_since(r, &m, now_ns, count, &turns);
    lag_of_arrival(&newest, &turns);
    r->lag_newest_ns = max(newest.mean_ns, r->running_ns);
    mark_before(t, r, now_ns, LAG_WINDOW_NS, &m);
    turns_since(r, &m, now_ns, count, &turns);
    lag_of_timer(&r->lag_timer, &turns, SAMPLER_LAG_INTERVAL_NS);
    lag_of_arrival(&r->lag_arrival, &turns);
    r->has_usage = t->has_usage;
    r->usage = t->usage;
}

static void sample_add(struct track *t, const struct reading *r, u64 now_ns)
{
    struct mark *m = &t->mark[t->marks++ % SAMPLER_MARKS];

    t->sample[t->samples++ % SAMPLER_SAMPLES] = (struct sample){
        .at_ns = now_ns,
        .rss_bytes = r->rss_bytes,
        .heap_used_bytes = r->heap_used_bytes,
        .requests = r->requests,
        .in_flight = r->in_flight,
        .lag_p99_ns = r->lag_arrival.p99_ns,
        .utilization_ppm = r->utilization_ppm,
        .cpu_ppm = r->cpu_user_ppm + r->cpu_system_ppm,
    };
    *m = (struct mark){
        .at_ns = now_ns,
        .busy_ns = r->busy_ns,
        .turned_ns = r->turned_ns,
        .cpu_user_ns = r->cpu_user_ns,
        .cpu_system_ns = r->cpu_system_ns,
    };
    memcpy(m->delay_count, r->delay_count, sizeof(m->delay_count));
}

/* Of two processes that call themselves the main one of a worker, the one that is. */
static bool more_main(const struct reading *a, const struct reading *b)
{
    if (reading_alive(a) != reading_alive(b))
        return reading_alive(a);
    return a->started_ns > b->started_ns;
}

/* Leaves is_main to one process of each worker, drops the dead that are not, returns how many
 * stay. */
static u32 mains_settle(struct reading *r, u32 count)
{
    u32 kept = 0;

    for (u32 i = 0; i < count; i++)
        for (u32 j = 0; j < count && r[i].is_main; j++)
            if (i != j && r[j].is_main && reading_worker(&r[j]) == reading_worker(&r[i]))
                r[more_main(&r[i], &r[j]) ? j : i].is_main = false;
    for (u32 i = 0; i < count; i++) {
        if (!r[i].is_main && !reading_alive(&r[i]))
            continue;
        if (kept != i)
            r[kept] = r[i];
        kept++;
    }
    return kept;
}

static u32 child_free(struct sampler *s, const struct reading *r, u32 count, u64 worker)
{
    for (u32 n = 1;; n++) {
        bool taken = false;

        for (u32 i = 0; i < count; i++) {
            const struct track *t = s->track[r[i].slot];

            taken |= t && !r[i].is_main && t->child == n && t->child_worker == worker;
        }
        if (!taken)
            return n;
    }
}

static void ids_give(struct sampler *s, struct reading *r, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        struct track *t = track_get(s, &r[i]);

        if (t && (r[i].is_main || t->child_worker != reading_worker(&r[i])))
            t->child = 0;
    }
    for (u32 i = 0; i < count; i++) {
        struct track *t = s->track[r[i].slot];

        if (r[i].is_main) {
            snprintf(r[i].id, sizeof(r[i].id), "%u", r[i].worker);
            continue;
        }
        if (t && t->child == 0) {
            t->child = child_free(s, r, count, reading_worker(&r[i]));
            t->child_worker = reading_worker(&r[i]);
        }
        /* Out of memory: a number that nobody else has. */
        snprintf(r[i].id, sizeof(r[i].id), "%u.%u", r[i].worker,
                 t ? t->child : SHM_SLOTS_MAX + r[i].slot);
    }
}

static int by_worker(const void *va, const void *vb)
{
    const struct reading *a = va, *b = vb;
    size_t a_len = strlen(a->id), b_len = strlen(b->id);

    if (reading_worker(a) != reading_worker(b))
        return reading_worker(a) < reading_worker(b) ? -1 : 1;
    if (a_len != b_len)
        return a_len < b_len ? -1 : 1;
    return strcmp(a->id, b->id);
}

u32 sampler_read_all(struct sampler *s, const struct shm *shm, u64 now_ns, struct reading *out)
{
    u32 used = shm_slots_used(shm), count = 0;

    for (u32 slot = 0; slot < used; slot++) {
        reading_take(&out[count], shm, slot, now_ns);
        if (out[count].state != SHM_FREE)
            count++;
    }
    count = mains_settle(out, count);
    ids_give(s, out, count);
    for (u32 i = 0; i < count; i++)
        if (s->track[out[i].slot])
            reading_complete(s, s->track[out[i].slot], &out[i], now_ns);
    qsort(out, count, sizeof(*out), by_worker);
    return count;
}

const struct sample *sampler_sample(const struct sampler *s, const struct reading *r, u32 i)
{
    const struct track *t = s->track[r->slot];
    u32 kept = t ? min(t->samples, SAMPLER_SAMPLES) : 0;

    return i < kept ? &t->sample[(t->samples - kept + i) % SAMPLER_SAMPLES] : NULL;
}

u64 sampler_utilization_ppm(const struct sampler *s, u32 slot)
{
    const struct track *t = s->track[slot];

    return t && t->samples ? t->sample[(t->samples - 1) % SAMPLER_SAMPLES].utilization_ppm : 0;
}

static void traffic_take(struct traffic_mark *m, const struct shm *shm, u64 now_ns)
{
    *m = (struct traffic_mark){ .at_ns = now_ns };
    for (u32 i = 0; i < SHM_SERIES_MAX; i++) {
        const struct shm_series *series = &shm->series[i];

        if (atomic_load_explicit(&series->state, memory_order_relaxed) != 2)
            continue;
        for (u32 b = 0; b <= SHM_SERIES_LE; b++)
            m->bucket[b] = u64_add(m->bucket[b],
                                   atomic_load_explicit(&series->bucket[b], memory_order_relaxed));
    }
}

void sampler_traffic(const struct sampler *s, const struct shm *shm, u64 now_ns,
                     struct traffic *out)
{
    static const u64 le_us[SHM_SERIES_LE] = SHM_SERIES_LE_US;
    u32 kept = min(s->traffic_marks, SAMPLER_MARKS);
    struct traffic_mark now, before = { .at_ns = min(shm->started_ns, now_ns) };
    u64 le_ns[SHM_SERIES_LE];

    for (u32 back = 1; back <= kept; back++) {
        before = s->traffic[(s->traffic_marks - back) % SAMPLER_MARKS];
        if (u64_sub(now_ns, before.at_ns) >= LAG_WINDOW_NS)
            break;
    }
    traffic_take(&now, shm, now_ns);
    *out = (struct traffic){ .window_ns = u64_sub(now_ns, before.at_ns) };
    for (u32 b = 0; b <= SHM_SERIES_LE; b++) {
        now.bucket[b] = u64_sub(now.bucket[b], before.bucket[b]);
        out->requests = u64_add(out->requests, now.bucket[b]);
    }
    for (u32 b = 0; b < SHM_SERIES_LE; b++)
        le_ns[b] = le_us[b] * NS_PER_US;
    out->p50_ns = histogram_quantile(now.bucket, le_ns, SHM_SERIES_LE, 500);
    out->p90_ns = histogram_quantile(now.bucket, le_ns, SHM_SERIES_LE, 900);
    out->p99_ns = histogram_quantile(now.bucket, le_ns, SHM_SERIES_LE, 990);
}

bool sampler_own_usage(const struct sampler *s, enum sampler_own which, struct usage *out)
{
    *out = s->own[which];
    return s->has_own[which];
}

static void own_tick(struct sampler *s, const struct shm *shm)
{
    u32 pid[SAMPLER_OWN] = {
        [SAMPLER_SUPERVISOR] = shm->supervisor_pid,
        [SAMPLER_PROXY] = atomic_load(&shm->proxy_pid),
        [SAMPLER_MONITOR] = (u32)getpid(),
    };

    for (u32 i = 0; i < SAMPLER_OWN; i++)
        s->has_own[i] = usage_read(&s->own[i], pid[i]) == 0;
}

/* One slot: not through sampler_read_all, which needs room for all of them. */
static void slot_tick(struct sampler *s, const struct shm *shm, u32 slot, u64 now_ns)
{
    struct reading r;
    struct track *t;

    reading_take(&r, shm, slot, now_ns);
    if (r.state == SHM_FREE) {
        free(s->track[slot]);
        s->track[slot] = NULL;
        return;
    }
    t = track_get(s, &r);
    if (!t || !reading_alive(&r))
        return;
    t->has_usage = usage_read(&t->usage, r.pid) == 0;
    reading_complete(s, t, &r, now_ns);
    sample_add(t, &r, now_ns);
}

void sampler_tick(struct sampler *s, const struct shm *shm, u64 now_ns)
{
    u32 used = shm_slots_used(shm);

    for (u32 slot = 0; slot < used; slot++)
        slot_tick(s, shm, slot, now_ns);
    own_tick(s, shm);
    traffic_take(&s->traffic[s->traffic_marks % SAMPLER_MARKS], shm, now_ns);
    s->traffic_marks++;
}
