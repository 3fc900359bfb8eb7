/* finding/cause.h -- what a turn of the loop that took too long was at
 *
 * A pure decision from the samples that were taken of it (shm/blocked.h) and from the lines of the
 * app's file around the place where it happened. V8 can be interrupted in JavaScript only, and the
 * frames of Node's own code say which of its functions was called: readFileSync, execSync. What has
 * no JavaScript of its own (JSON.parse, Atomics.wait, a regular expression, an addon) shows by the
 * app's line alone. V8 says the column of the call; after native code that did not look for
 * interrupts it is that of the next one, so its arguments and the lines before it are looked at
 * too. A call that is known to block is preferred to collections that took place in it.
 */
#pragma once

#include "finding/finding.h"
#include "finding/stacktext.h"
#include "shm/blocked.h"

enum { CAUSE_SAMPLES_MAX = 8, CAUSE_ABOVE = 5, CAUSE_LINES = 10 };

struct cause_sample {
    enum shm_blocked_how how;
    bool in_gc;
    u64 at_ns;            /* since the turn began */
    u64 gc_ns;            /* of the turn until then */
    int call;             /* struct shm_blocked */
    struct str call_name; /* likewise; may be empty */
    struct str channel;
    struct str text;
};

struct cause_view {
    const struct cause_sample *sample;
    u32 samples;
    u64 took_ns;                    /* the turn, so far */
    u64 gc_ns;                      /* of that: collections */
    struct stacktext_frame entered; /* of cause_step_out(); zero at first */
};

/* The place in the app's code: the innermost frame that is the app's, else that of a package, of
 * the sample that says most; below the loader, where a module is being loaded. Its `script` is
 * empty: there is none. */
struct stacktext_frame cause_place(const struct cause_view *v);

/* The function at the place has only been called when native code returned: that was in its caller.
 * `lines`: as below, around cause_place(). True: from now on the place is in the caller. */
MUST_USE bool cause_step_out(struct cause_view *v, const struct str lines[CAUSE_LINES]);

struct cause {
    enum finding_kind kind;
    struct str subject; /* "readFileSync"; a view of the samples, the lines or a literal */
    struct stacktext_frame place; /* cause_place(), moved to the line of the call */
    struct str text;              /* the stack of the sample that says most */
    const char
        *origin;      /* how it came to the app's code: "timer", "promise", "request", "immediate";
                       * "": the stack does not tell */
    char advice[192]; /* empty: finding_advice() has the best that is known */
    u32 at;           /* the place in `lines` */
};

/* `lines`: the line of cause_place() is lines[CAUSE_ABOVE], with those before and after it around
 * it; empty ones where there are none, or they could not be read. */
void cause_judge(struct cause *out, const struct cause_view *v,
                 const struct str lines[CAUSE_LINES]);
