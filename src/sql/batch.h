/* sql/batch.h -- statements as people and apps give them, made ready to be explained
 */
#pragma once

#include "base/buf.h"
#include "sql/token.h"

/* The next statement of several with semicolons between them, without those and without the space
 * around it; *rest is what follows. Empty (ptr NULL): there are no more. */
struct str batch_next(struct str *rest, enum sql_dialect dialect);

enum batch_verb {
    BATCH_EXPLAINED, /* SELECT, INSERT, UPDATE, DELETE and the like */
    BATCH_EXPLAIN,   /* is an EXPLAIN itself */
    BATCH_OTHER,     /* has no plan: BEGIN, CREATE, SET */
};

enum batch_verb batch_verb(struct str statement, enum sql_dialect dialect);

/* The statement as its database explains it without values: bind parameters of every style as that
 * database has them ($1 …, ?), LIMIT and OFFSET of unknown size as 20 and 0, `date $1` as
 * `$1::date`. *params is how many it needs. */
void batch_prepare(struct str statement, enum sql_dialect dialect, struct buf *out, u32 *params);
