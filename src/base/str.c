/* base/str.c -- text as a view */
#include "base/str.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool str_eq_nocase(struct str a, struct str b)
{
    if (a.len != b.len)
        return false;
    if (a.len && memcmp(a.ptr, b.ptr, a.len) == 0)
        return true;
    for (size_t i = 0; i < a.len; i++)
        if (a.ptr[i] != b.ptr[i] && lower(a.ptr[i]) != lower(b.ptr[i]))
            return false;
    return true;
}

bool str_starts(struct str s, struct str prefix)
{
    return s.len >= prefix.len && str_eq(str_make(s.ptr, prefix.len), prefix);
}

bool str_starts_nocase(struct str s, struct str prefix)
{
    return s.len >= prefix.len && str_eq_nocase(str_make(s.ptr, prefix.len), prefix);
}

bool str_ends(struct str s, struct str suffix)
{
    return s.len >= suffix.len && str_eq(str_sub(s, s.len - suffix.len, suffix.len), suffix);
}

struct str str_trim(struct str s)
{
    while (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\t')) {
        s.ptr++;
        s.len--;
    }
    while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
        s.len--;
    return s;
}

ptrdiff_t str_index(struct str s, char c)
{
    const char *at = s.len ? memchr(s.ptr, c, s.len) : NULL;

    return at ? at - s.ptr : -1;
}

struct str str_cut(struct str s, char sep, struct str *rest)
{
    ptrdiff_t at = str_index(s, sep);

    if (at < 0) {
        *rest = (struct str){ 0 };
        return s;
    }
    *rest = str_make(s.ptr + at + 1, s.len - (size_t)at - 1);
    return str_make(s.ptr, (size_t)at);
}

struct str str_sub(struct str s, size_t from, size_t len)
{
    from = min(from, s.len);
    return str_make(s.ptr ? s.ptr + from : NULL, min(len, s.len - from));
}

bool str_to_u64(struct str s, u64 *out)
{
    u64 n = 0;

    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        u32 digit = (u32)(u8)s.ptr[i] - '0';

        if (digit > 9 || __builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, digit, &n))
            return false;
    }
    *out = n;
    return true;
}

bool str_hex_to_u64(struct str s, u64 *out)
{
    u64 n = 0;

    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        char c = lower(s.ptr[i]);
        u32 digit;

        if (c >= '0' && c <= '9')
            digit = (u32)(c - '0');
        else if (c >= 'a' && c <= 'f')
            digit = (u32)(c - 'a') + 10;
        else
            return false;
        if (n >> 60)
            return false;
        n = n << 4 | digit;
    }
    *out = n;
    return true;
}

size_t str_put_u64(char *out, u64 n)
{
    size_t digits = 1;

    for (u64 limit = 10; n >= limit && digits < STR_U64_MAX; limit *= 10)
        digits++;
    for (size_t at = digits; at-- > 0; n /= 10)
        out[at] = (char)('0' + n % 10);
    return digits;
}

size_t str_to_cstr(struct str s, char *out, size_t room)
{
    size_t len = room ? min(s.len, room - 1) : 0;

    if (len)
        memcpy(out, s.ptr, len);
    if (room)
        out[len] = 0;
    return len;
}

char *str_dup(struct str s)
{
    char *copy = malloc(s.len + 1);

    if (copy)
        str_to_cstr(s, copy, s.len + 1);
    return copy;
}

u32 str_distance(struct str a, struct str b)
{
    enum { LEN_MAX = 63 };
    u32 row[LEN_MAX + 1];

    if (a.len > LEN_MAX || b.len > LEN_MAX)
        return UINT32_MAX;
    for (u32 j = 0; j <= b.len; j++)
        row[j] = j;
    for (u32 i = 1; i <= a.len; i++) {
        u32 diagonal = row[0];

        row[0] = i;
        for (u32 j = 1; j <= b.len; j++) {
            u32 swap = diagonal + (lower(a.ptr[i - 1]) != lower(b.ptr[j - 1]));
            u32 shift = min(row[j], row[j - 1]) + 1;

            diagonal = row[j];
            row[j] = min(swap, shift);
        }
    }
    return row[b.len];
}

size_t str_utf8_len(struct str s, size_t at)
{
    const u8 *p = (const u8 *)s.ptr + at;
    size_t len = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;

    if (len == 1)
        return 1;
    if (p[0] < 0xc2 || p[0] > 0xf4 || s.len - at < len)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
        (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return len;
}

size_t str_put_utf8(char *out, u32 point)
{
    static const u8 lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    size_t len = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;

    for (size_t i = len; i-- > 1; point >>= 6)
        out[i] = (char)(0x80 | (point & 0x3f));
    out[0] = (char)(lead[len] | point);
    return len;
}
