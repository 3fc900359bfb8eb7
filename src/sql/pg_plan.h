/* sql/pg_plan.h -- reads PostgreSQL's EXPLAIN (VERBOSE, FORMAT JSON)
 *
 * VERBOSE, because every column then has its table's alias before it. Columns of conditions, of
 * sort and group keys become the demand. What the plan says is trusted for nothing but its texts.
 */
#pragma once

#include "sql/explanation.h"

/* -EINVAL with *p when it is no such plan; -ENOMEM. `out` is empty before. */
MUST_USE int pg_plan_read(struct explanation *out, struct str json, struct problem *p);
