/* proxy/fallback.h -- what is answered in an app's place: a small file, read beforehand
 *
 * Thread 0 reads them as a ruleset is made; they live as long as it does.
 */
#pragma once

#include "base/str.h"

enum { FALLBACK_BYTES_MAX = 24576 /* fits a block with its head */ };

struct fallback {
    struct fallback *next;
    char *path;
    struct str type; /* of its content; "text/html; charset=utf-8" */
    u32 len;
    char bytes[];
};

/* That file, read once for a list. *out is NULL when it cannot be read, which is logged. -ENOMEM.
 */
MUST_USE int fallback_read(struct fallback **list, struct str path, struct fallback **out);
void fallbacks_free(struct fallback **list);
