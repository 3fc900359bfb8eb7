/* base/strings.c -- a list of C strings for exec: command lines and environments */
#include "base/strings.h"

#include <stdarg.h>

void strings_done(struct strings *l)
{
    buf_done(&l->bytes);
    l->count = 0;
}

void strings_add(struct strings *l, struct str s)
{
    buf_add(&l->bytes, s);
    buf_addc(&l->bytes, 0);
    l->count++;
}

void strings_addf(struct strings *l, const char *fmt, ...)
{
    char *text = NULL;
    va_list args;
    int n;

    va_start(args, fmt);
    n = vasprintf(&text, fmt, args);
    va_end(args);
    if (n < 0) {
        l->bytes.failed = true;
        return;
    }
    strings_add(l, str_make(text, (size_t)n));
    free(text);
}

bool strings_has(const struct strings *l, struct str s)
{
    const char *at = l->bytes.ptr;

    for (u32 i = 0; i < l->count && !l->bytes.failed; i++, at += strlen(at) + 1)
        if (str_eq(str_of(at), s))
            return true;
    return false;
}

struct str strings_at(const struct strings *l, u32 index)
{
    const char *at = l->bytes.ptr;

    assert(index < l->count && !l->bytes.failed);
    while (index--)
        at += strlen(at) + 1;
    return str_of(at);
}

void strings_add_from(struct strings *l, const struct strings *from, u32 first)
{
    for (u32 i = first; i < from->count && !from->bytes.failed; i++)
        strings_add(l, strings_at(from, i));
    l->bytes.failed |= from->bytes.failed;
}

char **strings_list(const struct strings *l)
{
    char **list = l->bytes.failed ? NULL : calloc(l->count + 1, sizeof(*list));
    char *at = l->bytes.ptr;

    for (u32 i = 0; list && i < l->count; i++, at += strlen(at) + 1)
        list[i] = at;
    return list;
}
