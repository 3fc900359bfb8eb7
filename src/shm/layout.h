/* shm/layout.h -- the memory that supervisor, proxy, monitor and workers share
 *
 * One memfd, mapped by all. Every field names its one writer. Readers never
 * trust what they read: a writer may have died half-way, and a worker may write
 * anything, so indices and counts are checked and times are clamped at the
 * reader. All times are CLOCK_MONOTONIC nanoseconds; all zero is "nothing yet".
 *
 * This file is also what the addon includes (plain C11, like journal.h), so it defines data only.
 * Offsets never depend on the compiler: fixed-width fields, natural alignment, checked at the end.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "shm/concurrency.h"
#include "shm/journal.h"
#include "shm/limits.h"
#include "shm/redis.h"
#include "shm/trace.h"
#include "shm/upstreams.h"

#define SHM_MAGIC 0x66657474u /* "fett" */

/* A turn of a loop that takes this long for each request that came with it has blocked it; many
 * short requests in one turn have not. */
#define SHM_LONG_TURN_NS 1000000u

static inline int shm_turn_is_long(uint64_t took_ns, uint64_t requests)
{
    return took_ns >= SHM_LONG_TURN_NS && took_ns / SHM_LONG_TURN_NS >= requests;
}

enum {
    SHM_VERSION = 13,
    SHM_APPS_MAX = 32,       /* apps under one supervisor */
    SHM_SLOTS_MAX = 256,     /* Node processes at the same time */
    SHM_LISTENERS_MAX = 32,  /* distinct addresses that the apps listen on */
    SHM_TURNS_MAX = 1024,    /* remembered turns of a loop */
    SHM_DELAY_BUCKETS = 128, /* shm_delay_bucket() */
    SHM_SPACES_MAX = 16,     /* V8 heap spaces */
    SHM_RESOURCES_MAX = 24,  /* kinds of active resources */
    SHM_GC_KINDS = 4,
    SHM_GC_BUCKETS = 8, /* le 0.001 0.01 0.1 1 2 5 +Inf, one spare */
    SHM_SERIES_MAX = 1024,
    SHM_ROUTE_MAX = 112,
    SHM_ROUTES_MAX = 1024, /* routes of one process; number 0 is none */
    SHM_CONNECTIONS_MAX =
        65536, /* from the proxy to HTTP servers (peers.h); number 0 is nobody's */
    SHM_THREADS_MAX = 64,
    SHM_NAME_MAX = 48,
    SHM_KINDS_MAX = 4096, /* kinds of requests remembered, in sets of SHM_KIND_WAYS */
    SHM_KIND_WAYS = 4,
    SHM_KIND_TEXT_MAX = 80,
    SHM_OCTAVES = 48, /* of how long a kind blocks: bit lengths of nanoseconds */
    SHM_CIRCUITS_MAX = 64,
    SHM_CIRCUIT_PARTS = 10, /* of its window */
    SHM_PLACE_MAX = 112,
    SHM_MEASURES_MAX = 512, /* names of one process's marks, measures and timed functions */
    SHM_MEASURE_NAME_MAX = 64,
    SHM_CACHE_ROUTES_MAX = 256,
};

/* What the supervisor says of an app. */
enum shm_app_state {
    SHM_APP_NONE,     /* there is none */
    SHM_APP_STARTING, /* nothing of it has been ready yet */
    SHM_APP_RUNNING,
    SHM_APP_STOPPED,  /* by people */
    SHM_APP_FINISHED, /* has run to its end, like a script */
    SHM_APP_ERRORED,  /* was never ready, and is not tried any more */
    SHM_APP_GONE,     /* a reload has found it gone from the settings */
};

/* What the supervisor says of a slot. */
enum shm_state {
    SHM_FREE,     /* nobody's */
    SHM_STARTING, /* the process runs but listens nowhere yet */
    SHM_READY,    /* listens, or has told that it will not (a queue consumer) */
    SHM_DRAINING, /* gets nothing new */
    SHM_BLOCKED,  /* is being replaced for its blocked loop: what is inside it is not sent elsewhere
                   */
    SHM_DEAD,     /* gone; the slot is freed when the proxy has let go (in_flight 0) */
};

/* The loop of one Node process. Writer: fettle-loop.so in that process, its main thread.
 *
 * Around each epoll call with a timeout other than 0 (libuv has polled with 0 before it, so
 * nothing is ready) busy_since_ns is 0: the loop waits. After each return it holds the time. */
struct shm_loop {
    _Atomic uint64_t busy_since_ns;  /* 0: waits in the kernel */
    _Atomic uint64_t waits_since_ns; /* 0: runs */
    _Atomic uint64_t turns;          /* returns of epoll with events */
    _Atomic uint64_t
        seen; /* shm_slot.dispatched as it was read before the newest epoll call that
               * returned events or that is about to wait: those requests are in the loop */
    _Atomic uint64_t busy_ns; /* sum of the time not waited; add now - busy_since_ns for "so far" */
    _Atomic uint64_t wait_ns; /* sum of the time waited, likewise */
    _Atomic uint64_t seen_before; /* `seen` as the turn before left it: seen - seen_before requests
                                   * came with the newest turn */
    _Atomic uint64_t long_ns; /* sum of the lengths of turns of SHM_LONG_TURN_NS or more: how long
                               * it has blocked others */
    _Atomic uint64_t turn_at_ns[SHM_TURNS_MAX];      /* start of turn i at i % SHM_TURNS_MAX */
    _Atomic uint64_t delay_count[SHM_DELAY_BUCKETS]; /* turns by length, shm_delay_bucket() */
};

/* Memory, collections and handles of one process. Writer: the addon, its main thread, once a
 * second and at each collection; `updates` counts the writes (0: nothing known yet). */
struct shm_gc {
    _Atomic uint64_t count;
    _Atomic uint64_t total_ns;
    _Atomic uint64_t max_ns;
    _Atomic uint64_t bucket[SHM_GC_BUCKETS]; /* not cumulative */
};
struct shm_space {
    char name[32]; /* "shared_large_object_space", NUL-terminated */
    _Atomic uint64_t size_bytes, used_bytes, available_bytes, physical_bytes;
};
struct shm_resource {
    char type[32]; /* "TCPSocketWrap", "Timeout" as process.getActiveResourcesInfo() says */
    _Atomic uint32_t count;
    _Atomic uint32_t kind; /* 0 handle, 1 request */
};
struct shm_agent {
    _Atomic uint64_t updates;
    _Atomic uint64_t updated_ns;
    _Atomic uint64_t heap_total_bytes, heap_used_bytes, heap_limit_bytes;
    _Atomic uint64_t external_bytes, array_buffers_bytes, malloced_bytes;
    _Atomic uint32_t spaces, resources;
    struct shm_gc gc[SHM_GC_KINDS]; /* minor, major, incremental, weakcb */
    struct shm_space space[SHM_SPACES_MAX];
    struct shm_resource resource[SHM_RESOURCES_MAX];
};

/* What a process, or an app, did lately, for `fettle ps`. Writer: the monitor, once a second.
 * Utilization is of the last second, the others are of the last ten. */
struct shm_rates {
    _Atomic uint64_t at_ns;      /* when it was written; 0: never */
    _Atomic uint32_t generation; /* of the slot, as it was then */
    _Atomic uint32_t utilization_ppm;
    _Atomic uint64_t requests_per_1000s;
    _Atomic uint64_t p99_ns; /* 0: nothing was answered */
};

/* One Node process. */
struct shm_slot {
    /* Writer: the supervisor. */
    _Atomic uint32_t state;      /* enum shm_state */
    _Atomic uint32_t generation; /* counts the users of this slot; part of its socket's name */
    _Atomic uint32_t listening;  /* bit i: accepts connections of listener i */
    _Atomic uint32_t worker;     /* the worker (1…) of its app that this process belongs to */
    _Atomic uint32_t pid;
    _Atomic uint32_t is_main;   /* 1: the one that /api/workers shows for the worker */
    _Atomic uint32_t restarts;  /* of the worker, since fettle started */
    _Atomic uint32_t nice_more; /* writer: the proxy: by how much it has raised the nice value */
    _Atomic uint64_t started_ns;
    _Atomic uint64_t rss_bytes, vm_bytes; /* every 250 ms */
    _Atomic uint64_t cpu_user_ns, cpu_system_ns;
    _Atomic uint32_t open_fds, max_fds, threads, app; /* app: index */
    char node_version[16];                            /* "v20.20.2" */
    uint64_t reserved[2];

    /* Writers: the proxy's threads, by atomic addition. A new proxy sets dispatched to seen and
     * the gauges to 0. */
    _Alignas(64) _Atomic uint64_t
        dispatched; /* requests and streams given, counted before they are written */
    _Atomic uint64_t dispatched_ns; /* when the newest was given */
    _Atomic uint64_t requests;      /* answered */
    _Atomic uint64_t failures;      /* 502 and 504 on its account */
    _Atomic uint32_t in_flight;     /* HTTP requests given and not yet answered */
    _Atomic uint32_t streams;       /* upgraded or raw byte streams open */
    _Atomic uint64_t ahead_max; /* learned: requests that may be given ahead (balance/learn.h) */
    _Atomic uint64_t request_mean_ns; /* learned: the loop's time for one request */
    _Atomic uint64_t expected_ns;     /* sum of what those in flight are expected to block */
    _Atomic uint64_t
        blamed_ns; /* of loop.long_ns, what has been put down to requests (balance/blame.h) */
    /* The same of the whole time that the loop ran: what is expected of those in flight, and what
     * has been put down to requests. */
    _Atomic uint64_t loop_expected_ns, loop_blamed_ns;
    _Atomic uint64_t slow_ns;                   /* … to those of slow kinds */
    _Atomic uint64_t slow_requests, slow_turns; /* of slow kinds, over; that made a long turn */
    _Atomic uint32_t slow_in_flight;
    _Atomic uint32_t kept; /* 1: kept for fast kinds */
    /* The request given last: its connection (route_of), and the key of its kind (shm_kind). */
    _Atomic uint32_t newest_connection;
    _Atomic uint64_t newest_kind;

    _Atomic uint64_t took_count[SHM_DELAY_BUCKETS]; /* answers by time, shm_delay_bucket() */

    _Alignas(64) struct shm_rates rates;
    /* Writer: the monitor: whose opening it wants to know (shm/opened.h); 0: nobody's. */
    _Atomic uint32_t opened_wanted;
    /* Writer: the addon, its main thread: what fettle has V8 do there, such as the start of a
     * profile, takes long, and is no doing of the app's. */
    _Atomic uint64_t inspected_since_ns; /* 0: nothing just now */
    _Atomic uint64_t inspected_ns;       /* sum of how long that took */
    _Alignas(64) struct shm_loop loop;
    _Alignas(64) struct shm_agent agent;
};

/* The routes of one process, as its frameworks say them. Writer: the addon, any thread of its; a
 * route does not change once `count` is above its number. */
struct shm_route {
    uint8_t len;
    char text[SHM_ROUTE_MAX]; /* visible ASCII, or it does not count */
};
struct shm_routes {
    _Atomic uint32_t count; /* those numbered 1 … count-1 are there */
    struct shm_route route[SHM_ROUTES_MAX];
};

/* The union of prom-client's and OpenTelemetry's bounds, in units of 0.5 ms … so that both
 * families are read off one table: .005 .01 .025 .05 .075 .1 .25 .5 .75 1 2.5 5 7.5 10, and
 * .0005 .001 .002 below, where a local proxy's answers are. In microseconds: */
#define SHM_SERIES_LE_US                                                                   \
    {                                                                                      \
        500, 1000, 2000, 5000, 10000, 25000, 50000, 75000, 100000, 250000, 500000, 750000, \
            1000000, 2500000, 5000000, 7500000, 10000000                                   \
    }
enum { SHM_SERIES_LE = 17 }; /* bounds above; bucket[SHM_SERIES_LE] is +Inf */

/* A series of http_server_request_duration_seconds. Writers: the proxy's threads. `state` goes
 * 0 → 1 (claimed, being filled) → 2 (readable, key never changes again). Series 0 is "(other)",
 * for what no longer fits. Bucket bounds: SHM_SERIES_LE_US. */
struct shm_series {
    _Atomic uint32_t state;
    uint16_t status;
    uint8_t route_len, app;
    char method[12]; /* NUL-terminated; "_OTHER" when unknown */
    char route[SHM_ROUTE_MAX];
    uint8_t is_path; /* 1: the app has named no route: a path with identifiers left out */
    uint8_t spare[3];
    _Atomic uint64_t count;
    _Atomic uint64_t sum_ns;
    _Atomic uint64_t bucket[SHM_SERIES_LE + 1]; /* not cumulative; the last is +Inf */
    _Atomic uint64_t sent_bytes;     /* heads and bodies of the answers, as clients get them */
    _Atomic uint64_t received_bytes; /* bodies of the requests */
    _Atomic uint64_t loop_ns;        /* of the workers' loops, as the proxy puts it down to them */
    /* Writer of these: the monitor. */
    _Atomic uint64_t cpu_ns;                    /* of loop_ns, what had a CPU */
    _Atomic uint64_t measured, allocated_bytes; /* requests measured (shm/allocated.h) */
    _Atomic uint64_t per_1000s;                 /* requests, in the last ten seconds */
    uint64_t reserved[3];
};

/* What the app itself measures with perf_hooks: marks, measures and functions of timerify, by name.
 * Writer: the addon, its main thread. A name and kind do not change once `count` is above their
 * place. Bucket bounds: SHM_SERIES_LE_US. */
enum shm_measure_kind { SHM_MEASURE, SHM_MARK, SHM_FUNCTION, SHM_MEASURE_KINDS };
struct shm_measure {
    char name[SHM_MEASURE_NAME_MAX]; /* NUL-terminated */
    _Atomic uint32_t kind;           /* enum shm_measure_kind */
    uint32_t spare;
    _Atomic uint64_t count;
    _Atomic uint64_t sum_ns;
    _Atomic uint64_t bucket[SHM_SERIES_LE + 1]; /* not cumulative; the last is +Inf; marks: none */
};
struct shm_measures {
    _Atomic uint32_t count; /* measure[0 … count-1] are there */
    uint32_t spare[15];
    struct shm_measure measure[SHM_MEASURES_MAX];
};

/* An app. Writer: the supervisor, but for `rates`. */
struct shm_app {
    _Atomic uint32_t state;          /* enum shm_app_state */
    _Atomic uint32_t workers_wanted; /* 0 when it is over */
    _Atomic uint64_t started_ns;
    char name[SHM_NAME_MAX]; /* NUL-terminated */
    struct shm_rates rates;
    /* What its agents look for (addon/trace.js). */
    _Atomic uint32_t watch_requests; /* so many a second in each process; 0: none */
    _Atomic uint32_t n_plus_one;     /* executions of a statement in a request; 0: never told of */
    _Atomic uint64_t n_plus_one_ns;  /* that take this long together */
    _Atomic uint64_t block_ns;       /* a turn of a loop this long is found out about; 0: none is */
    _Atomic uint64_t traced;         /* 1: traces are sent */
    _Atomic uint64_t slow_statement_ns; /* of one execution; 0: never told of */
};

/* An address that an app listens on. Writer: the supervisor. */
struct shm_listener {
    _Atomic uint32_t state;  /* 0 unused, 1 open */
    _Atomic uint32_t kind;   /* enum wire_kind: 0 http, 1 stream */
    _Atomic uint32_t app;    /* index of the app; SHM_APPS_MAX: fettle's own, for several */
    _Atomic uint32_t routes; /* of those, which address of the setting `routes`, from 1; else 0 */
    char address[112];       /* as people write it: "0.0.0.0:3000", "[::]:3000", "unix:/path" */
};

/* The proxy as a whole. Writers: its threads, by atomic addition. */
struct shm_proxy {
    _Atomic uint64_t started_ns;
    _Atomic uint64_t connections_total; /* accepted from clients */
    _Atomic uint32_t connections;       /* open now */
    _Atomic uint32_t queued;            /* requests in the central queue now */
    _Atomic uint64_t queued_total;
    _Atomic uint64_t queue_wait_ns;       /* sum, of those that left the queue */
    _Atomic uint64_t refused[32];         /* by reason, enum shm_refusal */
    _Atomic uint64_t retries;             /* requests sent to another worker */
    _Atomic uint64_t bytes_in, bytes_out; /* from and to clients */
    _Atomic uint64_t log_dropped;         /* access log lines that nobody took in time */
    _Atomic uint32_t active_requests;
    _Atomic uint32_t spare;
    _Atomic uint64_t buffer_bytes, buffer_max_bytes; /* held for clients in all, and the most */
    uint64_t reserved[6];
};

/* Why the proxy itself answered. */
enum shm_refusal {
    SHM_REFUSED_BAD_REQUEST,  /* 400, 501, 505 */
    SHM_REFUSED_HEAD_LARGE,   /* 414, 431 */
    SHM_REFUSED_BODY_LARGE,   /* 413 */
    SHM_REFUSED_TIMEOUT,      /* 408 */
    SHM_REFUSED_QUEUE_FULL,   /* 503 */
    SHM_REFUSED_QUEUE_TIME,   /* 503 */
    SHM_REFUSED_NO_WORKER,    /* 503 */
    SHM_REFUSED_WORKER_DIED,  /* 502 */
    SHM_REFUSED_CONNECTIONS,  /* closed at accept: too many */
    SHM_REFUSED_WORKER_SLOW,  /* 504 */
    SHM_REFUSED_NO_ROUTE,     /* 404 */
    SHM_REFUSED_STALLED,      /* broken off: the worker has stopped within its answer */
    SHM_REFUSED_REQUEST_TIME, /* 504: longer than a request may take in all */
    SHM_REFUSED_CIRCUIT,      /* 503: the circuit is open */
    SHM_REFUSED_TUNNEL_IDLE,  /* a WebSocket or raw stream without a byte for long: closed */
    SHM_REFUSED_NOT_CACHED,   /* 504: the client wanted no answer but a stored one */
    SHM_REFUSED_RATE,         /* 429: over a rate limit */
    SHM_REFUSED_UNREACHABLE,  /* 502, 504: no connection to a host of `upstream` */
    SHM_REFUSED_UPSTREAM,     /* 502: such a host ended, or was not understood */
    SHM_REFUSED_NO_ENDPOINT,  /* 503: none of the hosts is up */
    SHM_REFUSED_LOOP,         /* 508: it has been here before, and hosts lead here again */
    SHM_REFUSED_OVERLOAD,     /* 503: has waited too long in an overload */
    SHM_REFUSED_BUFFERS,      /* closed, or 503 at accept: slow clients hold all buffers */
    SHM_REFUSALS,
};

/* Why a request was sent again. */
enum shm_retry {
    SHM_RETRY_UNREAD, /* the first one has read nothing of it: no repeat */
    SHM_RETRY_CONNECT,
    SHM_RETRY_RESET,
    SHM_RETRY_TIMEOUT,
    SHM_RETRY_STATUS,
    SHM_RETRIES,
};

/* By app. Writers: the proxy's threads. */
struct shm_retries {
    _Atomic uint64_t sent[8]; /* by enum shm_retry */
    /* That could have been sent again, but for the budget, or for their number of attempts. */
    _Atomic uint64_t over_budget, over_max;
    uint64_t reserved[6];
};

enum shm_circuit_state { SHM_CIRCUIT_CLOSED, SHM_CIRCUIT_OPEN, SHM_CIRCUIT_HALF_OPEN };

/* Why a circuit has opened. */
enum shm_circuit_reason {
    SHM_CIRCUIT_NO_REASON,
    SHM_CIRCUIT_IN_A_ROW, /* so many failures one after the other */
    SHM_CIRCUIT_ERRORS,   /* the share of failures */
    SHM_CIRCUIT_SLOW,     /* the share of slow answers */
    SHM_CIRCUIT_PROBE,    /* it was half open, and a probe failed */
};

/* A circuit breaker (upstream/circuit.h). Writers: the proxy's threads. Name and app do not change
 * once `used` is 1. A proxy that comes back goes on with what is here. */
struct shm_circuit {
    _Atomic uint32_t used;
    _Atomic uint32_t state;  /* enum shm_circuit_state */
    _Atomic uint32_t reason; /* enum shm_circuit_reason, of its last opening */
    _Atomic uint32_t in_a_row;
    _Atomic uint64_t epoch; /* counts the changes of state */
    _Atomic uint64_t changed_ns, open_until_ns;
    _Atomic uint32_t openings; /* since it was closed last: for the backoff */
    _Atomic uint32_t probes_ok;
    _Atomic uint64_t probe_ns; /* when the running probe began; 0: none runs */
    _Atomic uint64_t probe;    /* its number */
    /* In all: openings, calls by what became of them, requests refused. */
    _Atomic uint64_t opened, calls, failures, slow, refused;
    /* Calls, failures and slow ones by part of the window: part << 32 | how many. */
    _Atomic uint64_t part_calls[SHM_CIRCUIT_PARTS];
    _Atomic uint64_t part_failures[SHM_CIRCUIT_PARTS];
    _Atomic uint64_t part_slow[SHM_CIRCUIT_PARTS];
    uint32_t app;
    uint32_t place_len;        /* 0: the app as a whole */
    char place[SHM_PLACE_MAX]; /* the route: "shop.example/api" */
    uint64_t spare;
};

/* What is known of one kind of request (balance/kind.h). Writers: the proxy's threads; two that
 * write at once lose one observation, no more. `key` goes 0 → 1 (being filled) → its hash; it
 * changes when the place is given to another kind. */
struct shm_kind {
    _Atomic uint64_t key;
    _Atomic uint64_t used_ns;      /* when it was observed last */
    _Atomic uint64_t count;        /* observations */
    _Atomic uint64_t block_ns;     /* the mean of how long it blocks a loop, lately */
    _Atomic uint64_t deviation_ns; /* the mean of how far an observation was from that */
    _Atomic uint32_t app;
    _Atomic uint32_t loop_ns;     /* the mean of how long it keeps a loop running, lately */
    char text[SHM_KIND_TEXT_MAX]; /* "GET /users/:id", NUL-terminated */
};

/* The kinds of all apps. A proxy that comes back goes on with what is here. */
struct shm_kinds {
    uint64_t hash_key[2]; /* of their keys; 0 0: not chosen yet */
    _Alignas(64) struct shm_kind kind[SHM_KINDS_MAX];
};

/* The lanes of an app (balance/lane.h) and its part of the queue. Writers: the proxy's threads; the
 * plan: thread 0. */
struct shm_lanes {
    _Atomic uint64_t slow_ns; /* kinds that block for longer are slow; 0: there are no lanes now */
    _Atomic uint32_t kept;    /* so many workers are kept for the others */
    _Atomic uint32_t queued;  /* requests in the central queue now */
    _Atomic uint64_t requests[2]; /* that were given as fast, as slow, while there were lanes */
    _Atomic uint64_t aged;        /* slow ones that had waited too long and went anywhere */
    _Atomic uint64_t changes;     /* of slow_ns or kept */
    /* By the bit length of what is expected of such: requests over, what they blocked. */
    _Atomic uint64_t octave_requests[SHM_OCTAVES], octave_block_ns[SHM_OCTAVES];
    _Atomic uint64_t queue_wait_ns; /* sum, of those that left the queue */
    uint64_t reserved[1];           /* to whole cache lines */
};

/* What the cache of responses did for a request. */
enum shm_cache_result {
    SHM_CACHE_NONE,      /* it is not on for it */
    SHM_CACHE_HIT,       /* answered it */
    SHM_CACHE_STALE,     /* answered it with what is stale by now, as it may */
    SHM_CACHE_ERROR,     /* likewise, because the app failed */
    SHM_CACHE_VALIDATED, /* answered it, after the app has said that it is still true */
    SHM_CACHE_MISS,      /* had nothing */
    SHM_CACHE_PASS,      /* was not asked: such a request is not answered by a cache */
    SHM_CACHE_RESULTS = 8,
};

#define SHM_CACHE_RESULT_TEXTS                                                      \
    {                                                                               \
        "none", "hit", "stale", "stale-if-error", "validated", "miss", "pass", NULL \
    }

/* What it did by route, as shm_series. Row 0 is "(other)", for what no longer fits. */
struct shm_cache_route {
    _Atomic uint32_t state;
    uint8_t app, route_len;
    uint16_t spare;
    char route[SHM_ROUTE_MAX];
    _Atomic uint64_t count[SHM_CACHE_RESULTS];
    _Atomic uint64_t bytes; /* of the answers that it gave */
};

/* The cache of responses. Writers: the proxy's threads, by atomic addition; what it holds now:
 * thread 0, now and then. */
struct shm_cache {
    _Atomic uint64_t bytes_max; /* 0: there is none */
    _Atomic uint64_t bytes, entries;
    _Atomic uint64_t stored, evicted, rejected, removed;
    _Atomic uint64_t waited;    /* requests that waited for another one's response */
    _Atomic uint64_t refreshed; /* requests of its own, for what is stale */
    _Atomic uint64_t purged;
    uint64_t reserved[6];
    struct shm_cache_route route[SHM_CACHE_ROUTES_MAX];
};

struct shm {
    uint32_t magic;
    uint32_t version;
    uint64_t bytes;
    uint64_t started_ns; /* the supervisor */
    uint64_t started_wall_ms;
    uint32_t supervisor_pid;
    _Atomic uint32_t slots_used; /* slots 0 … slots_used-1 have ever been used */
    _Atomic uint32_t proxy_pid, monitor_pid;
    _Atomic uint32_t proxy_restarts, monitor_restarts;
    _Atomic uint32_t apps;     /* app 0 … apps-1 are there */
    _Atomic uint32_t draining; /* 1: the whole of fettle is stopping: /readyz says no */

    /* Not 0: requests wait in the central queue; a loop that begins to wait writes 8 bytes to the
     * wake eventfd. Writer: the proxy. */
    _Alignas(64) _Atomic uint32_t waiters;

    _Alignas(64) struct shm_proxy proxy;
    struct shm_app app[SHM_APPS_MAX];
    struct shm_listener listener[SHM_LISTENERS_MAX];
    _Alignas(64) struct shm_series series[SHM_SERIES_MAX];
    _Alignas(64) struct shm_cache cache;
    _Alignas(64) struct shm_kinds kinds;
    _Alignas(64) struct shm_lanes lanes[SHM_APPS_MAX]; /* by app */
    _Alignas(64) struct shm_retries retries[SHM_APPS_MAX];
    _Alignas(64) struct shm_circuit circuit[SHM_CIRCUITS_MAX];
    _Alignas(64) struct shm_slot slot[SHM_SLOTS_MAX];
    _Alignas(64) struct shm_routes routes[SHM_SLOTS_MAX]; /* by slot */
    /* By connection (peers.h): the number of the route of the request on it. Writers, one after the
     * other: the proxy sets it to 0 before a request, the addon to what the framework says; it is
     * read when the answer's head comes. */
    _Alignas(64) _Atomic uint16_t route_of[SHM_CONNECTIONS_MAX];
    /* By slot. Writer: its process. */
    _Alignas(64) struct shm_journal journal[SHM_SLOTS_MAX];
    /* By slot. Writer: its process. */
    _Alignas(64) struct shm_measures measures[SHM_SLOTS_MAX];
    _Alignas(64) struct shm_limits limits;
    _Alignas(64) struct shm_redis redis;
    struct shm_concurrency concurrency;
    struct shm_upstream upstream[SHM_UPSTREAMS_MAX];
    /* By thread of the proxy: spans of requests. */
    struct shm_spans spans[SHM_THREADS_MAX];
};

/* How many slots are worth a look: reading one that was never used would give it memory. */
static inline uint32_t shm_slots_used(const struct shm *shm)
{
    uint32_t used = atomic_load_explicit(&shm->slots_used, memory_order_acquire);

    return used < SHM_SLOTS_MAX ? used : SHM_SLOTS_MAX;
}

/* The bucket of a turn's length: 4 to a power of two, from 1 µs. Bucket i covers
 * [shm_delay_floor_ns(i), shm_delay_floor_ns(i + 1)). */
static inline uint32_t shm_delay_bucket(uint64_t ns)
{
    uint64_t us = ns / 1000;
    uint32_t log2, i;

    if (us < 4)
        return (uint32_t)us;
    log2 = 63 - (uint32_t)__builtin_clzll(us);
    i = 4 * (log2 - 1) + (uint32_t)(us >> (log2 - 2) & 3);
    return i < SHM_DELAY_BUCKETS ? i : SHM_DELAY_BUCKETS - 1;
}

static inline uint64_t shm_delay_floor_ns(uint32_t i)
{
    if (i < 4)
        return i * 1000ull;
    return ((4ull + i % 4) << (i / 4 - 1)) * 1000;
}

_Static_assert(sizeof(struct shm_slot) % 64 == 0, "slots do not share cache lines");
_Static_assert(sizeof(struct shm_kind) == 128, "a kind is two cache lines");
_Static_assert(sizeof(struct shm_loop) == 64 + 8 * (SHM_TURNS_MAX + SHM_DELAY_BUCKETS), "layout");
