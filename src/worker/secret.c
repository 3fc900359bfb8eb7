/* worker/secret.c -- what of an environment is not for everybody's eyes */
#include "worker/secret.h"

static const char *const parts[] = {
    "TOKEN",      "PASSWORD", "PASSWD",    "PASSPHRASE", "SECRET", "KEY",   "CREDENTIAL", "PRIVATE",
    "CONNECTION", "COOKIE",   "SIGNATURE", "_PASS",      "_AUTH",  "_SALT", "_DSN",       "CERT",
};

/* `part` is written in capitals. */
static bool contains_nocase(struct str s, struct str part)
{
    for (size_t i = 0; i + part.len <= s.len; i++)
        if (str_eq_nocase(str_sub(s, i, part.len), part))
            return true;
    return false;
}

bool secret_is(struct str name)
{
    for (u32 i = 0; i < ARRAY_LEN(parts); i++)
        if (contains_nocase(name, str_of(parts[i])))
            return true;
    return str_eq_nocase(name, STR("PASS")) || str_eq_nocase(name, STR("AUTH"));
}

/* Where "://" ends, from `at`; len when there is none. */
static size_t scheme_end(struct str s, size_t at)
{
    for (; at + 3 <= s.len; at++)
        if (memcmp(s.ptr + at, "://", 3) == 0)
            return at + 3;
    return s.len;
}

void secret_mask(struct buf *out, struct str name, struct str value)
{
    size_t at = 0;

    if (secret_is(name) && value.len) {
        buf_add(out, STR("***"));
        return;
    }
    while (at < value.len) {
        size_t from = scheme_end(value, at), end = from, sign = 0, colon = 0;

        /* The last @ of the authority: a password may hold one that nobody has escaped. */
        for (; end < value.len && !strchr("/?# \t,;\"'", value.ptr[end]); end++) {
            if (value.ptr[end] == '@')
                sign = end;
            if (value.ptr[end] == ':' && !colon)
                colon = end;
        }
        if (colon && sign > colon) {
            buf_add(out, str_sub(value, at, colon + 1 - at));
            buf_add(out, STR("***"));
            at = sign;
        }
        buf_add(out, str_sub(value, at, end - at));
        at = end;
    }
}
