/* sql/candidate.h -- indexes that could serve a statement, before anybody has tried them
 *
 * For each table that the statement reads: columns that are compared for equality first, then one
 * range or the order that is asked for; joins' columns alone and with those; each alone. Too many
 * rather than too few: a trial (trial.h) says which are worth it.
 */
#pragma once

#include "base/buf.h"
#include "sql/catalog.h"
#include "sql/demand.h"

enum {
    CANDIDATES_MAX = 128,
    CANDIDATE_COLUMNS_MAX = 5,
    CANDIDATE_ROWS_LEAST = 1000, /* of a table that is not too small for any index */
};

struct candidate_column {
    struct str name;
    struct str function; /* lower(name) and the like; empty: the column itself */
    bool descending, nulls_first, nulls_last;
    bool pattern; /* text_pattern_ops, for LIKE 'x%' */
};

struct candidate {
    u32 table; /* into the demand */
    struct candidate_column column[CANDIDATE_COLUMNS_MAX];
    u32 columns;
    struct str where;            /* of a partial index: this column … */
    enum demand_kind where_kind; /* … DEMAND_NULL, DEMAND_TRUE or DEMAND_FALSE */
    u32 equal; /* so many of the leading columns are compared for equality with a value or a row */
    bool ranged;  /* the next one is a range */
    bool ordered; /* what follows is the order that is asked for */
};

/* At most `most`; returns how many. Tables that the catalog does not know are taken to be large.
 * `nocase`: names are compared without case, as in MySQL and SQLite; no partial indexes where the
 * dialect has none. What an index of the table serves already is left out. */
u32 candidates_make(const struct demand *demand, const struct catalog *catalog,
                    enum sql_dialect dialect, struct candidate *out, u32 most);

/* "customer_id, created_at DESC" as it stands in CREATE INDEX. */
void candidate_columns_add(struct buf *out, const struct candidate *c, enum sql_dialect dialect);
/* "orders_customer_id_created_at_idx", and at most 63 bytes. */
void candidate_name_add(struct buf *out, const struct candidate *c, const struct demand *demand);
/* The whole statement; `name` is empty for none, `online`: without keeping writers out for long. */
void candidate_statement_add(struct buf *out, const struct candidate *c,
                             const struct demand *demand, enum sql_dialect dialect, struct str name,
                             bool online);
/* A name as the dialect wants it: in quotes where it needs them. */
void candidate_quote(struct buf *out, struct str name, enum sql_dialect dialect);
