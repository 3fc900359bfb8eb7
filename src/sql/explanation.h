/* sql/explanation.h -- how a database would execute a statement, whichever database it is
 *
 * What a reader of plans makes of one: its steps, and what it asks of its tables. All zero is an
 * empty explanation; the owner calls explanation_done.
 */
#pragma once

#include "conf/json_value.h"
#include "sql/catalog.h"
#include "sql/demand.h"

enum { EXPLANATION_STEPS_MAX = 128 };

enum explanation_kind {
    EXPLANATION_SCAN,  /* a whole table */
    EXPLANATION_INDEX, /* a table by an index */
    EXPLANATION_SORT,
    EXPLANATION_LOOP, /* a nested loop */
    EXPLANATION_OTHER,
};

struct explanation_step {
    enum explanation_kind kind;
    u32 depth;
    u32 table;            /* into demand.table; DEMAND_TABLES_MAX: none */
    struct str name;      /* as the database calls it: "Seq Scan" */
    struct str index;     /* its name, of EXPLANATION_INDEX */
    struct str condition; /* of which the rows are left; empty: none */
    double rows;          /* that come out, of one loop; below 0: unknown */
    double loops;
    double cost;    /* of it alone, all loops, in the database's unit */
    double bytes;   /* of a row */
    bool automatic; /* the index is made for this one execution */
};

struct explanation {
    struct demand demand;
    struct explanation_step step[EXPLANATION_STEPS_MAX];
    u32 steps;
    double cost; /* of all */
    double rows; /* that come out; below 0: unknown */
    /* private: what the texts are views into */
    struct json_value *document;
    struct catalog texts; /* without tables */
};

/* NULL: there are EXPLANATION_STEPS_MAX. */
static inline struct explanation_step *explanation_add(struct explanation *e)
{
    struct explanation_step *s;

    if (e->steps == EXPLANATION_STEPS_MAX)
        return NULL;
    s = &e->step[e->steps++];
    *s = (struct explanation_step){
        .kind = EXPLANATION_OTHER, .table = DEMAND_TABLES_MAX, .rows = -1, .loops = 1
    };
    return s;
}

/* A copy of a text that lives as long as the explanation; empty when out of memory. */
static inline struct str explanation_keep(struct explanation *e, struct str text)
{
    return catalog_keep(&e->texts, text);
}

static inline void explanation_done(struct explanation *e)
{
    json_value_free(e->document);
    catalog_done(&e->texts);
    e->document = NULL;
    e->steps = 0;
}
