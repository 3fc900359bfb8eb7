/* admin/turn_samples.h -- what agents have told of one turn that takes too long
 *
 * Copies of their records (shm/blocked.h), as the decision takes them (finding/cause.h).
 */
#pragma once

#include "finding/cause.h"
#include "shm/blocked.h"

/* All zero: none. */
struct turn_samples {
    struct cause_sample sample[CAUSE_SAMPLES_MAX];
    u32 count;
    u64 stack_ns; /* from its beginning until its first stack was here; 0: there is none yet */
    char *text[CAUSE_SAMPLES_MAX]; /* private: owned */
};

/* Of the turn since `since_ns`, written at `at_ns`. False: it is no record of that turn, or there
 * are enough. */
MUST_USE bool turn_samples_add(struct turn_samples *s, u64 since_ns, const void *payload, u32 len,
                               u64 at_ns, u64 now_ns);
/* All zero again. */
void turn_samples_drop(struct turn_samples *s);
/* One of them has a place in a script. */
bool turn_samples_has_place(const struct turn_samples *s);
