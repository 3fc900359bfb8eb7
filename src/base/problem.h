/* base/problem.h -- a mistake of people's, said so that they can mend it
 *
 * For configuration, files and arguments. The text names what was read, what is
 * wrong with it and what would be right: «--max-memory: "12Q" is not a size;
 * write a number with K, M or G, such as 512M».
 */
#pragma once

#include "base/str.h"

struct problem {
    char file[256]; /* empty: not from a file */
    u32 line;       /* 0: unknown or none */
    char text[768];
};

/* Fills *p and returns -EINVAL, so that `return problem_set(…)` ends a check. */
int problem_set(struct problem *p, const char *fmt, ...) PRINTF(2, 3);
