/* sql/catalog.h -- what is known of the tables that a statement uses: columns, indexes, sizes
 *
 * A client fills it from the database's own catalog. Names are without quotes. All zero is an empty
 * catalog; it owns every text in it, and the owner calls catalog_done.
 */
#pragma once

#include "base/str.h"

enum { CATALOG_TABLES_MAX = 32, CATALOG_COLUMNS_MAX = 512, CATALOG_KEYS_MAX = 8 };

struct catalog_column {
    struct str name;
    struct str type;
    double distinct;   /* different values; 0: unknown */
    double null_share; /* 0 to 1 */
    bool ordered;      /* a B-tree can hold it */
};

struct catalog_index {
    struct str name;
    struct str column[CATALOG_KEYS_MAX]; /* the leading ones; an expression is empty */
    u32 columns;
    bool unique;
    bool partial;
};

struct catalog_foreign_key {
    struct str name;
    struct str column[CATALOG_KEYS_MAX];
    u32 columns;
    struct str references; /* the other table */
};

struct catalog_table {
    struct str schema, name;
    double rows;   /* below 0: unknown */
    double pages;  /* 0: unknown */
    bool analyzed; /* the database has statistics of it */
    struct catalog_column *column;
    u32 columns;
    struct catalog_index *index;
    u32 indexes;
    struct catalog_foreign_key *key;
    u32 keys;
};

struct catalog {
    struct catalog_table table[CATALOG_TABLES_MAX];
    u32 tables;
    /* private */
    struct catalog_text *texts;
};

/* A copy that lives as long as the catalog; empty (ptr NULL) when out of memory. */
struct str catalog_keep(struct catalog *c, struct str text);
/* A new one; NULL: there are CATALOG_TABLES_MAX. */
struct catalog_table *catalog_add(struct catalog *c, struct str schema, struct str name);
/* NULL: it is not in there. An empty schema is any; `nocase` compares names without case. */
const struct catalog_table *catalog_find(const struct catalog *c, struct str schema,
                                         struct str name, bool nocase);
/* New ones of a table; NULL: out of memory, or too many. */
struct catalog_column *catalog_add_column(struct catalog_table *t);
struct catalog_index *catalog_add_index(struct catalog_table *t);
struct catalog_foreign_key *catalog_add_key(struct catalog_table *t);
/* NULL: it has none of that name. */
const struct catalog_column *catalog_column(const struct catalog_table *t, struct str name,
                                            bool nocase);
void catalog_done(struct catalog *c);
