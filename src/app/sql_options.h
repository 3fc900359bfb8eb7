/* app/sql_options.h -- what the commands that look at SQL statements can be told */
#pragma once

#include "app/control_options.h"

/* Texts are owned by the options and NUL-terminated; an empty one was not given. */
struct sql_options {
    struct control_options control; /* json, pid, runtime_dir, timeout_ns */
    struct str db;
    bool allow_extension, allow_locks;
    u32 top;          /* of the captured statements; 0: all */
    const char *word; /* NULL: none */
    const char *id;   /* of one of an app's statements, or how that begins; NULL: all of them */
};

extern const struct settings_table sql_explain_flags, sql_statements_flags, sql_indexes_flags;

/* Reads flags and at most one word; for sql explain, an id besides. 0; or an exit code after a
 * message; or -1 after --help has been answered. */
MUST_USE int sql_options_read(struct sql_options *o, const struct settings_table *t, int argc,
                              char **argv);
void sql_options_done(struct sql_options *o);
