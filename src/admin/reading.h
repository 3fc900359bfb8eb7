/* admin/reading.h -- one Node process, as it was read at one moment
 *
 * A slot of shared memory is being written while it is read, and its writer may have died
 * half-way or be hostile. A reading is a plain copy in which every index and count is in range,
 * every text is bounded and every time makes sense; pages are made from readings only, and so
 * agree with themselves. Counters are u64 so that tables can point to them.
 */
#pragma once

#include "admin/usage.h"
#include "base/clock.h"
#include "base/str.h"
#include "metrics/lag.h"
#include "shm/layout.h"

struct reading_gc {
    u64 total_ns, max_ns;
    u64 bucket[SHM_GC_BUCKETS]; /* not cumulative */
};
struct reading_space {
    char name[40];
    u32 short_len; /* of the name without "_space" */
    u64 size_bytes, used_bytes, available_bytes, physical_bytes;
};
struct reading_resource {
    char type[32];
    u64 count;
    bool is_request;
};

struct reading {
    u32 slot;
    u32 app;
    char app_name[SHM_NAME_MAX]; /* where there are several apps; else empty */
    char id[24];                 /* "2", or "2.1", within its app: see sampler_read_all */
    enum shm_state state;
    u32 generation, worker, pid;
    bool is_main;
    u32 listening;         /* bits */
    char node_version[17]; /* empty: not known yet */
    u64 restarts;
    u64 started_ns, uptime_ns;

    u64 rss_bytes, vm_bytes, cpu_user_ns, cpu_system_ns, cpu_ns;
    u64 open_fds, max_fds, threads;
    u64 requests, failures, in_flight, streams;

    /* Its loop. busy_ns and wait_ns include what runs now. */
    bool has_loop;
    u64 running_ns; /* the turn that runs now, so far; 0: waits */
    u64 busy_ns, wait_ns, turns;
    u64 turned_ns; /* busy_ns of the turns that have ended */
    u64 delay_count[SHM_DELAY_BUCKETS];

    /* From the agent. */
    bool has_agent;
    u64 heap_total_bytes, heap_used_bytes, heap_limit_bytes;
    u64 external_bytes, array_buffers_bytes, malloced_bytes;
    struct reading_gc gc[SHM_GC_KINDS];
    u32 spaces, resources;
    struct reading_space space[SHM_SPACES_MAX];          /* short names are distinct */
    struct reading_resource resource[SHM_RESOURCES_MAX]; /* kind and type are distinct */
    u64 active_resources, active_handles, active_requests;

    /* From the sampler's history; see sampler.h for the windows. */
    u64 utilization_ppm, cpu_user_ppm, cpu_system_ppm; /* millionths */
    struct lag lag_timer, lag_arrival;
    u64 lag_newest_ns;
    bool has_usage;
    struct usage usage;
};

/* Copies slot `slot`; what comes from the history and `id` stay zero. */
void reading_take(struct reading *out, const struct shm *shm, u32 slot, u64 now_ns);

/* A worker's number over all apps. */
static inline u64 reading_worker(const struct reading *r)
{
    return (u64)r->app << 32 | r->worker;
}

/* The name of an app, bounded; empty for what is none. */
static inline struct str reading_app_name(const struct shm *shm, u32 app)
{
    const char *name;

    if (app >= SHM_APPS_MAX)
        return (struct str){ 0 };
    name = shm->app[app].name;
    return str_make(name, strnlen(name, SHM_NAME_MAX - 1));
}
/* The same where there are several apps, else empty: for labels. */
static inline struct str reading_app_label(const struct shm *shm, u32 app)
{
    return atomic_load(&shm->apps) > 1 ? reading_app_name(shm, app) : (struct str){ 0 };
}
/* How many apps there are. */
static inline u32 reading_apps(const struct shm *shm)
{
    u32 n = atomic_load(&shm->apps);

    return min(n, (u32)SHM_APPS_MAX);
}

/* One of these that is no longer in the settings. */
static inline bool reading_app_is_gone(const struct shm *shm, u32 app)
{
    return atomic_load(&shm->app[app].state) == SHM_APP_GONE;
}

/* Runs or is about to: not free and not dead. */
static inline bool reading_alive(const struct reading *r)
{
    return r->state != SHM_FREE && r->state != SHM_DEAD;
}

/* "starting", "ready" …, for people and labels. */
const char *reading_state_name(enum shm_state state);
/* "minor", "major", "incremental", "weakcb". */
const char *reading_gc_name(u32 kind);
/* The bounds of reading_gc.bucket. */
enum { READING_GC_BOUNDS = 6 };
extern const u64 reading_gc_le_ns[READING_GC_BOUNDS];
