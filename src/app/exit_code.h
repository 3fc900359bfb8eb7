/* app/exit_code.h -- what fettle's exit status tells
 *
 * The one list of them: `fettle help exit-codes` and the man page are made from it.
 */
#pragma once

#include "base/base.h"

enum {
    EXIT_OK = 0,
    EXIT_APP = 1,
    EXIT_USAGE = 2,
    EXIT_MISSING = 3,
    EXIT_SIGNAL = 128, /* and the signal's number */
};

struct exit_code {
    const char *code; /* "0", "128+N" */
    const char *help; /* a full sentence */
};

extern const struct exit_code exit_codes[];
extern const u32 exit_code_count;
