/* admin/queries.h -- what requests ask of databases and other servers, by route
 *
 * Out of the records of shm/calls.h, as a table of one size: a route or a statement for which there
 * is no room takes the place of one that was not heard of for the longest time. All counts are of
 * watched requests (addon/trace.js), so means are right and sums are not those of all requests.
 * Pure: no clock, no log.
 */
#pragma once

#include "base/str.h"
#include "shm/calls.h"

enum {
    QUERIES_ROUTES_MAX = 512,      /* a multiple of QUERIES_WAYS */
    QUERIES_STATEMENTS_MAX = 2048, /* likewise */
    QUERIES_WAYS = 8,
};

struct queries_route {
    u32 app;
    char route[SHM_CALL_ROUTE_MAX + 1]; /* "GET /users/:id"; empty: nobody's place */
    u64 used_ns;
    u64 requests, queries, calls; /* requests that were watched, and what they asked */
    u64 queries_ns, calls_ns;
};

/* A statement in the requests of one route. */
struct queries_statement {
    u32 app;
    char route[SHM_CALL_ROUTE_MAX + 1]; /* empty: nobody's place */
    u64 used_ns;
    u64 hash;
    enum shm_call_system system;
    char *statement;              /* its owner is the table */
    u64 count, errors;            /* executions that ended well, and others */
    u64 total_ns, max_ns;         /* of those that ended well */
    u64 rows, rows_of;            /* of so many executions it is known how many rows they had */
    u64 requests_ns;              /* the time of the requests that it ran in */
    u64 bucket[SHM_CALL_BUCKETS]; /* by time: queries_le_ns */
    struct queries_recent {       /* the last thousand or two; errors included */
        u64 count, total_ns, requests_ns;
        u64 slow; /* executions that took as long as `slow-statement` */
    } recent;
};

/* The bounds of queries_statement.bucket, but for its last entry (metrics/histogram.h). */
extern const u64 queries_le_ns[SHM_CALL_BUCKETS - 1];

struct queries;

MUST_USE int queries_new(struct queries **out);
void queries_free(struct queries *q);

/* Takes one record: false when its payload makes no sense. */
MUST_USE bool queries_route_add(struct queries *q, u32 app, u64 now_ns, const void *payload,
                                u32 len);
MUST_USE bool queries_statement_add(struct queries *q, u32 app, u64 now_ns, const void *payload,
                                    u32 len);

/* So many more of a statement have been slow. What is known of it; NULL: nothing. */
const struct queries_statement *queries_slow_add(struct queries *q, u32 app, struct str route,
                                                 const struct shm_calls_slow *slow);

/* Place i of each table; NULL: there is nothing in it, or (at the end) no such place. */
const struct queries_route *queries_route_at(const struct queries *q, u32 i);
const struct queries_statement *queries_statement_at(const struct queries *q, u32 i);
const struct queries_route *queries_route_find(const struct queries *q, u32 app, struct str route);
/* Of a route, the one that takes the most time in all; NULL: none. */
const struct queries_statement *queries_slowest(const struct queries *q, u32 app, struct str route);

/* "postgresql", "mysql", "sqlite", "redis", "mongodb", "http", as OpenTelemetry says them; "other".
 */
struct str queries_system_name(enum shm_call_system system);

/* A record of a repeated statement, as views of the payload. False: it makes no sense. */
struct queries_repeated {
    struct shm_calls_repeated head;
    struct str route, statement, function, file, source, place, via;
};
/* ... of two that could have run together. */
struct queries_sequential {
    struct shm_calls_sequential head;
    struct str route, first, second, function, file, source, first_source;
};
/* ... of one that took long. */
struct queries_slow {
    struct shm_calls_slow head;
    struct str route, function, file, source, place;
};
MUST_USE bool queries_slow_read(struct queries_slow *out, const void *payload, u32 len);
MUST_USE bool queries_sequential_read(struct queries_sequential *out, const void *payload, u32 len);
MUST_USE bool queries_repeated_read(struct queries_repeated *out, const void *payload, u32 len);
