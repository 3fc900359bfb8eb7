/* admin/slow_statement.h -- whether a statement takes long, and what to do then
 *
 * By what the agents have told of it (queries.h): one in twenty of its executions takes as long as
 * `slow-statement`, so that its 95th percentile does; or most of the time of the requests that it
 * runs in goes to it, and a quarter of `slow-statement` to each execution. What waits on purpose (a
 * sleep, a lock that is asked for, a queue in Redis) is none. Pure.
 */
#pragma once

#include "admin/queries.h"
#include "base/buf.h"

bool slow_statement_is(const struct queries_statement *s, u64 threshold_ns);

/* Whether a statement, without its values, is there to wait. */
bool slow_statement_waits(enum shm_call_system system, struct str statement);

/* Appends "p50 1.2 ms, p99 340 ms, at the longest 812 ms; 1204 times, 31.2 s in all" and so on. */
void slow_statement_evidence(struct buf *out, const struct queries_statement *s);

/* Appends what to do: the command that explains it, where there is one. */
void slow_statement_advice(struct buf *out, const struct queries_statement *s, struct str app);

/* The number that commands go by: 16 hexadecimal digits and a NUL. */
void slow_statement_id(u64 hash, char out[17]);
