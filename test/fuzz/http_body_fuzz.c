/* test/fuzz/http_body_fuzz.c -- a body's payload is the same however its bytes come
 *
 * The first two bytes choose framing, length and limit. Whole, byte by byte and
 * cut in two places must agree; payload that was chunked, chunked again and
 * parsed again is the same payload.
 */
#include "../http_run.h"
#include "http/write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(cond)                                                     \
    do {                                                               \
        if (!(cond)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); \
            abort();                                                   \
        }                                                              \
    } while (0)

static void again(const struct body_run *r)
{
    struct buf out = { 0 };
    struct body_run s;
    char head[HTTP_CHUNK_HEAD_MAX];

    for (size_t at = 0, len; at < r->data_len; at += len) {
        len = min(r->data_len - at, at * 3 + 1);
        buf_add(&out, str_make(head, http_write_chunk_head(head, len)));
        buf_add(&out, str_make(r->data + at, len));
        buf_add(&out, STR("\r\n"));
    }
    buf_add(&out, STR(HTTP_CHUNK_LAST));
    buf_add(&out, str_make(r->trailers, r->trailers_len));
    buf_add(&out, STR("\r\n"));
    body_run(&s, HTTP_BODY_CHUNKED, 0, 0, buf_str(&out), NULL, 0);
    MUST(s.end == HTTP_BODY_END && s.used == out.len);
    MUST(s.data_len == r->data_len && memcmp(s.data, r->data, r->data_len) == 0);
    MUST(s.trailers_len == r->trailers_len &&
         memcmp(s.trailers, r->trailers, r->trailers_len) == 0);
    body_run_done(&s);
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str s = { (const char *)data + 2, size - 2 };
    struct body_run whole, pieces;
    enum http_framing framing;
    u64 length, bytes_max;
    size_t cuts[2];

    if (size < 3)
        return 0;
    framing = (enum http_framing)(data[0] & 3);
    length = data[1];
    bytes_max = data[0] & 4 ? data[1] / 2 + 1 : 0;
    body_run(&whole, framing, length, bytes_max, s, NULL, 0);
    if (s.len <= 1024) {
        body_run_bytes(&pieces, framing, length, bytes_max, s);
        MUST(body_run_same(&whole, &pieces));
        body_run_done(&pieces);
    }
    cuts[0] = (data[0] >> 3) * 0x9e37u % s.len;
    cuts[1] = cuts[0] + (s.len - cuts[0]) / 2;
    body_run(&pieces, framing, length, bytes_max, s, cuts, 2);
    MUST(body_run_same(&whole, &pieces));
    body_run_done(&pieces);
    MUST(whole.ends <= 1 && whole.bytes == whole.data_len);
    MUST(!bytes_max || whole.bytes <= bytes_max);
    MUST((whole.end == HTTP_BODY_END) == whole.done);
    if (whole.end == HTTP_BODY_END)
        again(&whole);
    body_run_done(&whole);
    return 0;
}
