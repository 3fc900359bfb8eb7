/* worker/jsonline.c -- is this line one whole JSON object? (RFC 8259)
 *
 * `open` holds one bit a level: 1 for an object, 0 for an array.
 */
#include "worker/jsonline.h"

struct scan {
    const u8 *at, *end;
};

static void spaces(struct scan *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\r'))
        s->at++;
}

static bool take(struct scan *s, u8 c)
{
    if (s->at == s->end || *s->at != c)
        return false;
    s->at++;
    return true;
}

static bool is_hex(u8 c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* The bytes of one character that is not ASCII, well-formed UTF-8 only (no surrogates, nothing
 * overlong, nothing above U+10FFFF); 0: it is not. */
static size_t utf8_len(const u8 *p, size_t left)
{
    size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;

    if (p[0] < 0xc2 || p[0] > 0xf4 || left < n)
        return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
        (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

static bool escape(struct scan *s)
{
    if (s->at == s->end)
        return false;
    u8 c = *s->at++;

    if (c != 'u')
        return memchr("\"\\/bfnrt", c, 8) != NULL;
    for (int i = 0; i < 4; i++)
        if (s->at == s->end || !is_hex(*s->at++))
            return false;
    return true;
}

static bool string(struct scan *s)
{
    if (!take(s, '"'))
        return false;
    while (s->at < s->end) {
        u8 c = *s->at;

        if (c >= 0x80) {
            size_t n = utf8_len(s->at, (size_t)(s->end - s->at));

            if (n == 0)
                return false;
            s->at += n;
            continue;
        }
        s->at++;
        if (c == '"')
            return true;
        if (c < 0x20 || (c == '\\' && !escape(s)))
            return false;
    }
    return false;
}

static bool digits(struct scan *s)
{
    const u8 *from = s->at;

    while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
        s->at++;
    return s->at > from;
}

static bool number(struct scan *s)
{
    take(s, '-');
    if (!take(s, '0') && !digits(s))
        return false;
    if (take(s, '.') && !digits(s))
        return false;
    if (take(s, 'e') || take(s, 'E')) {
        if (!take(s, '+'))
            take(s, '-');
        return digits(s);
    }
    return true;
}

static bool word(struct scan *s, struct str w)
{
    if ((size_t)(s->end - s->at) < w.len || memcmp(s->at, w.ptr, w.len) != 0)
        return false;
    s->at += w.len;
    return true;
}

static bool scalar(struct scan *s)
{
    if (s->at == s->end)
        return false;
    switch (*s->at) {
    case '"':
        return string(s);
    case 't':
        return word(s, STR("true"));
    case 'f':
        return word(s, STR("false"));
    case 'n':
        return word(s, STR("null"));
    default:
        return number(s);
    }
}

static bool member_name(struct scan *s)
{
    spaces(s);
    if (!string(s))
        return false;
    spaces(s);
    return take(s, ':');
}

/* After a value: closes what ends here, up to the comma of the next value. False: not JSON. */
static bool value_end(struct scan *s, u64 *open, int *depth)
{
    for (;;) {
        spaces(s);
        if (*depth == 0)
            return true;
        if (take(s, ','))
            return !(*open & 1) || member_name(s);
        if (!take(s, *open & 1 ? '}' : ']'))
            return false;
        *open >>= 1;
        --*depth;
    }
}

bool jsonline_is_object(struct str line)
{
    struct scan s = { (const u8 *)line.ptr, (const u8 *)line.ptr + line.len };
    u64 open = 0;
    int depth = 0;

    spaces(&s);
    if (s.at == s.end || *s.at != '{')
        return false;
    do {
        bool is_object, is_empty = false;

        spaces(&s);
        is_object = s.at < s.end && *s.at == '{';
        if (is_object || (s.at < s.end && *s.at == '[')) {
            s.at++;
            if (++depth > 64)
                return false;
            open = open << 1 | is_object;
            spaces(&s);
            is_empty = s.at < s.end && *s.at == (is_object ? '}' : ']');
            if (!is_empty) {
                if (is_object && !member_name(&s))
                    return false;
                continue;
            }
        } else if (!scalar(&s)) {
            return false;
        }
        if (!value_end(&s, &open, &depth))
            return false;
    } while (depth > 0);
    return s.at == s.end;
}
