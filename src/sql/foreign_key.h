/* sql/foreign_key.h -- foreign keys that no index serves
 *
 * A database that deletes a row, or changes its key, looks for the rows that refer to it: without
 * an index on their side it reads that whole table each time, and no plan of a statement shows it.
 * MySQL makes such an index by itself, PostgreSQL and SQLite do not. Pure.
 */
#pragma once

#include "base/buf.h"
#include "sql/catalog.h"
#include "sql/token.h"

enum { FOREIGN_KEYS_MAX = 16 };

struct foreign_key_bare {
    const struct catalog_table *table;
    const struct catalog_foreign_key *key;
};

/* Those of tables large enough that it matters; at most `most`. Views of the catalog. */
u32 foreign_keys_bare(const struct catalog *c, struct foreign_key_bare *out, u32 most);
/* Appends the statement that makes its index, without a semicolon. */
void foreign_key_statement_add(struct buf *out, const struct foreign_key_bare *k,
                               enum sql_dialect dialect);
