/* admin/blamer.h -- what blocks loops is found out beside the monitor's own
 *
 * Source maps and sources are files, and may be large (admin/blame.h): so the decision, and what
 * becomes of a stack's places, are errands (io/errand.h). The answer comes in a later turn of the
 * loop, also when there can be no thread; then without maps, at once.
 */
#pragma once

#include "admin/blame.h"
#include "finding/finding.h"
#include "io/loop.h"

struct blamer;
/* A decision that is being made. */
struct blaming;

/* A decision is there: the finding is whole. `which` ends with the call. */
typedef void blamer_made_fn(void *arg, const struct blaming *which, const struct finding *f);
/* A stack is there in the places of its sources. */
typedef void blamer_shown_fn(void *arg, u32 slot, u64 since_ns, struct str text);

struct blamer_conf {
    struct loop *loop;
    blamer_made_fn *made;
    blamer_shown_fn *shown;
    void *arg;
};

/* -errno. */
MUST_USE int blamer_new(struct blamer **out, const struct blamer_conf *conf);
/* Waits for what is being worked at; nothing is called any more. Accepts NULL. */
void blamer_free(struct blamer *b);

struct blamer_case {
    const struct cause_sample *sample;
    u32 samples;
    u64 took_ns, gc_ns;     /* struct cause_view */
    struct finding finding; /* what is known without a decision */
};

/* Takes copies of all. *which is set before anything is made of it; NULL: out of memory. */
void blamer_decide(struct blamer *b, const struct blamer_case *of, struct blaming **which);
/* The turn takes longer than was said. */
void blaming_lasts(struct blaming *which, u64 took_ns);

enum { BLAMER_LINES_SHOWN = 12 };
/* A stack that is to be shown: its innermost lines, without blanks around them. */
void blamer_show(struct blamer *b, u32 slot, u64 since_ns, struct str stack);
