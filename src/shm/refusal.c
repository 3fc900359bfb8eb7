/* shm/refusal.c -- what the reasons of refusals are called */
#include "shm/refusal.h"

const char *const refusal_name[SHM_REFUSALS] = {
    [SHM_REFUSED_BAD_REQUEST] = "bad_request",
    [SHM_REFUSED_HEAD_LARGE] = "head_too_large",
    [SHM_REFUSED_BODY_LARGE] = "body_too_large",
    [SHM_REFUSED_TIMEOUT] = "client_too_slow",
    [SHM_REFUSED_QUEUE_FULL] = "queue_full",
    [SHM_REFUSED_QUEUE_TIME] = "queue_timeout",
    [SHM_REFUSED_NO_WORKER] = "no_worker",
    [SHM_REFUSED_WORKER_DIED] = "worker_died",
    [SHM_REFUSED_CONNECTIONS] = "too_many_connections",
    [SHM_REFUSED_WORKER_SLOW] = "worker_too_slow",
    [SHM_REFUSED_NO_ROUTE] = "no_route",
    [SHM_REFUSED_RATE] = "rate_limited",
    [SHM_REFUSED_UNREACHABLE] = "upstream_unreachable",
    [SHM_REFUSED_UPSTREAM] = "upstream_failed",
    [SHM_REFUSED_NO_ENDPOINT] = "no_endpoint",
    [SHM_REFUSED_LOOP] = "loop",
    [SHM_REFUSED_STALLED] = "worker_stalled",
    [SHM_REFUSED_REQUEST_TIME] = "request_too_long",
    [SHM_REFUSED_CIRCUIT] = "circuit_open",
    [SHM_REFUSED_TUNNEL_IDLE] = "tunnel_idle",
    [SHM_REFUSED_NOT_CACHED] = "not_cached",
    [SHM_REFUSED_OVERLOAD] = "overloaded",
    [SHM_REFUSED_BUFFERS] = "buffers_full",
};
