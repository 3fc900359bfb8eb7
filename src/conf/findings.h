/* conf/findings.h -- what is found in a configuration file: all of it, not only the first
 *
 * A mistake stops a start. A warning is something that was asked for and that
 * does not happen; a note is something that needs no doing. Each has its place.
 */
#pragma once

#include "base/buf.h"
#include "base/problem.h"

enum finding_kind { FINDING_MISTAKE, FINDING_WARNING, FINDING_NOTE, FINDING_KINDS };

enum { FINDINGS_MAX = 100 }; /* that are kept; the rest is only counted */

struct finding {
    enum finding_kind kind;
    struct problem problem;
};

/* All zero: nothing was found. */
struct findings {
    struct finding *list;
    u32 count;             /* in the list */
    u32 of[FINDING_KINDS]; /* of each kind, also those that were not kept */
    bool failed;           /* out of memory */
};

void findings_done(struct findings *f);
/* The problem is copied. */
void findings_put(struct findings *f, enum finding_kind kind, const struct problem *p);
/* `file` and `line` as in struct problem. */
void findings_add(struct findings *f, enum finding_kind kind, const char *file, u32 line,
                  const char *fmt, ...) PRINTF(5, 6);
