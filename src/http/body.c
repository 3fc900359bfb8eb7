/* http/body.c -- the body of an HTTP/1 message: framing off, payload through
 *
 *     NONE, LENGTH    PAYLOAD ─ ENDING ─ OVER
 *     CLOSE           PAYLOAD … http_body_eof
 *     CHUNKED         SIZE ─ PAYLOAD ─ DATA_CR ─ DATA_LF ─ SIZE … ─ TRAILERS ─ (ENDING) ─ OVER
 *
 * A size line and a trailer line are parsed from their first byte each time they
 * are seen; they are short, and it keeps the state small.
 */
#include "http/body.h"

#include "http/scan.h"

enum state { PAYLOAD, SIZE, DATA_CR, DATA_LF, TRAILERS, ENDING, OVER, BAD };

/* How a try to parse a line ended. */
enum line { LINE_GOOD, LINE_SHORT, LINE_BAD };

static enum line bad(struct http_body *b, u16 status, const char *text)
{
    b->bad_status = status;
    b->bad_text = text;
    return LINE_BAD;
}

/* After the longest part that is good, `p` is where it stopped. */
static enum line stop_at(struct http_body *b, const char *p, const char *end, const char *text)
{
    return p == end ? LINE_SHORT : bad(b, 400, text);
}

void http_body_init(struct http_body *b, enum http_framing framing, u64 content_length,
                    u64 bytes_max)
{
    *b = (struct http_body){ .framing = (u8)framing, .bytes_max = bytes_max };
    switch (framing) {
    case HTTP_BODY_NONE:
        b->state = ENDING;
        break;
    case HTTP_BODY_LENGTH:
        b->left = content_length;
        b->state = content_length ? PAYLOAD : ENDING;
        if (bytes_max && content_length > bytes_max) {
            bad(b, 413, "Content-Length is above the limit");
            b->state = BAD;
        }
        break;
    case HTTP_BODY_CHUNKED:
        b->state = SIZE;
        break;
    case HTTP_BODY_CLOSE:
        b->state = PAYLOAD;
        break;
    }
}

/* 1 to 16 hexadecimal digits. *p: behind them, or where the mistake is. */
static enum line size_parse(struct http_body *b, const char **p, const char *end, u64 *size)
{
    const char *from = *p;
    u64 n = 0;

    for (; *p < end && scan_is(**p, SCAN_HEX); (*p)++) {
        u32 c = (u8) * *p;

        if (*p - from == 16 || n >> 59)
            return bad(b, 400, "a chunk size out of bounds");
        n = n << 4 | (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    if (*p == end)
        return LINE_SHORT;
    if (*p == from)
        return bad(b, 400, "a chunk size that is not hexadecimal digits");
    *size = n;
    return LINE_GOOD;
}

/* "…" with *p behind its first quote. */
static enum line quoted_parse(struct http_body *b, const char **p, const char *end)
{
    for (;;) {
        *p = scan_plain(*p, end, SCAN_QUOTED);
        if (*p == end || **p == '"')
            break;
        if (**p != '\\')
            return bad(b, 400, "a control character in a chunk extension");
        if (++*p == end)
            return LINE_SHORT;
        if (!scan_is(**p, SCAN_VALUE))
            return bad(b, 400, "a control character in a chunk extension");
        ++*p;
    }
    if (*p == end)
        return LINE_SHORT;
    ++*p;
    return LINE_GOOD;
}

/* *( ";" token [ "=" ( token / quoted-string ) ] ) of RFC 9112 7.1.1, without its optional spaces.
 */
static enum line extensions_parse(struct http_body *b, const char **p, const char *end)
{
    static const char text[] = "a chunk extension that is not ;name or ;name=value";
    const char *from;
    enum line line;

    while (*p < end && **p == ';') {
        from = ++*p;
        *p = scan_plain(*p, end, SCAN_TOKEN);
        if (*p == end || *p == from)
            return stop_at(b, *p, end, text);
        if (**p != '=')
            continue;
        if (++*p < end && **p == '"') {
            ++*p;
            if ((line = quoted_parse(b, p, end)) != LINE_GOOD)
                return line;
            continue;
        }
        from = *p;
        *p = scan_plain(*p, end, SCAN_TOKEN);
        if (*p == end || *p == from)
            return stop_at(b, *p, end, text);
    }
    return *p == end ? LINE_SHORT : LINE_GOOD;
}

/* CR LF. */
static enum line end_parse(struct http_body *b, const char **p, const char *end, const char *text)
{
    if (*p == end || **p != '\r')
        return stop_at(b, *p, end, text);
    if (++*p == end || **p != '\n')
        return stop_at(b, *p, end, "a carriage return without a line feed");
    ++*p;
    return LINE_GOOD;
}

/* A whole size line from *p: into b->left and the next state. */
static enum line chunk_begin(struct http_body *b, const char **p, const char *end)
{
    const char *from = *p, *line_end = min(end, from + HTTP_BODY_LINE_MAX), *behind;
    enum line line;
    u64 size;

    if ((line = size_parse(b, p, line_end, &size)) == LINE_GOOD) {
        behind = *p;
        if ((line = extensions_parse(b, p, line_end)) == LINE_GOOD)
            line = end_parse(b, p, line_end, "bytes behind a chunk size");
    }
    if (line == LINE_SHORT && line_end - from == HTTP_BODY_LINE_MAX)
        return bad(b, 400, "a chunk's size line is too long");
    if (line != LINE_GOOD)
        return line;
    /* Without this a body of one-byte chunks is mostly extensions, which no limit counts. */
    if (b->extensions + (*p - behind - 2) > HTTP_BODY_EXTENSIONS_MAX)
        return bad(b, 400, "too many chunk extensions");
    b->extensions += (u16)(*p - behind - 2);
    if (b->bytes_max ? size > b->bytes_max - b->bytes : size > INT64_MAX - b->bytes)
        return bad(b, 413, "the chunks are above the limit");
    b->left = size;
    b->state = (u8)(size ? PAYLOAD : TRAILERS);
    return LINE_GOOD;
}

/* One line of the trailer section; *empty: it was the last. */
static enum line trailer_parse(struct http_body *b, const char **p, const char *end, bool *empty)
{
    const char *name = *p;

    *empty = *p < end && **p == '\r';
    if (*empty)
        return end_parse(b, p, end, NULL);
    *p = scan_token(*p, end);
    if (*p == end)
        return LINE_SHORT;
    if (**p != ':' || *p == name)
        return bad(b, 400, "a byte that no trailer name may have");
    if (http_name_flags(http_name_find(str_make(name, (size_t)(*p - name)))) & HTTP_NAME_NO_TRAILER)
        return bad(b, 400, "a field that may not be a trailer");
    if (b->trailers_n == HTTP_BODY_TRAILERS_N_MAX)
        return bad(b, 431, "too many trailers");
    *p = scan_value(*p + 1, end);
    return end_parse(b, p, end, "a control character in a trailer");
}

/* The whole section from `from`; *p: where it ends, or where the mistake is. */
static enum line trailers_parse(struct http_body *b, const char **p, const char *end)
{
    const char *from = *p, *section_end = min(end, from + HTTP_BODY_TRAILERS_MAX);
    bool empty = false;
    enum line line;

    *p += b->scanned;
    while ((line = trailer_parse(b, p, section_end, &empty)) == LINE_GOOD && !empty) {
        b->scanned = (u32)(*p - from);
        b->trailers_n++;
    }
    if (line == LINE_SHORT && section_end - from == HTTP_BODY_TRAILERS_MAX)
        return bad(b, 431, "the trailers are too large");
    return line;
}

u64 http_body_opaque(const struct http_body *b)
{
    return b->state == PAYLOAD ? b->left : 0; /* 0 where the end of the connection is the end */
}

static void payload_pass(struct http_body *b, u64 bytes)
{
    b->left -= bytes;
    b->bytes += bytes;
    if (b->left == 0)
        b->state = (u8)(b->framing == HTTP_BODY_CHUNKED ? DATA_CR : ENDING);
}

void http_body_skip(struct http_body *b, u64 bytes)
{
    assert(bytes <= http_body_opaque(b));
    payload_pass(b, bytes);
    b->fed += (u32)bytes;
}

/* What there is of the payload at *p. */
static enum line payload_take(struct http_body *b, const char **p, const char *end,
                              struct str *data)
{
    u64 room = (u64)(end - *p);

    if (b->framing != HTTP_BODY_CLOSE) {
        room = min(room, b->left);
        payload_pass(b, room);
    } else {
        if (b->bytes_max)
            room = min(room, b->bytes_max - b->bytes);
        if (room == 0)
            return bad(b, 413, "the body is above the limit");
        b->bytes += room;
    }
    *data = str_make(*p, (size_t)room);
    *p += room;
    return LINE_GOOD;
}

static enum line byte_take(struct http_body *b, const char **p, char want, enum state after)
{
    if (**p != want)
        return bad(b, 400, "chunk data that does not end with CRLF where its size says");
    ++*p;
    b->state = (u8)after;
    return LINE_GOOD;
}

/* One state with at least one byte to look at. *step is written where there is something to say. */
static enum line state_run(struct http_body *b, const char **p, const char *end, struct str *data,
                           enum http_body_step *step)
{
    const char *from = *p;
    enum line line;

    switch ((enum state)b->state) {
    case PAYLOAD:
        *step = HTTP_BODY_DATA;
        return payload_take(b, p, end, data);
    case SIZE:
        return chunk_begin(b, p, end);
    case DATA_CR:
        return byte_take(b, p, '\r', DATA_LF);
    case DATA_LF:
        return byte_take(b, p, '\n', SIZE);
    case TRAILERS:
        line = trailers_parse(b, p, end);
        if (line == LINE_GOOD) {
            b->state = ENDING;
            if (b->scanned) {
                *step = HTTP_BODY_TRAILERS;
                *data = str_make(from, b->scanned);
            }
        }
        return line;
    case ENDING:
    case OVER:
    case BAD:
        break;
    }
    return LINE_SHORT;
}

static enum http_body_step bad_say(const struct http_body *b, struct http_error *error)
{
    *error = (struct http_error){ .status = b->bad_status, .at = b->bad_at, .text = b->bad_text };
    return HTTP_BODY_BAD;
}

enum http_body_step http_body_feed(struct http_body *b, const char *bytes, size_t len, size_t *used,
                                   struct str *data, struct http_error *error)
{
    enum http_body_step step = HTTP_BODY_MORE;
    const char *p = bytes, *end = bytes + len;

    *used = 0;
    if (b->state == BAD)
        return bad_say(b, error);
    while (step == HTTP_BODY_MORE && p < end && b->state < ENDING) {
        const char *from = p;
        enum line line = state_run(b, &p, end, data, &step);
        if (line == LINE_BAD) {
            b->state = BAD;
            b->bad_at = b->fed + (u32)(p - bytes);
            return bad_say(b, error);
        }
        if (line == LINE_SHORT) {
            p = from;
            break;
        }
    }
    if (step == HTTP_BODY_MORE && b->state == ENDING) {
        b->state = OVER;
        step = HTTP_BODY_END;
    }
    *used = (size_t)(p - bytes);
    b->fed += (u32)*used;
    return step;
}

bool http_body_eof(struct http_body *b)
{
    if (b->framing == HTTP_BODY_CLOSE && b->state == PAYLOAD)
        b->state = OVER;
    return http_body_done(b);
}

bool http_body_done(const struct http_body *b)
{
    return b->state == ENDING || b->state == OVER;
}

u64 http_body_bytes(const struct http_body *b)
{
    return b->bytes;
}
