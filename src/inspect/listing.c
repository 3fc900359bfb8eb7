/* inspect/listing.c -- what an inspector offers: the answer to GET /json/list */
#include "inspect/listing.h"

#include "base/buf.h"
#include "conf/json_value.h"
#include "http/head.h"

enum { FIELDS_MAX = 64, HEAD_MAX = 16384 };

static const struct http_limits limits = {
    .line_bytes_max = 4096,
    .head_bytes_max = HEAD_MAX,
    .fields_max = FIELDS_MAX,
};

/* "ws://127.0.0.1:9229/UUID" to "/UUID"; empty: none. */
static struct str path_of(struct str url)
{
    ptrdiff_t slash;

    if (!str_starts(url, STR("ws://")))
        return (struct str){ 0 };
    url = str_sub(url, 5, url.len);
    slash = str_index(url, '/');
    return slash < 0 ? (struct str){ 0 } : str_sub(url, (size_t)slash, url.len);
}

/* It goes into a request line as it is. */
static bool is_path(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((u8)s.ptr[i] <= ' ' || (u8)s.ptr[i] >= 0x7f)
            return false;
    return s.len > 1;
}

bool listing_parse(struct listing *out, struct str body)
{
    AUTO(json_value_freep) struct json_value *root = NULL;
    struct problem p;

    *out = (struct listing){ 0 };
    if (json_value_parse(&root, body, "", &p) < 0)
        return false;
    for (u32 i = 0; i < json_value_count(root) && out->count < LISTING_TARGETS_MAX; i++) {
        const struct json_value *v = json_value_at(root, i);
        struct listing_target *t = &out->target[out->count];
        struct str path = path_of(json_value_text(json_value_member(v, "webSocketDebuggerUrl")));

        if (!is_path(path) || path.len >= sizeof(t->path))
            continue;
        str_to_cstr(path, t->path, sizeof(t->path));
        str_to_cstr(json_value_text(json_value_member(v, "title")), t->title, sizeof(t->title));
        str_to_cstr(json_value_text(json_value_member(v, "type")), t->type, sizeof(t->type));
        out->count++;
    }
    return out->count > 0;
}

/* The body of a whole answer; false: there is more to come. */
static bool body_of(struct str answer, bool at_end, struct str *body, int *err)
{
    struct http_field fields[FIELDS_MAX];
    struct http_parser parser;
    struct http_error error;
    struct http_head head;

    http_parser_init(&parser, HTTP_RESPONSE, &limits, fields, FIELDS_MAX);
    switch (http_parse_head(&parser, answer.ptr, answer.len, &head, &error)) {
    case HTTP_MORE:
        *err = at_end ? -EPROTO : 0;
        return at_end;
    case HTTP_BAD:
        *err = -EPROTO;
        return true;
    case HTTP_DONE:
        break;
    }
    *body = str_sub(answer, head.head_bytes, answer.len);
    *err = head.status == 200 ? 0 : -EPROTO;
    if (*err || at_end)
        return true;
    return head.framing == HTTP_BODY_LENGTH && body->len >= head.content_length;
}

int listing_get(struct listing *out, const struct wait *w, const struct addr *a, u64 until_ns)
{
    AUTO(fd_closep) int fd = wait_connect(w, a, until_ns);
    AUTO(buf_done) struct buf request = { 0 };
    AUTO(buf_done) struct buf answer = { .bytes_max = LISTING_BYTES_MAX };
    char authority[ADDR_TEXT_MAX];
    struct str body = { 0 };
    ssize_t n;
    int err;

    if (fd < 0)
        return fd;
    buf_addf(&request, "GET /json/list HTTP/1.1\r\nHost: %.*s\r\nConnection: close\r\n\r\n",
             STR_ARG(addr_text(a, authority)));
    err = request.failed ? -ENOMEM : wait_send(w, fd, buf_str(&request), until_ns);
    if (err)
        return err;
    do {
        if (!buf_reserve(&answer, 4096))
            return -EPROTO;
        n = wait_read(w, fd, answer.ptr + answer.len, 4096, until_ns);
        if (n < 0)
            return n == -ECONNRESET ? -EPROTO : (int)n;
        answer.len += (size_t)n;
    } while (!body_of(buf_str(&answer), n == 0, &body, &err));
    if (err)
        return err;
    return listing_parse(out, body) ? 0 : -EPROTO;
}
