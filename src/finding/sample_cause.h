/* finding/sample_cause.h -- what one sample of a blocked loop says that it was at
 *
 * By the frames of Node's own code, else by the app's lines around the place. cause.c lets all
 * samples vote.
 */
#pragma once

#include "finding/cause.h"
#include "finding/stackview.h"

struct sample_cause {
    enum finding_kind kind;
    struct str subject;
    const char *instead;
    int moved; /* so many lines down from the place; above it, fewer than none */
    u32 votes;
    bool is_near; /* native code that has returned to another line of the place's function */
};

/* A sample with a stack, as it was read. `place`: that of all samples, around which the lines are;
 * `native`: what the samples without a stack before it say, if there were any. */
struct sample_cause sample_cause_of_stack(const struct cause_sample *sample,
                                          const struct stackview *s,
                                          const struct stacktext_frame *place,
                                          const struct sample_cause *native,
                                          const struct str lines[CAUSE_LINES]);

/* Native code, and no stack: by what it waits for. */
struct sample_cause sample_cause_of_native(const struct cause_sample *sample);
