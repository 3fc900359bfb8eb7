/* sql/shape.h -- what a statement asks of its tables: which columns are compared, sorted, grouped
 *
 * It is read off PostgreSQL's plan (pg_plan.h) or off the statement itself (selection.h); index
 * advice is made of it. All texts are views into what it was read from; names are without quotes.
 */
#pragma once

#include "base/str.h"
#include "sql/token.h"

enum { SHAPE_TABLES_MAX = 24, SHAPE_USES_MAX = 128 };

struct shape_table {
    struct str schema, name;
    struct str alias; /* by which the statement names it; never empty */
    double rows_read; /* by one execution, as the plan estimates; below 0: unknown */
    bool scanned;     /* all of it is read */
};

enum shape_kind {
    SHAPE_EQUAL,  /* = a value, = ANY, IN (…) of values */
    SHAPE_NULL,   /* IS NULL */
    SHAPE_TRUE,   /* a boolean column by itself; SHAPE_FALSE: with NOT */
    SHAPE_FALSE,  /* … */
    SHAPE_RANGE,  /* <, >, BETWEEN a value */
    SHAPE_PREFIX, /* LIKE 'x%' */
    SHAPE_JOIN,   /* = a column of another table */
    SHAPE_ORDER,  /* ORDER BY; in the statement's order */
    SHAPE_GROUP,  /* GROUP BY, DISTINCT */
};

struct shape_use {
    u32 table;
    struct str column;
    struct str function; /* lower(column) and the like; empty: the column itself */
    enum shape_kind kind;
    u32 other;                    /* of SHAPE_JOIN: the other table */
    bool descending;              /* of SHAPE_ORDER */
    bool nulls_first, nulls_last; /* … where it says so */
    bool many;                    /* of SHAPE_EQUAL: one of several values */
};

struct shape {
    struct shape_table table[SHAPE_TABLES_MAX];
    u32 tables;
    struct shape_use use[SHAPE_USES_MAX];
    u32 uses;
    bool limited; /* there is a LIMIT */
};

/* Adds what is not in there yet; a shape that is full ignores it. */
void shape_add_use(struct shape *s, const struct shape_use *use);
/* The table's number; SHAPE_TABLES_MAX: the shape is full. */
u32 shape_add_table(struct shape *s, struct str schema, struct str name, struct str alias);

/* Which table a column is of, SHAPE_TABLES_MAX: none. `qualifier` is empty where there is none.
 * *name (in: as it is written) becomes the column's name as the catalog has it. */
struct shape_scope {
    struct shape *shape;
    u32 (*find)(const struct shape_scope *scope, struct str qualifier, struct str *name);
};

/* Reads a condition (of WHERE, ON, or a plan's) and adds the uses in it that an index may serve:
 * those that AND connects at its top. What OR or NOT is over is left out. */
void shape_read_condition(const struct shape_scope *scope, const struct sql_token *token,
                          u32 count);
/* Reads one item of ORDER BY (SHAPE_ORDER) or GROUP BY. False: it is no plain column. */
bool shape_read_key(const struct shape_scope *scope, const struct sql_token *token, u32 count,
                    enum shape_kind kind);

/* The tokens of a text, at most `most`: those left out are lost. Returns how many. */
u32 shape_tokens(struct str text, enum sql_dialect dialect, struct sql_token *token, u32 most);

/* A name without its quotes; as it is when one of them is in the name itself. */
struct str shape_unquoted(struct str name, enum sql_dialect dialect);

static inline struct str token_text(const struct sql_token *t)
{
    return str_make(t->ptr, t->len);
}
