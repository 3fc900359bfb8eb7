/* conf/findings.c -- what is found in a configuration file */
#include "conf/findings.h"

#include <stdarg.h>

void findings_done(struct findings *f)
{
    free(f->list);
    *f = (struct findings){ 0 };
}

void findings_put(struct findings *f, enum finding_kind kind, const struct problem *p)
{
    struct finding *list;

    f->of[kind]++;
    if (f->count == FINDINGS_MAX)
        return;
    list = reallocarray(f->list, f->count + 1, sizeof(*list));
    if (!list) {
        f->failed = true;
        return;
    }
    f->list = list;
    list[f->count] = (struct finding){ kind, *p };
    /* Names and values in it come from a file: nothing of theirs may steer a terminal. */
    for (char *c = list[f->count++].problem.text; *c; c++)
        if ((u8)*c < 32 || *c == 127)
            *c = '?';
}

void findings_add(struct findings *f, enum finding_kind kind, const char *file, u32 line,
                  const char *fmt, ...)
{
    struct problem p = { .line = line };
    va_list args;

    str_to_cstr(str_of(file), p.file, sizeof(p.file));
    va_start(args, fmt);
    vsnprintf(p.text, sizeof(p.text), fmt, args);
    va_end(args);
    findings_put(f, kind, &p);
}
