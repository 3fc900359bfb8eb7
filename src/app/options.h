/* app/options.h -- the settings of one start of fettle, from all places where they can stand */
#pragma once

#include "conf/settings.h"

enum options_from {
    OPTIONS_USER,  /* environment and flags */
    OPTIONS_CHILD, /* the flags that `fettle run` wrote, and secrets from the environment */
};

/* Reads and checks the settings in argv[1] … and sets up the log. *s belongs to the caller, who
 * calls settings_done in any case. 0; an exit code after a message on standard error; with
 * args->help or args->version set, nothing else has been looked at. */
MUST_USE int options_read(struct settings *s, struct settings_args *args, enum options_from from,
                          const char *source, int argc, char **argv);

/* Overwrites the value of every secret flag in argv, which other users of the machine can read. */
void options_wipe_secrets(int argc, char **argv);
