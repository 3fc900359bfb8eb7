/* load/result.h -- what was measured of one target: by a thread, a round, or all of them
 *
 * Every request that was meant for the measured time is in here exactly once:
 * answered, or among the failures, or unfinished when it was interrupted.
 */
#pragma once

#include "load/hdr.h"

/* Why a request has no good answer. */
enum result_failure {
    RESULT_CONNECT,  /* no connection */
    RESULT_RESET,    /* the connection ended before the answer did */
    RESULT_TIMEOUT,  /* no answer in time */
    RESULT_STATUS,   /* answered with 4xx or 5xx */
    RESULT_PROTOCOL, /* not HTTP, or not the echo */
    RESULT_UNSENT,   /* no connection was free for it in time */
    RESULT_FAILURES
};
extern const char *const result_failure_name[RESULT_FAILURES];

enum { RESULT_STATUSES = 1000, RESULT_TROUBLE_MAX = 128 };

struct result_kind {
    struct hdr latency; /* of the answered */
    u64 requests, failed;
};

struct result {
    struct hdr latency; /* of all kinds; filled in by result_sum */
    struct result_kind *kinds;
    u32 kinds_n;
    u64 requests, failed, unfinished;
    u64 in_time; /* good answers that came within the measured time: the throughput */
    u64 failures[RESULT_FAILURES];
    u64 statuses[RESULT_STATUSES];
    u64 bytes_in, bytes_out;
    u64 cpu_user_us, cpu_system_us; /* of the generator, in the measured time */
    u64 measured_ns;
    char trouble[RESULT_TROUBLE_MAX]; /* the first failure in words; empty: none */
};

MUST_USE int result_init(struct result *r, u32 kinds_n);
/* Accepts all zero. */
void result_done(struct result *r);

/* One answer after `ns`; `in_time` as above. */
void result_answer(struct result *r, u32 kind, u32 status, u64 ns);
void result_failure(struct result *r, u32 kind, enum result_failure why);
/* Remembers the first one. */
void result_trouble(struct result *r, const char *fmt, ...) PRINTF(2, 3);

/* Adds what another thread measured in the same time: measured_ns is the longer one. */
void result_join(struct result *r, const struct result *from);
/* Adds another round: measured_ns adds up. */
void result_append(struct result *r, const struct result *from);
/* Fills in `latency` from the kinds; again after more was added. */
void result_sum(struct result *r);

/* Good answers a second. */
double result_rate(const struct result *r);
bool result_answered(const struct result *r);
