/* http/head.c -- the head of an HTTP/1.0 or HTTP/1.1 message, from bytes
 *
 * A state is a place in the grammar, and consumes bytes of one kind:
 *
 *     BEGIN ─ METHOD ─ TARGET ─ VERSION ──────────────────┐   (requests)
 *             VERSION ─ STATUS ─ (REASON) ────────────────┤   (responses)
 *                                                     LINE_LF
 *                                                         │
 *     ┌── FIELD ◄─────────────────────────────────────────┘
 *     │     ├─ NAME ─ SPACE ─ VALUE ─ VALUE_LF ─ FIELD …
 *     │     └─ END_LF ─ DONE
 *
 * A mistake is found where a state meets a byte that it cannot take, so it does
 * not depend on how the bytes came. p->at only grows.
 */
#include "http/head.h"

#include "http/rules.h"
#include "http/scan.h"

enum state {
    BEGIN,
    BEGIN_LF,
    METHOD,
    TARGET,
    VERSION,
    STATUS,
    REASON,
    LINE_LF,
    FIELD,
    NAME,
    SPACE,
    VALUE,
    VALUE_LF,
    END_LF,
    DONE,
    BAD
};

enum { METHOD_BYTES_MAX = 32, EMPTY_LINES_MAX = 2 };

/* What a state function says. */
enum go {
    GO,     /* p->state and p->at have moved on */
    STARVE, /* p->at is the end of what may be looked at */
    STOP    /* p->error is set */
};

static enum go stop(struct http_parser *p, u32 at, u32 status, const char *text)
{
    p->at = at;
    p->error.at = at;
    rules_fail(p, status, text);
    return STOP;
}

/* The mistake of a byte that no kind of text may have, else `text`. */
static enum go stop_byte(struct http_parser *p, const char *bytes, u32 at, const char *text)
{
    u8 c = (u8)bytes[at];

    if (c == '\n')
        text = "a line feed without a carriage return";
    else if (c == 0)
        text = "a NUL byte";
    else if ((c < 0x20 && c != '\t' && c != '\r') || c == 0x7f)
        text = "a control character";
    return stop(p, at, 400, text);
}

/* After a rule has said no: the byte that made its part complete is the one. */
static enum go stop_rule(struct http_parser *p)
{
    p->error.at = p->at;
    return STOP;
}

static enum go next(struct http_parser *p, enum state state, u32 at)
{
    p->state = state;
    p->at = at;
    return GO;
}

/* The same where a token begins at `at`. */
static enum go next_start(struct http_parser *p, enum state state, u32 at)
{
    p->start = at;
    return next(p, state, at);
}

static struct http_span span_to(const struct http_parser *p, u32 end)
{
    return (struct http_span){ p->start, end - p->start };
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static enum go begin(struct http_parser *p, const char *bytes)
{
    if (bytes[p->at] == '\r' && p->role == HTTP_REQUEST) {
        if (p->empty_lines == EMPTY_LINES_MAX)
            return stop(p, p->at, 400, "too many empty lines before the request line");
        p->empty_lines++;
        return next(p, BEGIN_LF, p->at + 1);
    }
    p->line_end_max = p->at + p->limits.line_bytes_max;
    return next_start(p, p->role == HTTP_REQUEST ? METHOD : VERSION, p->at);
}

static enum go method(struct http_parser *p, const char *bytes, u32 end)
{
    u32 room = min(end, p->start + METHOD_BYTES_MAX + 1);
    u32 at = (u32)(scan_plain(bytes + p->at, bytes + room, SCAN_TOKEN) - bytes);

    if (at > p->start + METHOD_BYTES_MAX)
        return stop(p, at - 1, 400, "the method is too long");
    if (at == end)
        return p->at = at, STARVE;
    if (at == p->start && bytes[at] == 0x16)
        return stop(p, at, 400, "a TLS handshake where plain HTTP is spoken");
    if (bytes[at] != ' ' || at == p->start)
        return stop_byte(p, bytes, at, "not an HTTP request: it begins with no method");
    p->head.method_text = span_to(p, at);
    return next_start(p, TARGET, at + 1);
}

static enum go line_feed(struct http_parser *p, const char *bytes, enum state after)
{
    if (bytes[p->at] != '\n')
        return stop(p, p->at, 400, "a carriage return without a line feed");
    return next_start(p, after, p->at + 1);
}

static enum go line_lf(struct http_parser *p, const char *bytes)
{
    if (bytes[p->at] == '\n' && p->role == HTTP_REQUEST && !rules_target(p, bytes))
        return stop_rule(p);
    return line_feed(p, bytes, FIELD);
}

static enum go target(struct http_parser *p, const char *bytes, u32 end)
{
    u32 at = (u32)(scan_target(bytes + p->at, bytes + end) - bytes);

    if (at == end)
        return p->at = at, STARVE;
    if (bytes[at] == '\r' && at > p->start)
        return stop(p, at, 505, "a request line without a version");
    if (bytes[at] == '#')
        return stop(p, at, 400, "a fragment in the target");
    if (bytes[at] != ' ')
        return stop_byte(p, bytes, at, "the target has a byte that is not visible ASCII");
    if (at == p->start)
        return stop(p, at, 400, "more than one space before the target");
    p->head.target = span_to(p, at);
    /* As it comes nearly always: with the rest of the line, and right. */
    if (end - at >= 11 && memcmp(bytes + at, " HTTP/1.1\r\n", 11) == 0) {
        p->head.version_minor = 1;
        p->at = at + 10;
        return line_lf(p, bytes);
    }
    return next_start(p, VERSION, at + 1);
}

/* "HTTP/1.0" or "HTTP/1.1" and the byte after it. */
static enum go version(struct http_parser *p, const char *bytes, u32 end)
{
    static const char want[8] = "HTTP/1.1";
    const char *text = bytes + p->start;

    /* As it comes nearly always: whole and right. */
    if (end - p->start >= 9 && memcmp(text, "HTTP/1.1 ", 9) == 0 && p->role == HTTP_RESPONSE) {
        p->head.version_minor = 1;
        return next_start(p, STATUS, p->start + 9);
    }
    for (u32 at = p->at; at < end; at++) {
        u32 i = at - p->start;
        char c = bytes[at];

        if (i == 8) {
            if (c != (p->role == HTTP_REQUEST ? '\r' : ' '))
                return stop_byte(p, bytes, at, "bytes behind the HTTP version");
            return p->role == HTTP_REQUEST ? next(p, LINE_LF, at + 1)
                                           : next_start(p, STATUS, at + 1);
        }
        if (i == 7 && (c == '0' || c == '1'))
            p->head.version_minor = (u8)(c - '0');
        else if (c != want[i]) {
            if ((i == 5 || i == 7) && c >= '0' && c <= '9')
                return stop(p, at, 505, "an HTTP version other than 1.0 and 1.1");
            return stop_byte(p, bytes, at, "not an HTTP version");
        }
    }
    return p->at = end, STARVE;
}

/* Three digits and the byte after them; Node writes a space even where no reason follows. */
static enum go status(struct http_parser *p, const char *bytes, u32 end)
{
    for (u32 at = p->at; at < end; at++) {
        u32 i = at - p->start;
        char c = bytes[at];

        if (i == 3) {
            if (c == '\r')
                return next(p, LINE_LF, at + 1);
            if (c == ' ')
                return next_start(p, REASON, at + 1);
            return stop_byte(p, bytes, at, "bytes behind the status");
        }
        if (c < (i ? '0' : '1') || c > '9')
            return stop_byte(p, bytes, at, "the status is not 100 to 999");
        p->head.status = p->head.status * 10 + (u32)(c - '0');
    }
    return p->at = end, STARVE;
}

static enum go reason(struct http_parser *p, const char *bytes, u32 end)
{
    u32 at = (u32)(scan_value(bytes + p->at, bytes + end) - bytes);

    if (at == end)
        return p->at = at, STARVE;
    if (bytes[at] != '\r')
        return stop_byte(p, bytes, at, NULL);
    p->head.reason = span_to(p, at);
    return next(p, LINE_LF, at + 1);
}

static enum go field(struct http_parser *p, const char *bytes)
{
    char c = bytes[p->at];

    if (c == '\r')
        return next(p, END_LF, p->at + 1);
    if (is_blank(c))
        return stop(p, p->at, 400, "a folded line");
    if (p->head.fields_n == p->limits.fields_max)
        return stop(p, p->at, 431, "too many fields");
    return next_start(p, NAME, p->at);
}

static enum go name(struct http_parser *p, const char *bytes, u32 end)
{
    u32 at = (u32)(scan_token(bytes + p->at, bytes + end) - bytes);

    if (at == end)
        return p->at = at, STARVE;
    if (bytes[at] != ':') {
        if (is_blank(bytes[at]))
            return stop(p, at, 400, "a space in a field name or before its colon");
        return stop_byte(p, bytes, at, "a byte that no field name may have");
    }
    if (at == p->start)
        return stop(p, at, 400, "an empty field name");
    p->head.fields[p->head.fields_n].name = span_to(p, at);
    return next(p, SPACE, at + 1);
}

static enum go space(struct http_parser *p, const char *bytes, u32 end)
{
    u32 at = p->at;

    while (at < end && is_blank(bytes[at]))
        at++;
    if (at == end)
        return p->at = at, STARVE;
    return next_start(p, VALUE, at);
}

static enum go value(struct http_parser *p, const char *bytes, u32 end)
{
    u32 at = (u32)(scan_value(bytes + p->at, bytes + end) - bytes);

    if (at == end)
        return p->at = at, STARVE;
    if (bytes[at] != '\r')
        return stop_byte(p, bytes, at, NULL);
    return next(p, VALUE_LF, at + 1);
}

/* The field's value begins at p->start, and its line feed is at p->at. */
static inline enum go field_end(struct http_parser *p, const char *bytes)
{
    struct http_field *f = &p->head.fields[p->head.fields_n];
    u32 end = p->at - 1;

    while (end > p->start && is_blank(bytes[end - 1]))
        end--;
    f->value = span_to(p, end);
    if (!rules_field(p, bytes, f))
        return stop_rule(p);
    p->head.fields_n++;
    return next_start(p, FIELD, p->at + 1);
}

static enum go value_lf(struct http_parser *p, const char *bytes)
{
    return bytes[p->at] == '\n' ? field_end(p, bytes) : line_feed(p, bytes, FIELD);
}

static enum go end_lf(struct http_parser *p, const char *bytes)
{
    if (bytes[p->at] == '\n') {
        p->head.head_bytes = p->at + 1;
        if (!rules_head(p, bytes))
            return stop_rule(p);
    }
    return line_feed(p, bytes, DONE);
}

/* The way of most heads: whole good fields, one after the other, without a turn for each state.
 * What is not so simple is left where it begins, for the states. */
static enum go fields(struct http_parser *p, const char *bytes, u32 end)
{
    const char *last = bytes + end;

    while (p->head.fields_n < p->limits.fields_max) {
        const char *line = bytes + p->at, *colon = scan_token(line, last), *text, *cr;

        if (colon == line || colon == last || *colon != ':')
            break;
        text = colon + 1;
        while (text < last && is_blank(*text))
            text++;
        cr = scan_value(text, last);
        if (last - cr < 2 || cr[0] != '\r' || cr[1] != '\n')
            break;
        p->head.fields[p->head.fields_n].name = (struct http_span){ p->at, (u32)(colon - line) };
        p->start = (u32)(text - bytes);
        p->at = (u32)(cr + 1 - bytes);
        if (field_end(p, bytes) == STOP)
            return STOP;
    }
    if (end - p->at >= 2 && bytes[p->at] == '\r' && bytes[p->at + 1] == '\n') {
        p->at++;
        return end_lf(p, bytes);
    }
    return p->at < end ? field(p, bytes) : STARVE;
}

/* One state, with at least one byte to look at. */
static inline enum go state_run(struct http_parser *p, const char *bytes, u32 end)
{
    switch ((enum state)p->state) {
    case BEGIN:
        return begin(p, bytes);
    case BEGIN_LF:
        return line_feed(p, bytes, BEGIN);
    case METHOD:
        return method(p, bytes, end);
    case TARGET:
        return target(p, bytes, end);
    case VERSION:
        return version(p, bytes, end);
    case STATUS:
        return status(p, bytes, end);
    case REASON:
        return reason(p, bytes, end);
    case LINE_LF:
        return line_lf(p, bytes);
    case FIELD:
        return fields(p, bytes, end);
    case NAME:
        return name(p, bytes, end);
    case SPACE:
        return space(p, bytes, end);
    case VALUE:
        return value(p, bytes, end);
    case VALUE_LF:
        return value_lf(p, bytes);
    case END_LF:
        return end_lf(p, bytes);
    case DONE:
    case BAD:
        break;
    }
    return STOP;
}

/* The first line has a limit of its own once it has begun. */
static u32 end_max(const struct http_parser *p)
{
    return p->state >= METHOD && p->state <= LINE_LF
               ? min(p->line_end_max, p->limits.head_bytes_max)
               : p->limits.head_bytes_max;
}

/* At a limit, no further byte can make the head good. */
static enum go limit_check(struct http_parser *p)
{
    if (p->at < end_max(p))
        return STARVE;
    if (end_max(p) < p->limits.head_bytes_max)
        return stop(p, p->at, 414, "the first line is too long");
    return stop(p, p->at, 431, "the head is too large");
}

enum http_step http_parse_head(struct http_parser *p, const char *bytes, size_t len,
                               struct http_head *head, struct http_error *error)
{
    enum go go = p->state == BAD ? STOP : GO;

    while (go == GO && p->state != DONE) {
        u32 end = (u32)min(len, (size_t)end_max(p));

        go = p->at < end ? state_run(p, bytes, end) : limit_check(p);
        if (go == STARVE)
            go = limit_check(p);
    }
    if (go == STARVE)
        return HTTP_MORE;
    if (go == STOP) {
        p->state = BAD;
        *error = p->error;
        return HTTP_BAD;
    }
    *head = p->head;
    return HTTP_DONE;
}

void http_parser_init(struct http_parser *p, enum http_role role, const struct http_limits *limits,
                      struct http_field *fields, u32 fields_room)
{
    assert(limits->line_bytes_max && limits->head_bytes_max && limits->fields_max && fields_room);
    assert(limits->head_bytes_max <= 1u << 30 && limits->line_bytes_max <= 1u << 30);
    *p = (struct http_parser){ .head.fields = fields, .limits = *limits, .role = (u8)role };
    p->limits.fields_max = min(limits->fields_max, fields_room);
}

bool http_parser_begun(const struct http_parser *p)
{
    return p->state > BEGIN_LF;
}

struct http_field *http_field_next(struct http_head *head, enum http_name id,
                                   const struct http_field *after)
{
    u32 i = after ? (u32)(after - head->fields) + 1 : 0;

    if (!(head->names >> id & 1))
        return NULL;
    for (; i < head->fields_n; i++)
        if (head->fields[i].id == id)
            return &head->fields[i];
    return NULL;
}

struct http_field *http_field_find(struct http_head *head, enum http_name id)
{
    return http_field_next(head, id, NULL);
}

struct str http_path_prefix(const char *bytes, const struct http_head *head)
{
    if (!head->absolute || (head->path.len && bytes[head->path.at] == '/'))
        return STR("");
    return head->method == HTTP_OPTIONS && head->path.len == 0 ? STR("*") : STR("/");
}

void http_response_framing(struct http_head *head, enum http_method request_method)
{
    bool tunnel = request_method == HTTP_CONNECT && head->status / 100 == 2;
    bool no_length = head->status < 200 || head->status == 204 || tunnel;
    struct http_field *length = no_length ? http_field_find(head, HTTP_CONTENT_LENGTH) : NULL;

    if (length)
        length->drop = true;
    if (no_length || head->status == 304 || request_method == HTTP_HEAD)
        head->framing = HTTP_BODY_NONE;
    if (head->framing == HTTP_BODY_CLOSE)
        head->keep_alive = false;
}
