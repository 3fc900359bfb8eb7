/* base/problem.c -- a mistake of people's, said so that they can mend it */
#include "base/problem.h"

#include <stdarg.h>

int problem_set(struct problem *p, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(p->text, sizeof(p->text), fmt, args);
    va_end(args);
    return -EINVAL;
}
