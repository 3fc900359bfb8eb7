/* sql/model.h -- fettle's own estimate of what a statement costs, where no planner can be asked
 *
 * Nested loops over the tables in the plan's order; each is read by the index that leaves the
 * fewest rows, or as a whole where that is cheaper. The unit is a row that is read in order; one
 * that is fetched by an index counts ROW_FETCHED of them. Shares of rows are 1 / different values
 * for an equality, a third for a range, independent of each other, as planners assume without
 * statistics.
 */
#pragma once

#include "sql/explanation.h"
#include "sql/trial.h"

enum { MODEL_CREATED_MAX = TRIAL_KEPT_MAX + 2 };

struct model {
    struct trial_bench bench;
    const struct explanation *explanation;
    const struct catalog *catalog;
    enum sql_dialect dialect;
    bool by_steps; /* each table is read as the plan says, not by what would be best */
    /* private */
    const struct candidate *created[MODEL_CREATED_MAX];
    u32 creations;
};

/* What it is given must live as long as it. */
void model_init(struct model *m, const struct explanation *e, const struct catalog *c,
                enum sql_dialect dialect);
