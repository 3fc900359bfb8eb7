/* worker/recent.h -- the newest lines that went to no log file, kept in memory for `fettle logs`
 *
 * What the workers of an app without a log file have written, and what fettle has said itself: the
 * last RECENT_BYTES of it, of all apps. Readers are connections of the control socket: each gets
 * the lines from a position on, as much as it takes, and may wait for those that come. One that is
 * slower than the lines come is told that some are missing; nobody waits for it. An answer is
 *     {"at":4711,"line":"2026-11-26T04:02:26.123Z shop/1 | line"}    as in a log file
 *     {"at":4711,"lost":true}
 *     {"at":4711,"now":true}          to one that follows, once: that was all that there was
 * and at the end, which of one that follows is the end of fettle, {"ok":true}; with "goes_on_pid"
 * when another fettle has taken over. `at` is where the next request may go on.
 */
#pragma once

#include "base/buf.h"
#include "io/loop.h"

struct control_talk;
struct crew;
struct order;

enum { RECENT_BYTES = 512 << 10, RECENT_OF_FETTLE = UINT16_MAX };

/* Whose line it is. */
struct recent_from {
    u16 app;     /* its number, or RECENT_OF_FETTLE */
    bool stderr; /* it came from there; of fettle's own: it is a warning or an error */
    u32 worker, pid;
};

/* All zero: nothing is kept. */
struct recent {
    struct crew *crew;
    char *bytes;   /* a ring of records; NULL: memory is out */
    u64 head, end; /* of the oldest record, and behind the newest: counted from the beginning */
    struct list readers;
    struct timer look;
};

void recent_init(struct recent *r, struct crew *crew);
/* Gives the readers what there is, and ends them. */
void recent_quit(struct recent *r);
void recent_done(struct recent *r);

/* Keeps a line, without its newline; of a long one what fits. */
void recent_add(struct recent *r, const struct recent_from *from, struct str line);

/* Answers `talk`, now and perhaps for long. */
void recent_read(struct recent *r, const struct order *order, struct control_talk *talk);
/* That connection is gone. */
void recent_forget(struct recent *r, const struct control_talk *talk);
