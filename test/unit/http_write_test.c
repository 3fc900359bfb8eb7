/* http_write_test -- what is written is what the parser reads */
#include "tap.h"

#include "http/write.h"
#include "http_run.h"

static const struct http_limits limits = { 128, 1024, 16 };

static void a_simple_response_has_length_type_and_connection(void)
{
    struct buf out = { 0 };

    http_write_simple(&out, 404, STR("X-A: b\r\n"), STR("text/plain"), STR("gone\n"), true, false);
    CHECK_STR(buf_str(&out), "HTTP/1.1 404 Not Found\r\nX-A: b\r\nContent-Type: text/plain\r\n"
                             "Content-Length: 5\r\nConnection: keep-alive\r\n\r\ngone\n");
    buf_clear(&out);
    http_write_simple(&out, 400, STR(""), STR(""), STR(""), false, false);
    CHECK_STR(buf_str(&out),
              "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    buf_done(&out);
}

static void an_answer_to_head_has_the_length_and_no_body(void)
{
    struct buf out = { 0 };

    http_write_simple(&out, 200, STR(""), STR("a/b"), STR("hello"), true, true);
    CHECK_STR(buf_str(&out), "HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Length: 5\r\n"
                             "Connection: keep-alive\r\n\r\n");
    buf_done(&out);
}

static void some_statuses_have_neither_body_nor_length(void)
{
    struct buf out = { 0 };

    http_write_simple(&out, 204, STR(""), STR("a/b"), STR("x"), false, false);
    CHECK_STR(buf_str(&out), "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
    buf_clear(&out);
    http_write_simple(&out, 100, STR(""), STR(""), STR(""), true, false);
    CHECK_STR(buf_str(&out), "HTTP/1.1 100 Continue\r\n\r\n");
    buf_done(&out);
}

static void a_status_line_has_the_given_reason_or_the_usual_one(void)
{
    struct buf out = { 0 };

    http_write_status(&out, 200, STR("Fine"));
    http_write_status(&out, 299, STR(""));
    CHECK_STR(buf_str(&out), "HTTP/1.1 200 Fine\r\nHTTP/1.1 299 Unknown\r\n");
    CHECK_STR(http_status_reason(413), "Content Too Large");
    CHECK_STR(http_status_reason(0), "Unknown");
    buf_done(&out);
}

static void fields_are_written_without_the_dropped_ones(void)
{
    struct str s = STR("GET / HTTP/1.1\r\nHost:a\r\nConnection: close, X-B\r\nX-A:  1 \t\r\n"
                       "X-B: 2\r\nX-C:\r\n\r\n");
    static struct head_run r;
    struct buf out = { 0 };

    head_run(&r, HTTP_REQUEST, &limits, s, NULL, 0);
    CHECK_EQ(r.step, HTTP_DONE);
    http_write_fields(&out, s.ptr, &r.head);
    CHECK_STR(buf_str(&out), "Host: a\r\nX-A: 1\r\nX-C: \r\n");
    buf_done(&out);
}

static void a_full_buffer_says_so(void)
{
    struct str s = STR("GET / HTTP/1.1\r\nHost:a\r\n\r\n");
    static struct head_run r;
    struct buf out = { .bytes_max = 4 };

    head_run(&r, HTTP_REQUEST, &limits, s, NULL, 0);
    http_write_fields(&out, s.ptr, &r.head);
    CHECK(out.failed);
    CHECK_EQ(out.len, 0);
    buf_done(&out);
}

static void chunk_heads_are_read_back(void)
{
    static const u64 sizes[] = { 0, 1, 9, 10, 15, 16, 255, 256, 4095, 4096, 65536, INT64_MAX };
    char head[HTTP_CHUNK_HEAD_MAX + 1];

    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        u64 size = 0;
        size_t len = http_write_chunk_head(head, sizes[i]);

        CHECK(len <= HTTP_CHUNK_HEAD_MAX);
        CHECK(str_hex_to_u64(str_make(head, len - 2), &size));
        CHECK_EQ(size, sizes[i]);
        CHECK_STR(str_make(head + len - 2, 2), "\r\n");
    }
    CHECK_EQ(http_write_chunk_head(head, UINT64_MAX), HTTP_CHUNK_HEAD_MAX);
    CHECK_EQ(http_write_chunk_head(head, 0x1f4), 5);
    CHECK_STR(str_make(head, 5), "1f4\r\n");
}

int main(void)
{
    TEST(a_simple_response_has_length_type_and_connection);
    TEST(an_answer_to_head_has_the_length_and_no_body);
    TEST(some_statuses_have_neither_body_nor_length);
    TEST(a_status_line_has_the_given_reason_or_the_usual_one);
    TEST(fields_are_written_without_the_dropped_ones);
    TEST(a_full_buffer_says_so);
    TEST(chunk_heads_are_read_back);
    return tap_done();
}
