/* http/traceparent.c -- W3C Trace Context */
#include "http/traceparent.h"

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* False: not all are lower-case hexadecimal digits. */
static bool hex_read(const char *text, u8 *out, size_t len)
{
    int bad = 0;

    for (size_t i = 0; i < len; i++) {
        int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);

        bad |= high | low;
        out[i] = (u8)((u32)high << 4 | ((u32)low & 15));
    }
    return bad >= 0;
}

static bool any(const u8 *bytes, size_t len)
{
    u8 all = 0;

    for (size_t i = 0; i < len; i++)
        all |= bytes[i];
    return all != 0;
}

bool traceparent_parse(struct str value, struct traceparent *out)
{
    const char *p = value.ptr;
    struct traceparent t;
    u8 version;

    if (value.len < TRACEPARENT_LEN || p[2] != '-' || p[35] != '-' || p[52] != '-' ||
        !hex_read(p, &version, 1) || version == 0xff || !hex_read(p + 3, t.trace, 16) ||
        !hex_read(p + 36, t.span, 8) || !hex_read(p + 53, &t.flags, 1))
        return false;
    if (value.len > TRACEPARENT_LEN && (version == 0 || p[TRACEPARENT_LEN] != '-'))
        return false;
    if (!any(t.trace, 16) || !any(t.span, 8))
        return false;
    t.flags &= TRACEPARENT_SAMPLED | TRACEPARENT_RANDOM;
    *out = t;
    return true;
}

void traceparent_hex(const u8 *bytes, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
}

void traceparent_text(const struct traceparent *t, char out[TRACEPARENT_LEN])
{
    out[0] = out[1] = '0';
    out[2] = out[35] = out[52] = '-';
    traceparent_hex(t->trace, 16, out + 3);
    traceparent_hex(t->span, 8, out + 36);
    traceparent_hex(&t->flags, 1, out + 53);
}

/* As Level 2 has it (3.3.2.2.1), which takes all that the Recommendation does. */
static bool key_valid(struct str key)
{
    if (key.len == 0 || key.len > 256)
        return false;
    for (size_t i = 0; i < key.len; i++) {
        char c = key.ptr[i];
        bool is_word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

        if (!is_word && (i == 0 || !memchr("_-*/@", c, 5)))
            return false;
    }
    return true;
}

/* Printable ASCII but for , and =. */
static bool value_valid(struct str value)
{
    if (value.len == 0 || value.len > 256)
        return false;
    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] < ' ' || value.ptr[i] > '~' || value.ptr[i] == ',' || value.ptr[i] == '=')
            return false;
    return true;
}

bool tracestate_valid(struct str value)
{
    struct str keys[TRACEPARENT_MEMBERS_MAX], rest = value;
    u32 n = 0;

    if (value.len > TRACESTATE_MAX)
        return false;
    while (rest.ptr) {
        struct str text, member = str_trim(str_cut(rest, ',', &rest)), key;

        if (member.len == 0)
            continue;
        key = str_cut(member, '=', &text);
        if (n == TRACEPARENT_MEMBERS_MAX || !text.ptr || !key_valid(key) || !value_valid(text))
            return false;
        for (u32 i = 0; i < n; i++)
            if (str_eq(keys[i], key))
                return false;
        keys[n++] = key;
    }
    return n > 0;
}
