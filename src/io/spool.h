/* io/spool.h -- text that is written by a thread of its own, so that a stuck reader blocks nobody
 *
 * A bounded ring and one writer thread. spool_write copies and returns at once;
 * when the ring is full the line is dropped and counted. A line is written
 * whole or not at all, and lines of one caller keep their order. Any thread may
 * call spool_write. The descriptor stays in its own mode (it is never made
 * non-blocking: others may share it), and stays the caller's.
 *
 * Instead of a descriptor there may be a target: somebody who takes the lines in the writer's
 * thread, and who may leave them waiting in the ring for a while (a full disk).
 */
#pragma once

#include "base/clock.h"
#include "base/str.h"

#include <sys/uio.h>

struct spool;

/* Who takes the lines; embedded in its owner. Both are called by the writer's thread only. */
struct spool_target {
    /* Gets all that waits, whole lines in two parts (the second may be empty); returns how many
     * bytes it took, whole lines from the front. 0: not now; it is asked again later. */
    size_t (*take)(struct spool_target *target, const struct iovec part[2]);
    /* Every SPOOL_TICK_NS or so, with or without lines. */
    void (*tick)(struct spool_target *target);
};
#define SPOOL_TICK_NS NS_PER_S

/* `fd` must stay open until spool_free. `bytes_max` is the ring's size, rounded up to a page. */
MUST_USE int spool_new(struct spool **out, int fd, size_t bytes_max);

/* The same for a target; every write must then be whole lines. What is put is taken some
 * milliseconds later, so that a target gets many lines at once. */
MUST_USE int spool_new_to(struct spool **out, struct spool_target *target, size_t bytes_max);

/* Puts one line (with its newline, when it shall have one), or several. False: dropped, for want of
 * room or because the reader is gone (EPIPE); nothing of it has been put. */
bool spool_write(struct spool *s, struct str line);
/* The same, but what there is no room for is not counted: the caller will try it line by line. */
bool spool_write_whole(struct spool *s, struct str lines);
/* The same as spool_write for a line in two parts, which stay together. */
bool spool_write2(struct spool *s, struct str head, struct str tail);

/* Whether a caller that can wait a few milliseconds should: the ring is nearly full, and its reader
 * takes at least a megabyte a second. A reader that is slower, or stuck, is not worth waiting for.
 * One thread may ask. */
MUST_USE bool spool_congested(struct spool *s, u64 now_ns);

/* Writes dropped so far (with a target: lines). */
u64 spool_dropped(const struct spool *s);

/* Goes on writing to another descriptor (a log file that was moved away); what was put before is
 * still written to the old one, unless that takes longer than `wait_ns`. 0, or -ETIMEDOUT with the
 * old one still in use. */
MUST_USE int spool_redirect(struct spool *s, int fd, u64 wait_ns);

/* Waits until all that was put is written. False: not within `wait_ns`. Accepts NULL. */
bool spool_flush(struct spool *s, u64 wait_ns);

/* Flushes for at most `wait_ns`, then ends the thread; accepts NULL. False: the thread is stuck in
 * a write that no signal ends (a dead network disk), and it goes on using what it was given. */
bool spool_free(struct spool *s, u64 wait_ns);
