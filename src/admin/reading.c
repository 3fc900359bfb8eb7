/* admin/reading.c -- one Node process, as it was read at one moment */
#include "admin/reading.h"

#include "metrics/histogram.h"

static_assert((int)SHM_DELAY_BUCKETS <= (int)LAG_BUCKETS_MAX,
              "a loop's turns fit the lag's buckets");

/* No field of a process counts this much; what does was written by accident. */
#define BYTES_SANE (1ull << 50)

const u64 reading_gc_le_ns[READING_GC_BOUNDS] = {
    NS_PER_MS, 10 * NS_PER_MS, 100 * NS_PER_MS, NS_PER_S, 2 * NS_PER_S, 5 * NS_PER_S,
};

static u64 get(const _Atomic u64 *p)
{
    return atomic_load_explicit(p, memory_order_relaxed);
}

static u32 get32(const _Atomic u32 *p)
{
    return atomic_load_explicit(p, memory_order_relaxed);
}

static u64 get_bytes(const _Atomic u64 *p)
{
    return min(get(p), BYTES_SANE);
}

/* A gauge that several add to and take from may be read, or left by a dead proxy, below 0. */
static u64 get_gauge(const _Atomic u32 *p)
{
    u32 n = get32(p);

    return n > INT32_MAX ? 0 : n;
}

static u64 ago(u64 at_ns, u64 now_ns)
{
    return at_ns ? u64_sub(now_ns, at_ns) : 0;
}

/* Names are written by the process that is watched: letters, digits and a few signs are kept. */
static void name_copy(char *out, size_t room, const char *name, size_t name_max)
{
    size_t len = 0;

    for (; len < name_max && len + 1 < room && name[len]; len++) {
        char c = name[len];

        out[len] = c > ' ' && c < 0x7f && c != '"' && c != '\\' ? c : '?';
    }
    out[len] = '\0';
}

/* busy_since and busy_ns are two words; once more when the loop moved on in between. */
static void loop_take(struct reading *out, const struct shm_loop *loop, u64 now_ns)
{
    u64 busy_since = 0, waits_since = 0;

    for (int tries = 0; tries < 3; tries++) {
        busy_since = atomic_load(&loop->busy_since_ns);
        waits_since = atomic_load(&loop->waits_since_ns);
        out->busy_ns = atomic_load(&loop->busy_ns);
        out->wait_ns = atomic_load(&loop->wait_ns);
        if (atomic_load(&loop->busy_since_ns) == busy_since)
            break;
    }
    out->turns = get(&loop->turns);
    out->running_ns = min(ago(busy_since, now_ns), out->uptime_ns);
    out->turned_ns = min(out->busy_ns, out->uptime_ns);
    out->busy_ns = min(u64_add(out->busy_ns, out->running_ns), out->uptime_ns);
    if (!busy_since)
        out->wait_ns = u64_add(out->wait_ns, ago(waits_since, now_ns));
    out->wait_ns = min(out->wait_ns, out->uptime_ns);
    out->has_loop = busy_since || waits_since || out->turns;
    for (u32 i = 0; i < SHM_DELAY_BUCKETS; i++)
        out->delay_count[i] = get(&loop->delay_count[i]);
}

static void spaces_take(struct reading *out, const struct shm_agent *agent)
{
    u32 spaces = min(get32(&agent->spaces), SHM_SPACES_MAX);

    for (u32 i = 0; i < spaces; i++) {
        const struct shm_space *from = &agent->space[i];
        struct reading_space *s = &out->space[out->spaces];
        bool known = false;

        name_copy(s->name, sizeof(s->name), from->name, sizeof(from->name));
        s->short_len = (u32)strlen(s->name);
        if (str_ends(str_of(s->name), STR("_space")))
            s->short_len -= (u32)strlen("_space");
        for (u32 j = 0; j < out->spaces; j++)
            known |= out->space[j].short_len == s->short_len &&
                     memcmp(out->space[j].name, s->name, s->short_len) == 0;
        if (known || s->short_len == 0)
            continue;
        s->size_bytes = get_bytes(&from->size_bytes);
        s->used_bytes = get_bytes(&from->used_bytes);
        s->available_bytes = get_bytes(&from->available_bytes);
        s->physical_bytes = get_bytes(&from->physical_bytes);
        out->spaces++;
    }
}

static void resources_take(struct reading *out, const struct shm_agent *agent)
{
    u32 resources = min(get32(&agent->resources), SHM_RESOURCES_MAX);

    for (u32 i = 0; i < resources; i++) {
        const struct shm_resource *from = &agent->resource[i];
        struct reading_resource *r = &out->resource[out->resources], *same = NULL;

        name_copy(r->type, sizeof(r->type), from->type, sizeof(from->type));
        r->is_request = get32(&from->kind) == 1;
        r->count = get32(&from->count);
        if (!r->type[0])
            continue;
        for (u32 j = 0; j < out->resources; j++)
            if (strcmp(out->resource[j].type, r->type) == 0 &&
                out->resource[j].is_request == r->is_request)
                same = &out->resource[j];
        if (same)
            same->count += r->count;
        else
            out->resources++;
        *(r->is_request ? &out->active_requests : &out->active_handles) += r->count;
    }
    out->active_resources = out->active_handles + out->active_requests;
}

static void agent_take(struct reading *out, const struct shm_agent *agent)
{
    out->has_agent = get(&agent->updates) > 0;
    if (!out->has_agent)
        return;
    out->heap_total_bytes = get_bytes(&agent->heap_total_bytes);
    out->heap_used_bytes = get_bytes(&agent->heap_used_bytes);
    out->heap_limit_bytes = get_bytes(&agent->heap_limit_bytes);
    out->external_bytes = get_bytes(&agent->external_bytes);
    out->array_buffers_bytes = get_bytes(&agent->array_buffers_bytes);
    out->malloced_bytes = get_bytes(&agent->malloced_bytes);
    for (u32 i = 0; i < SHM_GC_KINDS; i++) {
        out->gc[i].total_ns = get(&agent->gc[i].total_ns);
        out->gc[i].max_ns = get(&agent->gc[i].max_ns);
        for (u32 j = 0; j < SHM_GC_BUCKETS; j++)
            out->gc[i].bucket[j] = get(&agent->gc[i].bucket[j]);
    }
    spaces_take(out, agent);
    resources_take(out, agent);
}

void reading_take(struct reading *out, const struct shm *shm, u32 slot, u64 now_ns)
{
    const struct shm_slot *s = &shm->slot[slot];
    u32 state = get32(&s->state);

    *out = (struct reading){
        .slot = slot,
        .state = state <= SHM_DEAD ? (enum shm_state)state : SHM_DEAD,
        .generation = get32(&s->generation),
        .app = min(get32(&s->app), (u32)SHM_APPS_MAX - 1),
        .worker = get32(&s->worker),
        .pid = min(get32(&s->pid), INT32_MAX),
        .is_main = get32(&s->is_main) == 1,
        .listening = get32(&s->listening),
        .restarts = get32(&s->restarts),
        .started_ns = min(get(&s->started_ns), now_ns),
        .rss_bytes = get_bytes(&s->rss_bytes),
        .vm_bytes = get_bytes(&s->vm_bytes),
        .cpu_user_ns = get(&s->cpu_user_ns),
        .cpu_system_ns = get(&s->cpu_system_ns),
        .open_fds = get32(&s->open_fds),
        .max_fds = get32(&s->max_fds),
        .threads = get32(&s->threads),
        .requests = get(&s->requests),
        .failures = get(&s->failures),
        .in_flight = get_gauge(&s->in_flight),
        .streams = get_gauge(&s->streams),
    };
    out->uptime_ns = ago(out->started_ns, now_ns);
    str_to_cstr(reading_app_label(shm, out->app), out->app_name, sizeof(out->app_name));
    out->cpu_ns = u64_add(out->cpu_user_ns, out->cpu_system_ns);
    name_copy(out->node_version, sizeof(out->node_version), s->node_version,
              sizeof(s->node_version));
    loop_take(out, &s->loop, now_ns);
    agent_take(out, &s->agent);
}

const char *reading_state_name(enum shm_state state)
{
    switch (state) {
    case SHM_FREE:
        return "free";
    case SHM_STARTING:
        return "starting";
    case SHM_READY:
        return "ready";
    case SHM_DRAINING:
        return "draining";
    case SHM_BLOCKED:
        return "blocked";
    case SHM_DEAD:
        break;
    }
    return "dead";
}

const char *reading_gc_name(u32 kind)
{
    static const char *const names[SHM_GC_KINDS] = { "minor", "major", "incremental", "weakcb" };

    return names[kind];
}
