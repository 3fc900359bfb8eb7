/* app/sql_source.h -- the statements that `fettle sql explain` is to look at
 *
 * From a file or the standard input, with semicolons between; one on the command line; or those
 * that the requests of a running app have issued.
 */
#pragma once

#include "app/sql_options.h"
#include "conf/json_value.h"
#include "sql/statement.h"
#include "sql/token.h"

enum { SQL_SOURCE_MAX = 1000 };

struct sql_source {
    struct sql_statement *statement;
    u32 count;
    u32 left_out; /* statements beyond --top, or SQL_SOURCE_MAX */
    /* private: what the texts are views into */
    struct buf bytes;
    struct json_value *page;
    struct buf app;
};

/* 0; or an exit code after a message. sql_source_done in any case. */
MUST_USE int sql_source_read(struct sql_source *s, const struct sql_options *o,
                             enum sql_dialect dialect);
void sql_source_done(struct sql_source *s);
