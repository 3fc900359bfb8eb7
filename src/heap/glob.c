/* heap/glob.c -- a star takes as little as it can, and more when what follows does not fit */
#include "heap/glob.h"

static size_t character(struct str s, size_t at)
{
    size_t len = str_utf8_len(s, at);

    return len ? len : 1;
}

static bool match_one(struct str pattern, struct str text)
{
    size_t p = 0, t = 0, star = SIZE_MAX, from = 0;

    while (t < text.len) {
        if (p < pattern.len && pattern.ptr[p] == '*') {
            star = ++p;
            from = t;
        } else if (p < pattern.len && pattern.ptr[p] == '?') {
            p++;
            t += character(text, t);
        } else if (p < pattern.len && pattern.ptr[p] == text.ptr[t]) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star;
            t = ++from;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '*')
        p++;
    return p == pattern.len;
}

bool glob_match(struct str pattern, struct str text)
{
    do
        if (match_one(str_cut(pattern, '|', &pattern), text))
            return true;
    while (pattern.ptr);
    return false;
}
