/* sql/sqlite_plan.h -- reads SQLite's EXPLAIN QUERY PLAN
 *
 * Source: sqlite.org/eqp.html; the words of 3.24 and later.
 */
#pragma once

#include "sql/explanation.h"

/* Adds one row: its `detail`, which must live as long as the explanation, and how deep it is. The
 * demand must have the statement's tables; the first step of a table sets whether it is scanned. */
void sqlite_plan_add(struct explanation *e, struct str detail, u32 depth);
