/* sql/demand.h -- what a statement asks of its tables: which columns are compared, sorted, grouped
 *
 * It is read off PostgreSQL's plan (pg_plan.h) or off the statement itself (selection.h); index
 * advice is made of it. All texts are views into what it was read from; names are without quotes.
 */
#pragma once

#include "base/str.h"
#include "sql/token.h"

enum { DEMAND_TABLES_MAX = 24, DEMAND_USES_MAX = 128 };

struct demand_table {
    struct str schema, name;
    struct str alias; /* by which the statement names it; never empty */
    double rows_read; /* by one execution, as the plan estimates; below 0: unknown */
    bool scanned;     /* all of it is read */
};

enum demand_kind {
    DEMAND_EQUAL, /* = a value, = ANY, IN (…) of values */
    DEMAND_NULL,  /* IS NULL */
    DEMAND_NOT_NULL,
    DEMAND_TRUE,   /* a boolean column by itself; DEMAND_FALSE: with NOT */
    DEMAND_FALSE,  /* … */
    DEMAND_RANGE,  /* <, >, BETWEEN a value */
    DEMAND_PREFIX, /* LIKE 'x%' */
    DEMAND_JOIN,   /* = a column of another table */
    DEMAND_ORDER,  /* ORDER BY; in the statement's order */
    DEMAND_GROUP,  /* GROUP BY, DISTINCT */
};

struct demand_use {
    u32 table;
    struct str column;
    struct str function; /* lower(column) and the like; empty: the column itself */
    enum demand_kind kind;
    u32 other;                    /* of DEMAND_JOIN: the other table */
    bool descending;              /* of DEMAND_ORDER */
    bool nulls_first, nulls_last; /* … where it says so */
    bool many;                    /* of DEMAND_EQUAL: one of several values */
};

struct demand {
    struct demand_table table[DEMAND_TABLES_MAX];
    u32 tables;
    struct demand_use use[DEMAND_USES_MAX];
    u32 uses;
    bool limited; /* there is a LIMIT */
};

/* Adds what is not in there yet; a demand that is full ignores it. */
void demand_add_use(struct demand *s, const struct demand_use *use);
/* The table's number; DEMAND_TABLES_MAX: the demand is full. */
u32 demand_add_table(struct demand *s, struct str schema, struct str name, struct str alias);

/* Which table a column is of, DEMAND_TABLES_MAX: none. `qualifier` is empty where there is none.
 * *name (in: as it is written) becomes the column's name as the catalog has it. */
struct demand_scope {
    struct demand *demand;
    u32 (*find)(const struct demand_scope *scope, struct str qualifier, struct str *name);
};

/* Reads a condition (of WHERE, ON, or a plan's) and adds the uses in it that an index may serve:
 * those that AND connects at its top. What OR or NOT is over is left out. */
void demand_read_condition(const struct demand_scope *scope, const struct sql_token *token,
                           u32 count);
/* Reads one item of ORDER BY (DEMAND_ORDER) or GROUP BY. False: it is no plain column. */
bool demand_read_key(const struct demand_scope *scope, const struct sql_token *token, u32 count,
                     enum demand_kind kind);

/* The tokens of a text, at most `most`: those left out are lost. Returns how many. */
u32 demand_tokens(struct str text, enum sql_dialect dialect, struct sql_token *token, u32 most);

/* A name without its quotes; as it is when one of them is in the name itself. */
struct str demand_unquoted(struct str name, enum sql_dialect dialect);

static inline struct str token_text(const struct sql_token *t)
{
    return str_make(t->ptr, t->len);
}
