/* test/http_run.h -- feeds HTTP bytes in pieces and compares what comes out
 *
 * For the unit tests and the fuzzers of http/. Every piece is handed over in a
 * block of exactly its size, at a new address, so that a sanitizer sees a read
 * behind it and a parser that keeps pointers is found out.
 */
#pragma once

#include "http/body.h"

enum { RUN_FIELDS = 128 };

struct head_run {
    enum http_step step;
    struct http_head head;
    struct http_error error;
    struct http_field fields[RUN_FIELDS];
};

/* Feeds prefixes that end at each of `cuts` (growing), then all. */
static inline void head_run(struct head_run *r, enum http_role role,
                            const struct http_limits *limits, struct str s, const size_t *cuts,
                            size_t cuts_n)
{
    struct http_parser p;

    memset(r, 0, sizeof(*r));
    http_parser_init(&p, role, limits, r->fields, RUN_FIELDS);
    for (size_t i = 0; i <= cuts_n; i++) {
        size_t len = i < cuts_n ? cuts[i] : s.len;
        char *piece = malloc(len ? len : 1);

        if (len)
            memcpy(piece, s.ptr, len);
        r->step = http_parse_head(&p, piece, len, &r->head, &r->error);
        free(piece);
        if (r->step != HTTP_MORE)
            return;
    }
}

static inline void head_run_bytes(struct head_run *r, enum http_role role,
                                  const struct http_limits *limits, struct str s)
{
    size_t *cuts = calloc(s.len + 1, sizeof(*cuts));

    for (size_t i = 0; i < s.len; i++)
        cuts[i] = i;
    head_run(r, role, limits, s, cuts, s.len);
    free(cuts);
}

static inline bool span_same(struct http_span a, struct http_span b)
{
    return a.at == b.at && a.len == b.len;
}

static inline bool head_same(const struct http_head *a, const struct http_head *b)
{
    if (a->method != b->method || !span_same(a->method_text, b->method_text) ||
        !span_same(a->target, b->target) || !span_same(a->authority, b->authority) ||
        !span_same(a->path, b->path) || a->absolute != b->absolute || a->status != b->status ||
        !span_same(a->reason, b->reason) || a->version_minor != b->version_minor ||
        a->keep_alive != b->keep_alive || a->upgrade != b->upgrade ||
        a->expect_continue != b->expect_continue || a->te_trailers != b->te_trailers ||
        !span_same(a->upgrade_value, b->upgrade_value) || a->framing != b->framing ||
        a->content_length != b->content_length || a->fields_n != b->fields_n ||
        a->head_bytes != b->head_bytes || a->names != b->names)
        return false;
    for (u32 i = 0; i < a->fields_n; i++) {
        const struct http_field *f = &a->fields[i], *g = &b->fields[i];

        if (!span_same(f->name, g->name) || !span_same(f->value, g->value) || f->id != g->id ||
            f->drop != g->drop)
            return false;
    }
    return true;
}

static inline bool head_run_same(const struct head_run *a, const struct head_run *b)
{
    if (a->step != b->step)
        return false;
    if (a->step == HTTP_BAD)
        return a->error.status == b->error.status && a->error.at == b->error.at &&
               a->error.text == b->error.text;
    return a->step == HTTP_MORE || head_same(&a->head, &b->head);
}

/* All that a body gave, and how it ended. */
struct body_run {
    enum http_body_step end; /* MORE, END or BAD */
    char *data;
    size_t data_len;
    char *trailers;
    size_t trailers_len;
    u32 ends; /* how often END was said */
    size_t used;
    u64 bytes;
    bool done;
    bool eof_good;
    struct http_error error;
};

static inline void body_run_done(struct body_run *r)
{
    free(r->data);
    free(r->trailers);
}

/* Reads as a proxy does: pieces that end at each cut, what was not used stays. */
static inline void body_run(struct body_run *r, enum http_framing framing, u64 length,
                            u64 bytes_max, struct str s, const size_t *cuts, size_t cuts_n)
{
    struct http_body b;
    size_t used;
    struct str data;

    *r = (struct body_run){ .data = malloc(s.len + 1), .trailers = malloc(s.len + 1) };
    http_body_init(&b, framing, length, bytes_max);
    for (size_t i = 0; i <= cuts_n && r->end != HTTP_BODY_BAD; i++) {
        size_t seen = i < cuts_n ? cuts[i] : s.len;

        do {
            size_t len = seen - r->used;
            char *piece = malloc(len ? len : 1);

            if (len)
                memcpy(piece, s.ptr + r->used, len);
            r->end = http_body_feed(&b, piece, len, &used, &data, &r->error);
            assert(used <= len);
            if (r->end == HTTP_BODY_DATA) {
                assert(data.len && data.ptr >= piece && data.ptr + data.len <= piece + used);
                memcpy(r->data + r->data_len, data.ptr, data.len);
                r->data_len += data.len;
            } else if (r->end == HTTP_BODY_TRAILERS) {
                assert(data.len && data.ptr >= piece && data.ptr + data.len <= piece + used);
                memcpy(r->trailers + r->trailers_len, data.ptr, data.len);
                r->trailers_len += data.len;
            }
            free(piece);
            r->used += used;
            r->ends += r->end == HTTP_BODY_END;
        } while (r->end == HTTP_BODY_DATA || r->end == HTTP_BODY_TRAILERS);
        assert(r->end != HTTP_BODY_MORE || r->ends || seen - r->used <= HTTP_BODY_TRAILERS_MAX);
    }
    if (r->ends)
        r->end = HTTP_BODY_END;
    r->bytes = http_body_bytes(&b);
    r->done = http_body_done(&b);
    r->eof_good = http_body_eof(&b);
}

static inline void body_run_bytes(struct body_run *r, enum http_framing framing, u64 length,
                                  u64 bytes_max, struct str s)
{
    size_t *cuts = calloc(s.len + 1, sizeof(*cuts));

    for (size_t i = 0; i < s.len; i++)
        cuts[i] = i;
    body_run(r, framing, length, bytes_max, s, cuts, s.len);
    free(cuts);
}

static inline bool body_run_same(const struct body_run *a, const struct body_run *b)
{
    if (a->end != b->end || a->data_len != b->data_len || a->trailers_len != b->trailers_len ||
        a->ends != b->ends || a->bytes != b->bytes || a->done != b->done ||
        a->eof_good != b->eof_good || memcmp(a->data, b->data, a->data_len) != 0 ||
        memcmp(a->trailers, b->trailers, a->trailers_len) != 0)
        return false;
    if (a->end == HTTP_BODY_BAD)
        return a->error.status == b->error.status && a->error.at == b->error.at &&
               a->error.text == b->error.text;
    return a->used == b->used;
}
