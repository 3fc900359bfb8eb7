/* sql/explainable.h -- statements as people and apps give them, made ready to be explained
 */
#pragma once

#include "base/buf.h"
#include "sql/token.h"

/* The next statement of several with semicolons between them, without those and without the space
 * around it; *rest is what follows. Empty (ptr NULL): there are no more. */
struct str explainable_next(struct str *rest, enum sql_dialect dialect);

enum explainable_verb {
    EXPLAINABLE_YES,     /* SELECT, INSERT, UPDATE, DELETE and the like */
    EXPLAINABLE_ALREADY, /* is an EXPLAIN itself */
    EXPLAINABLE_NO,      /* has no plan: BEGIN, CREATE, SET */
};

enum explainable_verb explainable_verb(struct str statement, enum sql_dialect dialect);

/* The statement as its database explains it without values: bind parameters of every style as that
 * database has them ($1 …, ?), LIMIT and OFFSET of unknown size as 20 and 0, `date $1` as
 * `$1::date`. *params is how many it needs. */
void explainable_prepare(struct str statement, enum sql_dialect dialect, struct buf *out,
                         u32 *params);
