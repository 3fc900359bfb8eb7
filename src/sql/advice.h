/* sql/advice.h -- what is slow in a statement, and the indexes that would help
 *
 * For one statement: explained, candidates made and tried, those kept that halve its cost.
 */
#pragma once

#include "sql/database.h"

struct advice {
    struct explanation explanation;
    struct catalog catalog;
    struct candidate candidate[CANDIDATES_MAX];
    u32 candidates;
    struct trial trial; /* kept[].candidate is a number in candidate[] */
    enum database_trial how;
};

/* A new one, to be freed by advice_free, whatever the result is. */
MUST_USE struct advice *advice_new(void);
void advice_free(struct advice *a);
static inline void advice_freep(struct advice **a)
{
    advice_free(*a);
}

/* -EINVAL with *p: the statement cannot be explained, and why; -ECONNRESET with *p: the database is
 * gone; -ENOMEM. */
MUST_USE int advice_make(struct advice *a, struct database *d, struct str statement,
                         struct problem *p);

/* What is slow, in plain words, worst first; at most `most` of them. */
struct advice_remark {
    double share; /* of the statement's cost; 0: unknown */
    u32 step;     /* into explanation.step */
    struct buf text;
};
u32 advice_remarks(const struct advice *a, struct advice_remark *out, u32 most);
