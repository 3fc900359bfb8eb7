/* proxy/pressure.h -- a ceiling for all bytes that the proxy holds for clients
 *
 * A request holds four blocks at most, or a pipe, whatever its size (forward.c); ten thousand
 * clients that read or send slowly hold ten thousand times that. `buffer-memory` is the most that
 * all may hold at once, blocks and pipes of all threads counted. Above half of it no pipes are
 * taken any more. Above all of it those that keep the proxy waiting are closed, the latest first,
 * until an eighth is free. What the system needs meanwhile may be an eighth more; then new
 * connections get a 503.
 */
#pragma once

#include "base/clock.h"

struct block_pool;
struct proxy;
struct thread;

/* How late clients are, and what they hold. All zero: nobody holds anything. */
enum { SHED_LEVELS = 64 };
struct shed {
    u64 held[SHED_LEVELS];
};

/* The level of a client that is so late: a factor of about 1.4 each; 0: not late. */
u32 shed_level(u64 late_ns);
/* From which level on clients are closed so that `want` bytes are free; *part: how many bytes of
 * that level itself. SHED_LEVELS: nobody is late. */
u32 shed_from(const struct shed *s, u64 want, u64 *part);

/* How far `bytes` in the time since begun_ns are behind a pace that any client can keep. */
u64 shed_behind_ns(u64 begun_ns, u64 now_ns, u64 bytes);

/* Has t->blocks ask before it grows. */
void pressure_setup(struct thread *t);
/* A thread comes round: whether somebody must go. */
void pressure_look(struct thread *t);
/* Whether there is room for a pipe. */
bool pressure_allows_pipe(const struct thread *t);
/* Whether new connections are turned away. */
bool pressure_is_full(const struct proxy *p);
/* Writes into shared memory what is held. Thread 0, now and then. */
void pressure_show(struct proxy *p);
