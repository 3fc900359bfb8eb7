/* http/head.h -- the head of an HTTP/1.0 or HTTP/1.1 message, from bytes
 *
 * The caller keeps the bytes of the head together, from its first one, and calls
 * http_parse_head each time there are more; the parser goes on where it stopped
 * and reports the first mistake at the byte that makes it one. Results are
 * offsets into those bytes, so the buffer may move between calls and after.
 *
 * It is strict (RFC 9112 without its leniencies): whatever two servers could
 * understand differently is refused, because a request hidden inside another
 * begins with such a difference. Nothing here allocates, reads a clock or keeps
 * a global; a parser belongs to whoever embeds it.
 */
#pragma once

#include "http/method.h"
#include "http/name.h"
#include "http/status.h"

enum http_step {
    HTTP_MORE, /* all right so far, the head is not complete */
    HTTP_DONE, /* *head is filled in */
    HTTP_BAD   /* *error is filled in; the connection cannot be used any more */
};
enum http_role { HTTP_REQUEST, HTTP_RESPONSE };
enum http_framing { HTTP_BODY_NONE, HTTP_BODY_LENGTH, HTTP_BODY_CHUNKED, HTTP_BODY_CLOSE };

/* A part of the head's bytes. */
struct http_span {
    u32 at, len;
};

struct http_field {
    struct http_span name;
    struct http_span value; /* without the spaces and tabs around it; may be empty */
    enum http_name id;
    /* Not to be passed on as it came: hop-by-hop (Connection and what it names, Keep-Alive,
     * Proxy-Connection, TE, Trailer, Transfer-Encoding, Upgrade, HTTP2-Settings), fettle-peer and
     * fettle-route (reserved: only fettle may say such things), and Host when the target is
     * absolute-form (see `authority`). Connection cannot drop rows marked HTTP_NAME_KEPT. */
    bool drop;
};

/* 0 in any of them is a mistake of the caller. */
struct http_limits {
    u32 line_bytes_max; /* request or status line with its CRLF; above: 414 */
    u32 head_bytes_max; /* the whole head with its empty line, at most 1 GiB; above: 431 */
    u32 fields_max;     /* above: 431; so is what does not fit `fields_room` */
};

struct http_head {
    /* Requests. */
    enum http_method method;
    struct http_span method_text;
    struct http_span target;
    /* host[:port] as RFC 9110 has it, valid, without userinfo: from an absolute-form target or
     * CONNECT, else the Host field. Empty: HTTP/1.0 without Host, or an empty Host. */
    struct http_span authority;
    /* What to ask the next server for. Origin-form: the target. OPTIONS *: "*". CONNECT: empty.
     * Absolute-form: what follows the authority, to be sent after http_path_prefix(). */
    struct http_span path;
    /* Absolute-form target: `authority` replaces Host (RFC 9112 3.2.2). The Host field has `drop`
     * set, so that whoever copies fields has to write a new one. */
    bool absolute;

    /* Responses. */
    u32 status; /* 100 to 999 */
    struct http_span reason;

    u8 version_minor; /* 0 or 1 */
    bool keep_alive;  /* what the version and Connection say */
    /* Connection: upgrade and an Upgrade field, in HTTP/1.1. */
    bool upgrade;
    bool expect_continue; /* Expect: 100-continue, in HTTP/1.1 */
    bool te_trailers;     /* TE has "trailers" */
    struct http_span upgrade_value;

    /* For responses see http_response_framing. A request is never HTTP_BODY_CLOSE. */
    enum http_framing framing;
    u64 content_length; /* of HTTP_BODY_LENGTH; may be 0 */

    struct http_field *fields; /* the caller's storage */
    u32 fields_n;
    u32 head_bytes; /* the whole head, leading empty lines and last empty line included */
    u64 names;      /* bit n: a field with the id n is there */
};

struct http_error {
    u32 status;       /* what to answer a client; responses of workers: 502 */
    u32 at;           /* offset of the byte at which the mistake is certain */
    const char *text; /* a literal: "two Content-Length fields" */
};

struct http_parser {
    /* private */
    struct http_head head;
    struct http_error error;
    struct http_limits limits;
    u8 role;
    u8 state;
    u8 empty_lines;   /* before the request line */
    u8 options_n;     /* of Connection, so far */
    u8 options;       /* bits: what they said */
    u32 at;           /* the next byte to look at */
    u32 start;        /* where the token under way began */
    u32 line_end_max; /* the first line must end before */
};
static_assert(sizeof(struct http_parser) <= 256, "a parser is embedded in every connection");

/* For one head; again for the next. `fields` and its room stay the caller's. */
void http_parser_init(struct http_parser *p, enum http_role role, const struct http_limits *limits,
                      struct http_field *fields, u32 fields_room);

/* bytes: all of the head seen so far (and perhaps more after it), from its first byte. *head is
 * written on HTTP_DONE only, *error on HTTP_BAD only. After either, a further call says the same
 * again. Two empty lines before a request are skipped. */
MUST_USE enum http_step http_parse_head(struct http_parser *p, const char *bytes, size_t len,
                                        struct http_head *head, struct http_error *error);

/* Whether any byte of the head has been seen, empty lines before it not counted: tells an idle
 * connection from one that is slow. */
bool http_parser_begun(const struct http_parser *p);

static inline struct str http_text(const char *bytes, struct http_span s)
{
    return (struct str){ bytes + s.at, s.len };
}

/* The first field with this id; NULL: none. Not for HTTP_NAME_OTHER. */
struct http_field *http_field_find(struct http_head *head, enum http_name id);
/* The same for the fields after `after`; NULL begins. */
struct http_field *http_field_next(struct http_head *head, enum http_name id,
                                   const struct http_field *after);

/* What to write before `path` in a request line: "/" for an absolute-form target with an empty
 * path or only a query, "*" for OPTIONS of such a target without a query (RFC 9112 3.2.4), else "".
 */
struct str http_path_prefix(const char *bytes, const struct http_head *head);

/* Parsing a response leaves the framing of its fields alone: LENGTH, CHUNKED or CLOSE. This puts in
 * what RFC 9112 6.3 says about the request's method and the status: no body after HEAD, with 1xx,
 * 204 and 304, and none in this protocol after a 2xx to CONNECT. It also sets `drop` on a
 * Content-Length that may not be there (1xx, 204, CONNECT), and clears keep_alive where the body
 * ends with the connection. */
void http_response_framing(struct http_head *head, enum http_method request_method);
