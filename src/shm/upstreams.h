/* shm/upstreams.h -- groups of endpoints, most of them on other machines, as the monitor sees them
 *
 * Plain C11, as layout.h is. A group is what the setting `upstream` says at one place (an app, or
 * one of its routes), an endpoint is one address of it. The address that is connected to is not
 * here but in the proxy's own memory (upstream/endpoints.h): a worker could write here. A proxy
 * that comes back finds the counters of a group again by its app and place, those of an endpoint by
 * its text.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

enum {
    SHM_UPSTREAMS_MAX = 32,      /* groups */
    SHM_ENDPOINTS_MAX = 64,      /* of one group */
    SHM_ENDPOINT_TEXT_MAX = 64,  /* "[2001:db8::1]:3000" */
    SHM_ENDPOINT_NAME_MAX = 100, /* what the list says: "api.internal:8080" */
    SHM_ENDPOINT_ZONE_MAX = 32,
    SHM_UPSTREAM_PLACE_MAX = 96,
};

enum shm_endpoint_state {
    SHM_ENDPOINT_NONE,    /* the place is free */
    SHM_ENDPOINT_UP,      /* gets requests */
    SHM_ENDPOINT_EJECTED, /* requests to it have failed: it gets none for a while */
    SHM_ENDPOINT_DOWN,    /* probes say so */
    SHM_ENDPOINT_LEAVING, /* not in the list any more: what runs there ends */
    SHM_ENDPOINT_STATES,
};

/* What became of a request to an endpoint. */
enum shm_endpoint_result {
    SHM_ENDPOINT_OK,
    SHM_ENDPOINT_CONNECT, /* no connection */
    SHM_ENDPOINT_RESET,   /* it ended before the answer was whole, or was not HTTP */
    SHM_ENDPOINT_TIMEOUT, /* no answer in time */
    SHM_ENDPOINT_ERROR,   /* a status of 500 or more */
    SHM_ENDPOINT_UNKNOWN, /* the client gave up: says nothing */
    SHM_ENDPOINT_RESULTS,
};

/* What a health check has found. */
enum shm_probe_result {
    SHM_PROBE_OK,
    SHM_PROBE_CONNECT, /* no connection */
    SHM_PROBE_RESET,   /* it ended before the answer's head was whole, or was not HTTP */
    SHM_PROBE_TIMEOUT,
    SHM_PROBE_STATUS, /* another one than expected */
    SHM_PROBE_RESULTS,
};

/* Why an endpoint is not up. */
enum shm_endpoint_reason {
    SHM_ENDPOINT_NO_REASON,
    SHM_ENDPOINT_IN_A_ROW, /* requests failed one after the other */
    SHM_ENDPOINT_OUTLIER,  /* it fails more often than the others */
    SHM_ENDPOINT_PROBE,    /* health checks */
};

/* Writers: the proxy's threads. Texts do not change while `state` is not NONE. */
struct shm_endpoint {
    _Alignas(64) _Atomic uint32_t state; /* enum shm_endpoint_state */
    _Atomic uint32_t in_flight;          /* requests and tunnels */
    _Atomic uint32_t connections;        /* open, resting ones included */
    _Atomic uint32_t weight, priority;   /* the lowest priority that has any up gets all */
    _Atomic uint32_t in_a_row;           /* failures, one after the other */
    _Atomic uint64_t changed_ns;         /* of the state */
    _Atomic uint64_t until_ns;           /* EJECTED: when it gets requests again */
    _Atomic uint64_t latency_ns;         /* of the answer's begin: a moving average; 0: not known */
    _Atomic uint64_t latency_seen_ns;    /* when that changed */
    _Atomic uint64_t ejections;          /* in all */
    _Atomic uint64_t connected, reused;  /* requests on a new connection, on one that had rested */
    _Atomic uint64_t results[8];         /* requests that are over, by enum shm_endpoint_result */
    _Atomic uint64_t sent_bytes, received_bytes;
    _Atomic uint64_t load; /* what a remote fettle says of its loops; 0: nothing */
    _Atomic uint64_t load_seen_ns;
    _Atomic uint64_t up_since_ns;     /* slow start began; 0: it was there from the beginning */
    _Atomic uint32_t load_given;      /* requests since load_seen_ns */
    _Atomic uint32_t backoff;         /* ejections one soon after the other */
    _Atomic uint32_t reason;          /* enum shm_endpoint_reason */
    _Atomic uint32_t probes_in_a_row; /* that say the same */
    _Atomic uint64_t probes[8];       /* by enum shm_probe_result */
    _Atomic uint64_t probed_ns;       /* the newest: when, what, with what status (0: none) */
    _Atomic uint32_t probed, probed_status;
    uint64_t reserved[4];
    uint32_t text_len, name_len, zone_len, spare;
    char text[SHM_ENDPOINT_TEXT_MAX];
    char name[SHM_ENDPOINT_NAME_MAX];
    char zone[SHM_ENDPOINT_ZONE_MAX];
};

/* App and place do not change once `used` is 1. */
struct shm_upstream {
    _Alignas(64) _Atomic uint32_t used;
    _Atomic uint32_t active; /* the settings have it */
    _Atomic uint64_t none;   /* requests for which no endpoint was there */
    /* Requests given while so few were up that all were tried; to another zone than our own. */
    _Atomic uint64_t panics, spilled;
    _Atomic uint64_t lookups_good, lookups_bad; /* answers of DNS */
    _Atomic uint64_t lookups_stale;             /* names whose last good answer is too old now */
    uint64_t reserved[3];
    uint32_t app;
    uint32_t place_len;                 /* 0: the app as a whole */
    char place[SHM_UPSTREAM_PLACE_MAX]; /* the route: "shop.example/api" */
    struct shm_endpoint endpoint[SHM_ENDPOINTS_MAX];
};
