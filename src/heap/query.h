/* heap/query.h -- which objects somebody asks for
 *
 * "class=Session retained>1M": terms with blanks between, all of which have to hold. A term is a
 * field, an operator (= != > >= < <=) and a value, or the name of a kind of objects
 * (heap/filters.h), or @ and an id; with ! before it the opposite. Class, type, name and text take
 * wildcards (heap/glob.h), unless the value is in quotes, which are needed for blanks; sizes take
 * K, M, G, or % of all.
 */
#pragma once

#include "base/problem.h"
#include "heap/filters.h"

enum { QUERY_TERMS_MAX = 16 };

enum query_field {
    QUERY_CLASS, /* as in the summary */
    QUERY_TYPE,  /* V8's: object, closure, string, … */
    QUERY_NAME,  /* constructor, function's name, text */
    QUERY_TEXT,  /* of strings; nothing else has one */
    QUERY_ID,
    QUERY_SHALLOW,
    QUERY_RETAINED,
    QUERY_DISTANCE, /* from the roots */
    QUERY_EDGES,    /* references that it has */
    QUERY_FILTER,
};

enum query_op { QUERY_EQ, QUERY_NE, QUERY_GT, QUERY_GE, QUERY_LT, QUERY_LE };

struct query_term {
    enum query_field field;
    enum query_op op;
    bool opposite;
    bool quoted;     /* no wildcards */
    bool percent;    /* `number` is thousandths of a per cent of all */
    struct str text; /* a view of the query */
    u64 number;
    enum filter filter;
};

struct query {
    struct query_term term[QUERY_TERMS_MAX];
    u32 count;
};

/* `text` outlives the query. No terms are all objects. -EINVAL with *p. */
MUST_USE int query_parse(struct query *q, struct str text, struct problem *p);
bool query_asks(const struct query *q, enum query_field field);
/* Whether a number is as the term says; `total` is what a percentage is of. */
bool query_holds(const struct query_term *t, u64 value, u64 total);
