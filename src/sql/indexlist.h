/* sql/indexlist.h -- which indexes of a database are there for nothing
 *
 * An index costs every write of its table. It is there for nothing when nobody has read it for as
 * long as the database counts, when another one is the same, or begins with its columns. What
 * a constraint needs stays. A database gives a row for each column of each index
 * (database_indexes), here they are judged. Pure, but for memory.
 */
#pragma once

#include "base/buf.h"
#include "sql/catalog.h"
#include "sql/token.h"

enum { INDEXLIST_MAX = 20000, INDEXLIST_COLUMNS_MAX = 32 };

enum indexlist_fault {
    INDEXLIST_NONE,
    INDEXLIST_DUPLICATE, /* `other` is the same */
    INDEXLIST_PREFIX,    /* `other` begins with its columns, and serves what it serves */
    INDEXLIST_UNUSED,    /* nobody has read it */
    INDEXLIST_INVALID,   /* was not finished, and serves nothing but is written */
};

struct indexlist_index {
    struct str schema, table, name;
    struct str method; /* "btree": only of these the leading columns are of use alone */
    struct str where;  /* of a partial one */
    struct str include;
    struct str column[INDEXLIST_COLUMNS_MAX]; /* as in CREATE INDEX: "created_at DESC" */
    u32 columns;
    bool unique;
    bool needed; /* by a constraint, or as the table itself */
    bool keyed;  /* begins with a foreign key: what deletes look for is read rarely */
    bool invalid;
    double bytes, scans; /* below 0: unknown */
    enum indexlist_fault fault;
    u32 other; /* into the list */
};

/* All zero is an empty list; it owns its texts. */
struct indexlist {
    struct indexlist_index *index;
    u32 count;
    bool full;        /* there are more than INDEXLIST_MAX, or memory was short */
    bool usage_known; /* the database counts who reads which */
    struct str since; /* since when, as the database says it; empty: unknown */
    struct catalog texts;
};

/* A row of indexlist_query(): of one column of an index, those of one index together and in their
 * order, those of one table together. */
enum indexlist_cell {
    INDEXLIST_SCHEMA,
    INDEXLIST_TABLE,
    INDEXLIST_NAME,
    INDEXLIST_METHOD,
    INDEXLIST_WHERE,
    INDEXLIST_INCLUDE,
    INDEXLIST_IS_UNIQUE, /* t, f */
    INDEXLIST_IS_NEEDED,
    INDEXLIST_IS_KEYED,
    INDEXLIST_IS_INVALID,
    INDEXLIST_BYTES, /* empty: unknown */
    INDEXLIST_SCANS,
    INDEXLIST_COLUMN,
    INDEXLIST_CELLS,
};
void indexlist_add(struct indexlist *l, const struct str cell[INDEXLIST_CELLS]);
/* Sets `fault` and `other` of each. */
void indexlist_judge(struct indexlist *l);
/* The statement that takes it away, without a semicolon. */
void indexlist_drop_add(struct buf *out, const struct indexlist_index *x, enum sql_dialect dialect);
void indexlist_done(struct indexlist *l);
