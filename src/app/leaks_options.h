/* app/leaks_options.h -- what `fettle heap leaks` can be told */
#pragma once

#include "app/inspect_options.h"

enum { LEAKS_OPERANDS_MAX = 3 };

struct leaks_options {
    struct inspect_options inspect; /* json among them; the others are for a TARGET */
    u64 interval_ns;
    u32 top;    /* suspects that are shown; 0: all */
    bool check; /* exit code 1 when there is a suspect */
    const char *operand[LEAKS_OPERANDS_MAX];
    u32 operands; /* 1 or 3 */
};

extern const struct settings_table heap_leaks_flags;

/* Reads the flags and the files or the target. 0; or an exit code after a message; or -1 after
 * --help has been answered. The owner calls leaks_options_done in any case. */
MUST_USE int leaks_options_read(struct leaks_options *o, int argc, char **argv);
void leaks_options_done(struct leaks_options *o);
