/* http/write.h -- heads and whole small responses, as bytes
 *
 * The writers trust what they are given: names and values come from the parser
 * or are literals. A buffer that could not grow says so in its `failed`.
 */
#pragma once

#include "base/buf.h"
#include "http/head.h"

/* "HTTP/1.1 404 Not Found\r\n"; an empty reason gives the usual one. */
void http_write_status(struct buf *out, u32 status, struct str reason);
/* "Name: value\r\n" */
void http_write_field(struct buf *out, struct str name, struct str value);
void http_write_field_u64(struct buf *out, struct str name, u64 value);
/* Every field without `drop`, in order, as "Name: value\r\n"; `bytes` are the head's. */
void http_write_fields(struct buf *out, const char *bytes, const struct http_head *head);

/* What goes before a chunk's data: "1f4\r\n". Its end is "\r\n"; the last chunk is HTTP_CHUNK_LAST,
 * then trailer lines, then "\r\n". Returns the bytes written. */
enum { HTTP_CHUNK_HEAD_MAX = 18 };
size_t http_write_chunk_head(char out[HTTP_CHUNK_HEAD_MAX], u64 len);
#define HTTP_CHUNK_LAST "0\r\n"

/* A whole response with Content-Length and Connection. extra: field lines, each with its CRLF, or
 * empty. content_type: empty for none. head_only: the answer to HEAD, the same head without the
 * body. 1xx, 204 and 304 get neither body nor Content-Length. */
void http_write_simple(struct buf *out, u32 status, struct str extra, struct str content_type,
                       struct str body, bool keep_alive, bool head_only);
