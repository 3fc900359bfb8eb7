/* cache/flight.h -- who is asking the app for a key just now, and who waits for what comes of it
 *
 * Of many requests for a key that is not stored one asks the app; the others wait until that is
 * stored, or is known not to be, or has failed. Then each gets what became of it, in its own
 * thread: flight_land says whom to wake, who call flight_take. Both ends are bounded: so many keys
 * at once, so many that wait; whoever finds no place asks the app itself. Any thread; one lock,
 * which only misses take.
 */
#pragma once

#include "base/list.h"
#include "cache/digest.h"

enum { FLIGHTS_MAX = 1024, FLIGHT_WAITERS_MAX = 16384, FLIGHT_THREADS_MAX = 64 };

enum flight_outcome {
    FLIGHT_STORED,  /* look again */
    FLIGHT_USELESS, /* it will not be stored: ask the app, all at once */
    FLIGHT_FAILED,  /* whoever asked has gone: another one may */
};

enum flight_state { FLIGHT_NONE, FLIGHT_LEADS, FLIGHT_WAITS, FLIGHT_LANDED };

/* Of one request; embedded in it. All zero: in no flight. */
struct flyer {
    /* private */
    struct list link;
    struct flight *flight;
    u32 thread;
    enum flight_state state;
    enum flight_outcome outcome;
};

struct flights;

MUST_USE int flights_new(struct flights **out);
void flights_free(struct flights *fs);

/* LEADS: this one asks the app, and calls flight_land in the end. WAITS: its thread will be woken.
 * NONE: there is no place for it. */
enum flight_state flight_join(struct flights *fs, struct flyer *f, struct digest key, u32 thread);
/* Whoever leads has an end; accepts those that do not. Bit i: thread i has some to take. */
u64 flight_land(struct flights *fs, struct flyer *f, enum flight_outcome outcome);
/* Gives up waiting; those that lead have failed. As flight_land. */
u64 flight_leave(struct flights *fs, struct flyer *f);
/* The next of a thread's that has landed, with what became of it; NULL: none. */
struct flyer *flight_take(struct flights *fs, u32 thread, enum flight_outcome *outcome);
/* Whether somebody waits for what this one, which leads, will get. */
MUST_USE bool flight_is_awaited(struct flights *fs, const struct flyer *f);
/* How many wait. */
u32 flight_waiters(struct flights *fs);

static inline bool flight_leads(const struct flyer *f)
{
    return f->state == FLIGHT_LEADS;
}
