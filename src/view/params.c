/* view/params.c -- the parameters of a page's address */
#include "view/params.h"

bool params_find(struct str query, const char *key, struct str *out)
{
    while (query.ptr) {
        struct str pair = str_cut(query, '&', &query), value;

        if (!str_eq(str_cut(pair, '=', &value), str_of(key)))
            continue;
        *out = value;
        return true;
    }
    return false;
}

bool params_number(struct str query, const char *key, u64 fallback, u64 most, u64 *out)
{
    struct str value;

    *out = fallback;
    if (!params_find(query, key, &value))
        return true;
    return str_to_u64(value, out) && *out <= most;
}

bool params_text(struct str query, const char *key, struct buf *out)
{
    size_t before = out->len;
    struct str s;

    if (!params_find(query, key, &s))
        return true;
    for (size_t i = 0; i < s.len; i++) {
        u64 byte;

        if (out->len - before == PARAMS_TEXT_MAX)
            return false;
        if (s.ptr[i] != '%') {
            buf_addc(out, s.ptr[i] == '+' ? ' ' : s.ptr[i]);
            continue;
        }
        if (s.len - i < 3 || !str_hex_to_u64(str_sub(s, i + 1, 2), &byte))
            return false;
        buf_addc(out, (char)byte);
        i += 2;
    }
    return true;
}

bool params_word(struct str query, const char *key, const char *words, u32 *out)
{
    struct str value, rest = str_of(words);
    u32 n = 0;

    *out = 0;
    if (!params_find(query, key, &value))
        return true;
    while (rest.ptr) {
        if (str_eq(str_cut(rest, '|', &rest), value)) {
            *out = n;
            return true;
        }
        n++;
    }
    return false;
}
