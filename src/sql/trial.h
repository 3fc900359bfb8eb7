/* sql/trial.h -- which of the candidates are worth it, by what the database says of each
 *
 * An index is kept when the statement's cost with it is at most half of what it was. Of those that
 * are within a tenth of the best, the one with the fewest columns wins, then the smallest. Then
 * the rest is tried beside it; where none helps alone, two are tried together.
 */
#pragma once

#include "sql/candidate.h"

enum { TRIAL_KEPT_MAX = 3 };

struct trial_kept {
    u32 candidate;
    double cost_before, cost_after; /* with those kept before it */
    double bytes;                   /* of the index; 0: unknown */
    bool with_next; /* alone it helps little: with the next one, whose cost_after it has */
};

struct trial {
    struct trial_kept kept[TRIAL_KEPT_MAX];
    u32 count;
    u32 tried;
};

/* How an index is tried: hypothetically, in a transaction, in a copy, or by a model. Each gives 0
 * or -errno, -EAGAIN for a candidate that the database will not have, which is passed over. */
struct trial_bench {
    int (*create)(struct trial_bench *b, const struct candidate *c, double *bytes);
    int (*drop)(struct trial_bench *b); /* the one created last */
    int (*cost)(struct trial_bench *b, double *cost);
};

/* Leaves nothing created behind, unless it fails. -errno as from the bench. */
MUST_USE int trial_run(struct trial *t, struct trial_bench *b, const struct candidate *candidate,
                       u32 candidates, double cost);
