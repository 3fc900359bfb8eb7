/* sql/statement.h -- a statement that was captured or given, with what is known of its use
 */
#pragma once

#include "base/str.h"

struct sql_statement {
    struct str text;  /* without its values where it was captured */
    struct str route; /* of the requests that issued it: "GET /users/:id"; empty: unknown */
    struct str place; /* the line that issued it; empty: unknown */
    double total_ms, max_ms;
    u64 count; /* executions that were seen; 0: none, it was given by hand */
};
