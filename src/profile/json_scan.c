/* profile/json_scan.c -- a scanner that is asked */
#include "profile/json_scan.h"

enum { FLAT_PIECE = 1 << 14 };

void json_scan_init(struct json_scan *s, struct str bytes, struct problem *p)
{
    *s = (struct json_scan){ bytes.ptr, bytes.ptr, bytes.ptr + bytes.len, p, false, { 0 }, { 0 } };
}

void json_scan_done(struct json_scan *s)
{
    buf_done(&s->text);
    buf_done(&s->key);
}

bool json_scan_fail(struct json_scan *s, const char *what)
{
    if (!s->failed)
        problem_set(s->problem, "offset %llu: %s", (unsigned long long)(s->at - s->begin), what);
    s->failed = true;
    return false;
}

static bool cut_off(struct json_scan *s)
{
    return json_scan_fail(s, "the file ends too early: it is cut off");
}

char json_scan_peek(struct json_scan *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' || *s->at == '\r' || *s->at == '\t'))
        s->at++;
    return s->failed || s->at == s->end ? '\0' : *s->at;
}

bool json_scan_open(struct json_scan *s, char bracket)
{
    char c = json_scan_peek(s);

    if (c == bracket) {
        s->at++;
        return true;
    }
    if (s->at == s->end)
        return cut_off(s);
    return json_scan_fail(s, bracket == '{' ? "an object is expected here"
                                            : "an array is expected here");
}

/* Moves to what follows in a list; false at its end. */
static bool next(struct json_scan *s, struct json_list *l, char close)
{
    char c = json_scan_peek(s);

    if (s->failed)
        return false;
    if (c == close) {
        s->at++;
        return false;
    }
    if (!l->any) {
        l->any = true;
        return s->at < s->end || cut_off(s);
    }
    if (c != ',')
        return s->at == s->end ? cut_off(s)
                               : json_scan_fail(s, "a comma or a closing bracket is expected here");
    s->at++;
    return json_scan_peek(s) || cut_off(s);
}

static int hex4(const char *p, const char *end)
{
    u64 n;

    return end - p >= 4 && str_hex_to_u64(str_make(p, 4), &n) ? (int)n : -1;
}

/* The escape at s->at, a backslash. */
static bool escape(struct json_scan *s, struct buf *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    char c = s->end - s->at > 1 ? s->at[1] : '\0', utf8[STR_UTF8_MAX];
    const char *hit = c ? memchr(from, c, 8) : NULL;
    int unit, low;

    if (hit) {
        buf_addc(out, to[hit - from]);
        s->at += 2;
        return true;
    }
    unit = c == 'u' ? hex4(s->at + 2, s->end) : -1;
    if (unit < 0)
        return json_scan_fail(s, "this is no escape of JSON");
    s->at += 6;
    low = unit >= 0xd800 && unit < 0xdc00 && s->end - s->at >= 6 && s->at[0] == '\\' &&
                  s->at[1] == 'u'
              ? hex4(s->at + 2, s->end)
              : -1;
    if (low >= 0xdc00 && low < 0xe000) {
        unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
        s->at += 6;
    } else if (unit >= 0xd800 && unit < 0xe000) {
        unit = 0xfffd;
    }
    buf_add(out, str_make(utf8, str_put_utf8(utf8, (u32)unit)));
    return true;
}

static bool text(struct json_scan *s, struct buf *unescaped, struct str *out)
{
    const char *begin;

    if (json_scan_peek(s) != '"')
        return s->at == s->end ? cut_off(s) : json_scan_fail(s, "a text is expected here");
    begin = ++s->at;
    while (s->at < s->end && *s->at != '"' && *s->at != '\\')
        s->at++;
    if (s->at == s->end)
        return cut_off(s);
    if (*s->at == '"') {
        *out = str_make(begin, (size_t)(s->at++ - begin));
        return true;
    }
    buf_clear(unescaped);
    buf_add(unescaped, str_make(begin, (size_t)(s->at - begin)));
    while (s->at < s->end && *s->at != '"') {
        const char *from = s->at;

        while (s->at < s->end && *s->at != '"' && *s->at != '\\')
            s->at++;
        buf_add(unescaped, str_make(from, (size_t)(s->at - from)));
        if (s->at < s->end && *s->at == '\\' && !escape(s, unescaped))
            return false;
    }
    if (s->at == s->end)
        return cut_off(s);
    s->at++;
    *out = buf_str(unescaped);
    return !unescaped->failed || json_scan_fail(s, "there is not enough memory");
}

bool json_scan_member(struct json_scan *s, struct json_list *l, struct str *key)
{
    if (!next(s, l, '}') || !text(s, &s->key, key))
        return false;
    if (json_scan_peek(s) != ':')
        return s->at == s->end ? cut_off(s) : json_scan_fail(s, "a colon is expected here");
    s->at++;
    return true;
}

bool json_scan_element(struct json_scan *s, struct json_list *l)
{
    return next(s, l, ']');
}

bool json_scan_text(struct json_scan *s, struct str *out)
{
    return text(s, &s->text, out);
}

/* A number that strtod need not see: whole, below 2^53. */
static bool whole(struct json_scan *s, double *out)
{
    const char *p = s->at;
    bool minus = p < s->end && *p == '-';
    u64 n = 0;
    const char *digits;

    p += minus;
    for (digits = p; p < s->end && p - digits < 16 && *p >= '0' && *p <= '9'; p++)
        n = n * 10 + (u64)(*p - '0');
    if (p == digits || p == s->end || n >= 1ull << 53 || *p == '.' || *p == 'e' || *p == 'E' ||
        (*p >= '0' && *p <= '9'))
        return false;
    *out = minus ? -(double)n : (double)n;
    s->at = p;
    return true;
}

bool json_scan_number(struct json_scan *s, double *out)
{
    char c = json_scan_peek(s), copy[64], *stop;
    size_t len = 0;

    if (s->failed || s->at == s->end)
        return !s->failed && cut_off(s);
    if (whole(s, out))
        return true;
    if (c != '-' && !(c >= '0' && c <= '9'))
        return json_scan_fail(s, "a number is expected here");
    while (len < sizeof(copy) - 1 && s->at + len < s->end &&
           memchr("0123456789+-.eE", s->at[len], 15)) {
        copy[len] = s->at[len];
        len++;
    }
    copy[len] = '\0';
    *out = strtod(copy, &stop);
    if (stop == copy)
        return json_scan_fail(s, "a number is expected here");
    s->at += stop - copy;
    return true;
}

static bool word(struct json_scan *s, struct str w)
{
    if ((size_t)(s->end - s->at) < w.len || memcmp(s->at, w.ptr, w.len) != 0)
        return json_scan_fail(s, "no value of JSON begins here");
    s->at += w.len;
    return true;
}

/* Behind '[': moves over the list when there is neither a text nor another list in it, as in those
 * of numbers, which are most of a large profile. Looks no further than it has to. */
static bool skip_flat(struct json_scan *s)
{
    const char *p = s->at;

    while (p < s->end) {
        size_t piece = min((size_t)(s->end - p), (size_t)FLAT_PIECE);
        const char *close = memchr(p, ']', piece);
        size_t part = close ? (size_t)(close - p) : piece;

        if (memchr(p, '"', part) || memchr(p, '[', part) || memchr(p, '{', part))
            return false;
        if (close) {
            s->at = close + 1;
            return true;
        }
        p += piece;
    }
    return false;
}

struct str json_scan_flat(struct json_scan *s)
{
    char c = json_scan_peek(s);
    const char *close = NULL;

    if (c == '{')
        close = memchr(s->at, '}', min((size_t)(s->end - s->at), (size_t)FLAT_PIECE));
    return close ? str_make(s->at, (size_t)(close + 1 - s->at)) : (struct str){ 0 };
}

static bool skip(struct json_scan *s, u32 depth)
{
    struct json_list l = { 0 };
    struct str ignored;
    double n;
    char c = json_scan_peek(s);

    if (s->failed)
        return false;
    if (depth > JSON_SCAN_DEPTH_MAX)
        return json_scan_fail(s, "this is nested too deeply");
    switch (c) {
    case '{':
        s->at++;
        while (json_scan_member(s, &l, &ignored))
            if (!skip(s, depth + 1))
                return false;
        return !s->failed;
    case '[':
        s->at++;
        if (skip_flat(s))
            return true;
        while (json_scan_element(s, &l))
            if (!skip(s, depth + 1))
                return false;
        return !s->failed;
    case '"':
        return json_scan_text(s, &ignored);
    case 't':
        return word(s, STR("true"));
    case 'f':
        return word(s, STR("false"));
    case 'n':
        return word(s, STR("null"));
    default:
        return json_scan_number(s, &n);
    }
}

bool json_scan_skip(struct json_scan *s)
{
    return skip(s, 0);
}

bool json_scan_end(struct json_scan *s)
{
    if (json_scan_peek(s) || s->failed)
        return json_scan_fail(s, "the document has ended before this");
    return true;
}
