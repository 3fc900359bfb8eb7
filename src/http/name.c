/* http/name.c -- the field names that fettle knows */
#include "http/name.h"

#include <endian.h>

struct row {
    char text[24];
    u8 len;
};

static const struct row rows[HTTP_NAME_COUNT + 1] = {
#define ROW(id, name, bits) [id] = { .text = name, .len = sizeof(name) - 1 },
    HTTP_NAMES(ROW)
#undef ROW
};

const u8 http_name_bits[HTTP_NAME_COUNT] = {
#define BITS(id, name, bits) [id] = (bits),
    HTTP_NAMES(BITS)
#undef BITS
};

/* Rows are sorted by length: the first of each. */
static const u8 first[] = {
    [2] = HTTP_TE,
    [3] = HTTP_AGE,
    [4] = HTTP_DATE,
    [5] = HTTP_RANGE,
    [6] = HTTP_ACCEPT,
    [7] = HTTP_EXPIRES,
    [8] = HTTP_LOCATION,
    [9] = HTTP_FORWARDED,
    [10] = HTTP_CONNECTION,
    [11] = HTTP_FETTLE_LOAD,
    [12] = HTTP_CONTENT_TYPE,
    [13] = HTTP_AUTHORIZATION,
    [14] = HTTP_CONTENT_LENGTH,
    [15] = HTTP_ACCEPT_ENCODING,
    [16] = HTTP_CONTENT_ENCODING,
    [17] = HTTP_IF_MODIFIED_SINCE,
    [18] = HTTP_PROXY_AUTHENTICATE,
    [19] = HTTP_CONTENT_DISPOSITION,
    [20] = HTTP_SEC_WEBSOCKET_ACCEPT,
    [21] = HTTP_SEC_WEBSOCKET_VERSION,
    [22] = HTTP_SEC_WEBSOCKET_PROTOCOL,
    [24] = HTTP_SEC_WEBSOCKET_EXTENSIONS,
};

/* Bit 5 makes letters lower case. In a token no other byte becomes a letter, a digit or '-' by it,
 * so that names with these only are compared exactly. */
#define LOWER 0x2020202020202020ull

static inline u64 load8(const char *p)
{
    u64 x;

    memcpy(&x, p, 8);
    return x;
}

/* 2 to 7 bytes, the first one lowest; zero behind them. Parts overlap, and agree there. */
static inline u64 load_short(const char *p, size_t len)
{
    u32 head = 0, tail = 0;
    u16 first2, last2;

    if (len >= 4) {
        memcpy(&head, p, 4);
        memcpy(&tail, p + len - 4, 4);
        return le32toh(head) | (u64)le32toh(tail) << 8 * (len - 4);
    }
    memcpy(&first2, p, 2);
    memcpy(&last2, p + len - 2, 2);
    return le16toh(first2) | (u64)le16toh(last2) << 8 * (len - 2);
}

static enum http_name find_short(struct str name)
{
    /* The rows are zero behind their text, so one comparison does. */
    u64 want = htole64(load_short(name.ptr, name.len) | LOWER >> 8 * (8 - name.len));

    for (u32 id = first[name.len]; rows[id].len == name.len; id++)
        if (load8(rows[id].text) == want)
            return id;
    return HTTP_NAME_OTHER;
}

enum http_name http_name_find(struct str name)
{
    u64 head, tail;

    if (name.len >= ARRAY_LEN(first) || first[name.len] == 0)
        return HTTP_NAME_OTHER;
    if (name.len < 8)
        return find_short(name);
    head = load8(name.ptr) | LOWER;
    tail = load8(name.ptr + name.len - 8) | LOWER;
    for (u32 id = first[name.len]; rows[id].len == name.len; id++) {
        const char *text = rows[id].text;

        if (load8(text) == head && load8(text + name.len - 8) == tail &&
            (name.len <= 16 || load8(text + 8) == (load8(name.ptr + 8) | LOWER)))
            return id;
    }
    return HTTP_NAME_OTHER;
}

struct str http_name_text(enum http_name id)
{
    return str_make(rows[id].text, rows[id].len);
}
