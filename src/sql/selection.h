/* sql/selection.h -- reads off a statement itself what it asks of its tables
 *
 * For MySQL and SQLite, whose plans do not tell all of it. It knows FROM and JOIN with their
 * aliases, ON, USING, WHERE, GROUP BY, ORDER BY and LIMIT of SELECT, UPDATE and DELETE, within each
 * other. What it does not understand it leaves out, so that less is proposed, not wrong things.
 */
#pragma once

#include "sql/catalog.h"
#include "sql/demand.h"

/* With no `catalog` (NULL) just the tables, so that it can be filled; then again with it, on the
 * same demand, which adds the uses of columns that the catalog knows. -ENOMEM; -E2BIG: the
 * statement has too many tokens. */
MUST_USE int selection_read(struct demand *out, struct str statement, enum sql_dialect dialect,
                            const struct catalog *catalog);
