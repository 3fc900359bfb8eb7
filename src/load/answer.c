/* load/answer.c -- where an answer ends, and what it says: an HTTP response, from bytes */
#include "load/answer.h"

const struct http_limits answer_limits = { .line_bytes_max = 16 << 10,
                                           .head_bytes_max = ANSWER_HEAD_MAX,
                                           .fields_max = ANSWER_FIELDS_MAX };

void answer_init(struct answer *a, enum http_method method)
{
    a->status = 0;
    a->keep_alive = false;
    a->bad_text = NULL;
    a->method = method;
    a->interim = 0;
    a->in_body = false;
}

static enum answer_step bad(struct answer *a, const char *text)
{
    a->bad_text = text;
    return ANSWER_BAD;
}

/* A head is parsed from its first byte each time: what is not complete comes again, and answers
 * come whole but for rare ones. */
static enum answer_step head_feed(struct answer *a, const char *bytes, size_t len, size_t *used)
{
    struct http_field fields[ANSWER_FIELDS_MAX];
    struct http_parser parser;
    struct http_error error;
    struct http_head head;

    http_parser_init(&parser, HTTP_RESPONSE, &answer_limits, fields, ANSWER_FIELDS_MAX);
    switch (http_parse_head(&parser, bytes, len, &head, &error)) {
    case HTTP_MORE:
        return ANSWER_MORE;
    case HTTP_BAD:
        return bad(a, error.text);
    case HTTP_DONE:
        break;
    }
    *used = head.head_bytes;
    if (head.status == 101)
        return bad(a, "an unasked 101 Switching Protocols");
    if (head.status < 200)
        return ++a->interim > ANSWER_INTERIM_MAX ? bad(a, "too many interim responses")
                                                 : ANSWER_MORE;
    http_response_framing(&head, a->method);
    a->status = head.status;
    a->keep_alive = head.keep_alive;
    a->in_body = true;
    http_body_init(&a->body, head.framing, head.content_length, 0);
    return ANSWER_MORE;
}

static enum answer_step body_feed(struct answer *a, const char *bytes, size_t len, size_t *used)
{
    struct http_error error;
    struct str data;

    for (;;) {
        size_t step_used;

        switch (http_body_feed(&a->body, bytes + *used, len - *used, &step_used, &data, &error)) {
        case HTTP_BODY_MORE:
            *used += step_used;
            return ANSWER_MORE;
        case HTTP_BODY_DATA:
        case HTTP_BODY_TRAILERS:
            *used += step_used;
            break;
        case HTTP_BODY_END:
            *used += step_used;
            return ANSWER_DONE;
        case HTTP_BODY_BAD:
            return bad(a, error.text);
        }
    }
}

enum answer_step answer_feed(struct answer *a, const char *bytes, size_t len, size_t *used)
{
    *used = 0;
    while (!a->in_body) {
        size_t head_used = 0;
        enum answer_step step;

        if (*used == len)
            return ANSWER_MORE;
        step = head_feed(a, bytes + *used, len - *used, &head_used);
        *used += head_used;
        if (step == ANSWER_BAD || head_used == 0)
            return step;
    }
    return body_feed(a, bytes, len, used);
}

bool answer_eof(struct answer *a)
{
    a->keep_alive = false;
    return a->in_body && http_body_eof(&a->body);
}
