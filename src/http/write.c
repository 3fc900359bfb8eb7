/* http/write.c -- heads and whole small responses, as bytes */
#include "http/write.h"

#include "http/status.h"

static char *put(char *to, struct str s)
{
    memcpy(to, s.ptr, s.len);
    return to + s.len;
}

void http_write_status(struct buf *out, u32 status, struct str reason)
{
    buf_add(out, STR("HTTP/1.1 "));
    buf_addu(out, status);
    buf_addc(out, ' ');
    buf_add(out, reason.len ? reason : http_status_reason(status));
    buf_add(out, STR("\r\n"));
}

void http_write_field(struct buf *out, struct str name, struct str value)
{
    buf_add(out, name);
    buf_add(out, STR(": "));
    buf_add(out, value);
    buf_add(out, STR("\r\n"));
}

void http_write_field_u64(struct buf *out, struct str name, u64 value)
{
    buf_add(out, name);
    buf_add(out, STR(": "));
    buf_addu(out, value);
    buf_add(out, STR("\r\n"));
}

void http_write_fields(struct buf *out, const char *bytes, const struct http_head *head)
{
    /* A field can grow by its one space. */
    size_t most = (size_t)head->head_bytes + head->fields_n;
    char *to;

    if (!buf_reserve(out, most))
        return;
    to = out->ptr + out->len;
    for (u32 i = 0; i < head->fields_n; i++) {
        const struct http_field *f = &head->fields[i];

        if (f->drop)
            continue;
        to = put(to, http_text(bytes, f->name));
        to = put(to, STR(": "));
        to = put(to, http_text(bytes, f->value));
        to = put(to, STR("\r\n"));
    }
    out->len = (size_t)(to - out->ptr);
}

size_t http_write_chunk_head(char out[HTTP_CHUNK_HEAD_MAX], u64 len)
{
    size_t digits = len ? (67 - (size_t)__builtin_clzll(len)) / 4 : 1;

    for (size_t i = digits; i-- > 0; len >>= 4)
        out[i] = "0123456789abcdef"[len & 15];
    out[digits] = '\r';
    out[digits + 1] = '\n';
    return digits + 2;
}

void http_write_simple(struct buf *out, u32 status, struct str extra, struct str content_type,
                       struct str body, bool keep_alive, bool head_only)
{
    bool bodiless = status < 200 || status == 204 || status == 304;

    http_write_status(out, status, STR(""));
    buf_add(out, extra);
    if (!bodiless) {
        if (content_type.len)
            http_write_field(out, STR("Content-Type"), content_type);
        http_write_field_u64(out, STR("Content-Length"), body.len);
    }
    if (status >= 200)
        http_write_field(out, STR("Connection"), keep_alive ? STR("keep-alive") : STR("close"));
    buf_add(out, STR("\r\n"));
    if (!bodiless && !head_only)
        buf_add(out, body);
}
