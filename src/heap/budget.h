/* heap/budget.h -- what a heap may hold, and what of it does not fit
 *
 * For tests and CI: limits of the whole heap or of a class, in each snapshot, and of growth from
 * the first of several snapshots to the last one. Classes are named as in the summary, with
 * wildcards (heap/glob.h); all that a pattern matches is one sum.
 */
#pragma once

#include "base/problem.h"
#include "heap/analysis.h"

enum { BUDGETS_MAX = 64 };

enum budget_kind {
    BUDGET_TOTAL,    /* bytes, of the whole heap */
    BUDGET_RETAINED, /* bytes, of a class */
    BUDGET_COUNT,    /* objects of a class */
    BUDGET_GROWTH,   /* bytes, or a share of the first snapshot's; of a class or the whole heap */
};

struct budget {
    enum budget_kind kind;
    struct str class; /* empty: the whole heap; a view of what was parsed */
    u64 limit;        /* bytes, objects, or thousandths of a per cent */
    bool percent;
};

struct budgets {
    struct budget list[BUDGETS_MAX];
    u32 count;
};

/* "max-retained", as a flag has it. */
const char *budget_name(enum budget_kind kind);

/* Adds a budget: "500M" or "1%" for the whole heap, "Session=5M" for a class. `text` outlives it.
 * -EINVAL with *p: no such size, no class where there has to be one, too many. */
MUST_USE int budget_add(struct budgets *b, enum budget_kind kind, struct str text,
                        struct problem *p);
/* The same with class and limit apart. */
MUST_USE int budget_add_of(struct budgets *b, enum budget_kind kind, struct str class,
                           struct str limit, struct problem *p);
bool budget_asks_growth(const struct budgets *b);

/* What there is of it in one snapshot. */
struct budget_sum {
    u64 count, retained; /* of the whole heap: nodes, and all bytes */
};
/* sums[b->count]. -ENOMEM. */
MUST_USE int budget_measure(const struct budgets *b, const struct analysis *a,
                            struct budget_sum *sums);

struct budget_verdict {
    bool fits;
    i64 value; /* bytes or objects; growth may be negative */
    u64 limit; /* in the same unit */
};
/* `first` is of the first snapshot, for BUDGET_GROWTH; it may be NULL for the others. */
struct budget_verdict budget_judge(const struct budget *b, const struct budget_sum *first,
                                   const struct budget_sum *now);
