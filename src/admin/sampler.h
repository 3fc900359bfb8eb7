/* admin/sampler.h -- what the workers did in the last minutes
 *
 * Shared memory holds sums since a process began; a rate needs two looks at them. The monitor
 * looks at every slot once a second (sampler_tick) and keeps, for each process, marks of the last
 * ten seconds and samples of the last five minutes. The windows that readings are computed over
 * end now and begin at a mark:
 *     utilization, CPU           about 1 s
 *     lag_timer, lag_arrival     about 10 s
 *     lag_newest                 about 1 s
 * or at the process's start, when it is younger. Memory: some 40 KB a process, kept in its slot.
 * One thread; no shared memory is written.
 */
#pragma once

#include "admin/reading.h"

enum { SAMPLER_MARKS = 12, SAMPLER_SAMPLES = 300 };
#define SAMPLER_TICK_NS NS_PER_S
/* How often monitorEventLoopDelay looks when prom-client starts it. */
#define SAMPLER_LAG_INTERVAL_NS (10 * NS_PER_MS)

/* One second of one process, as /api/history shows it. */
struct sample {
    u64 at_ns;
    u64 rss_bytes, heap_used_bytes, requests, in_flight, lag_p99_ns;
    u64 utilization_ppm, cpu_ppm;
};

/* What the proxy served in the last ten seconds. */
struct traffic {
    u64 window_ns;
    u64 requests; /* within the window */
    u64 p50_ns, p90_ns, p99_ns;
};

struct sampler;

MUST_USE int sampler_new(struct sampler **out);
void sampler_free(struct sampler *s);

/* Looks at everything; call it every SAMPLER_TICK_NS. */
void sampler_tick(struct sampler *s, const struct shm *shm, u64 now_ns);

/* Reads every process worth showing: all that run, and the main process of a worker when it is
 * dead. Ordered by worker, the main process first. `out` has room for SHM_SLOTS_MAX; returns how
 * many. Each id is used once: the main process of worker 2 is "2"; others of it (children of its
 * cluster, a predecessor that drains) are "2.1", "2.2" … for as long as they live. */
MUST_USE u32 sampler_read_all(struct sampler *s, const struct shm *shm, u64 now_ns,
                              struct reading *out);

/* Sample `i` of the process that a reading is about, 0 the oldest that is kept; NULL: no more. */
const struct sample *sampler_sample(const struct sampler *s, const struct reading *r, u32 i);

/* How busy the loop of the process in a slot was in the last second, as it was at the newest tick.
 */
u64 sampler_utilization_ppm(const struct sampler *s, u32 slot);

void sampler_traffic(const struct sampler *s, const struct shm *shm, u64 now_ns,
                     struct traffic *out);

/* fettle's own processes, as they were at the newest tick; false: not known. */
enum sampler_own { SAMPLER_SUPERVISOR, SAMPLER_PROXY, SAMPLER_MONITOR, SAMPLER_OWN };
MUST_USE bool sampler_own_usage(const struct sampler *s, enum sampler_own which, struct usage *out);
