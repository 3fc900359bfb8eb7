/* io/spool.h -- text that is written by a thread of its own, so that a stuck reader blocks nobody
 *
 * A bounded ring and one writer thread. spool_write copies and returns at once;
 * when the ring is full the line is dropped and counted. A line is written
 * whole or not at all, and lines of one caller keep their order. Any thread may
 * call spool_write. The descriptor stays in its own mode (it is never made
 * non-blocking: others may share it), and stays the caller's.
 */
#pragma once

#include "base/str.h"

struct spool;

/* `fd` must stay open until spool_free. `bytes_max` is the ring's size, rounded up to a page. */
MUST_USE int spool_new(struct spool **out, int fd, size_t bytes_max);

/* Puts one line (with its newline, when it shall have one). False: dropped, for want of room or
 * because the reader is gone (EPIPE). */
bool spool_write(struct spool *s, struct str line);
/* The same for a line in two parts, which stay together. */
bool spool_write2(struct spool *s, struct str head, struct str tail);

/* Whether a caller that can wait a few milliseconds should: the ring is nearly full, and its reader
 * takes at least a megabyte a second. A reader that is slower, or stuck, is not worth waiting for.
 * One thread may ask. */
MUST_USE bool spool_congested(struct spool *s, u64 now_ns);

/* Lines dropped so far. */
u64 spool_dropped(const struct spool *s);

/* Goes on writing to another descriptor (a log file that was moved away); what was put before is
 * still written to the old one, unless that takes longer than `wait_ns`. 0, or -ETIMEDOUT with the
 * old one still in use. */
MUST_USE int spool_redirect(struct spool *s, int fd, u64 wait_ns);

/* Waits until all that was put is written. False: not within `wait_ns`. Accepts NULL. */
bool spool_flush(struct spool *s, u64 wait_ns);

/* Flushes for at most `wait_ns`, then ends the thread; accepts NULL. */
void spool_free(struct spool *s, u64 wait_ns);
