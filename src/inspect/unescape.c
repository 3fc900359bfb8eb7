/* inspect/unescape.c -- the inside of a JSON string as the text it stands for */
#include "inspect/unescape.h"

enum { PLAIN, BACKSLASH, DIGITS };

static void point_add(struct buf *out, u32 point)
{
    char text[STR_UTF8_MAX];

    buf_add(out, str_make(text, str_put_utf8(text, point)));
}

/* A first half that no second one follows. */
static void half_end(struct unescape *u, struct buf *out)
{
    if (u->high)
        point_add(out, 0xfffd);
    u->high = 0;
}

static void unit_add(struct unescape *u, u16 unit, struct buf *out)
{
    bool is_second = unit >= 0xdc00 && unit <= 0xdfff;

    if (is_second && u->high) {
        point_add(out, 0x10000 + ((u32)(u->high - 0xd800) << 10) + (unit - 0xdc00u));
        u->high = 0;
        return;
    }
    half_end(u, out);
    if (unit >= 0xd800 && unit <= 0xdbff)
        u->high = unit;
    else
        point_add(out, is_second ? 0xfffd : unit);
}

/* What follows a backslash. False: no such escape. */
static bool escape_take(struct unescape *u, char c, struct buf *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *at = c ? strchr(from, c) : NULL;

    if (c == 'u') {
        u->state = DIGITS;
        u->digits = 0;
        u->unit = 0;
        return true;
    }
    if (!at)
        return false;
    half_end(u, out);
    buf_addc(out, to[at - from]);
    u->state = PLAIN;
    return true;
}

static bool digit_take(struct unescape *u, char c, struct buf *out)
{
    u64 value;

    if (!str_hex_to_u64(str_make(&c, 1), &value))
        return false;
    u->unit = (u16)(u->unit << 4 | value);
    if (++u->digits < 4)
        return true;
    u->state = PLAIN;
    unit_add(u, u->unit, out);
    return true;
}

/* How many bytes from the beginning on stand for themselves. */
static size_t run_of(const char *bytes, size_t len)
{
    size_t n = 0;

    while (n < len && bytes[n] != '"' && bytes[n] != '\\' && (u8)bytes[n] >= 0x20)
        n++;
    return n;
}

enum unescape_step unescape_feed(struct unescape *u, const char *bytes, size_t len, size_t *used,
                                 struct buf *out)
{
    size_t at = 0;
    bool ok = true;

    while (at < len && ok) {
        size_t n;

        if (u->state != PLAIN) {
            ok = u->state == BACKSLASH ? escape_take(u, bytes[at], out)
                                       : digit_take(u, bytes[at], out);
            at += ok;
            continue;
        }
        n = run_of(bytes + at, len - at);
        if (n) {
            half_end(u, out);
            buf_add(out, str_make(bytes + at, n));
            at += n;
            continue;
        }
        ok = bytes[at] == '"' || bytes[at] == '\\';
        if (bytes[at] == '"') {
            half_end(u, out);
            *used = at + 1;
            return UNESCAPE_DONE;
        }
        u->state = BACKSLASH;
        at += ok;
    }
    *used = at;
    return ok ? UNESCAPE_MORE : UNESCAPE_BAD;
}
