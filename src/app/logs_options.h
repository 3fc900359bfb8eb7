/* app/logs_options.h -- what `fettle logs` can be told, in one table */
#pragma once

#include "conf/settings.h"

/* Texts are owned by the options and NUL-terminated; an empty one was not given. */
struct logs_options {
    bool follow, json, errors, access;
    u32 lines;    /* 0: all */
    u64 since_ms; /* since 1970; 0: not given */
    struct str since, grep, files /* lines */, config, runtime_dir;
    struct str app; /* a view of argv */
    u32 worker;     /* 0: all */
    bool help;
    /* private */
    struct settings_text *texts;
};

extern const struct settings_table logs_flags;

/* Reads and checks argv[1] … 0, or an exit code after a message on standard error. *o belongs to
 * the caller, who calls logs_options_done in any case. */
MUST_USE int logs_options_read(struct logs_options *o, int argc, char **argv);
void logs_options_done(struct logs_options *o);
