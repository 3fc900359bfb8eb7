/* shm/calls.h -- what requests ask of databases and other servers, told to the monitor
 *
 * The payloads of three kinds of records (journal.h), which the agent writes once a second about
 * the requests that it has watched meanwhile. All are sums over that second. Statements are without
 * their values. A payload is the struct and then its texts, one after the other, without NULs; the
 * struct says how long each is. Routes are "GET /users/:id".
 *
 * Plain C11 for the addon, like layout.h. The reader trusts no length.
 */
#pragma once

#include <stdint.h>

/* Whom a call goes to. */
enum shm_call_system {
    SHM_CALL_OTHER,
    SHM_CALL_POSTGRESQL,
    SHM_CALL_MYSQL,
    SHM_CALL_SQLITE,
    SHM_CALL_REDIS,
    SHM_CALL_MONGODB,
    SHM_CALL_HTTP,
    SHM_CALL_SYSTEMS,
};

enum {
    SHM_CALL_ROUTE_MAX = 160,
    SHM_CALL_STATEMENT_MAX = 2048,
    SHM_CALL_PLACE_MAX = 2048,
    SHM_CALL_BUCKETS = 44, /* of a statement's times: shm_call_le_ns() */
};

/* Bucket i counts what took at most this long and longer than bucket i - 1; the last one whatever
 * took longer than the one before: 10 us, 14 us, 20 us … 21 s. */
static inline uint64_t shm_call_le_ns(uint32_t i)
{
    return (uint64_t)(i % 2 ? 14142 : 10000) << i / 2;
}

/* SHM_RECORD_CALLS_ROUTE: watched requests of one route. Texts: route. */
struct shm_calls_route {
    uint32_t requests;
    uint32_t queries; /* of databases, Redis included */
    uint32_t calls;   /* outgoing HTTP requests */
    uint32_t route_len;
    uint64_t queries_ns, calls_ns;
};

/* SHM_RECORD_CALLS_STATEMENT: a statement in such requests. Texts: route, statement. */
struct shm_calls_statement {
    uint64_t hash;   /* of the statement, by system */
    uint32_t system; /* enum shm_call_system */
    uint32_t count, errors;
    uint32_t route_len, statement_len;
    uint32_t rows_of; /* executions that said how many rows they had */
    uint64_t total_ns, max_ns;
    uint64_t rows;
    uint64_t requests_ns; /* the time of the requests that it ran in */
    uint32_t bucket[SHM_CALL_BUCKETS];
};

/* SHM_RECORD_CALLS_SLOW: a statement that took long (a quarter of `slow-statement`) again and again
 * in such requests. Texts: route, function, file, source, place, as below. */
struct shm_calls_slow {
    uint64_t hash;
    uint32_t system;
    uint32_t count, slow; /* executions of a quarter of `slow-statement`, of all of it */
    uint32_t line, column;
    uint32_t route_len, function_len, file_len, source_len, place_len;
    uint64_t total_ns, max_ns;
};

/* SHM_RECORD_CALLS_REPEATED: the same statement again and again within requests. Texts: route,
 * statement, function, file, source (the text of that line), place (a stack of the app's frames, as
 * V8 prints it), via (the packages between the app and the driver, innermost first, with spaces).
 */
struct shm_calls_repeated {
    uint64_t hash;
    uint32_t system;
    uint32_t requests;     /* in which it did */
    uint32_t count, most;  /* statements in all of them, in the one with most */
    uint32_t concurrent;   /* 1: several were under way at a time */
    uint32_t line, column; /* from 1; 0: not known */
    uint32_t route_len, statement_len, function_len, file_len, source_len, place_len, via_len;
    uint64_t total_ns, max_ns; /* of all; of one request */
};

/* SHM_RECORD_CALLS_SEQUENTIAL: a statement that waited for another one for nothing. Texts: route,
 * the first statement, the second, function, file and source of the second, source of the first. */
struct shm_calls_sequential {
    uint32_t requests;     /* in which it did */
    uint32_t line, column; /* of the second, from 1 */
    uint32_t first_line;
    uint32_t route_len, first_len, second_len, function_len, file_len, source_len, first_source_len;
    uint32_t spare;
    uint64_t saved_ns, most_ns; /* what would have been saved: in all, in one request */
};

_Static_assert(sizeof(struct shm_calls_sequential) == 64, "the same to every compiler");
_Static_assert(sizeof(struct shm_calls_route) == 32, "the same to every compiler");
_Static_assert(sizeof(struct shm_calls_statement) == 64 + 4 * SHM_CALL_BUCKETS,
               "the same to every compiler");
_Static_assert(sizeof(struct shm_calls_slow) == 64, "the same to every compiler");
_Static_assert(sizeof(struct shm_calls_repeated) == 80, "the same to every compiler");
