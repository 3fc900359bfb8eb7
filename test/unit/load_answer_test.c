/* load_answer_test -- where answers end, however their bytes come
 *
 * Each case is fed whole, byte by byte and cut at every one place.
 */
#include "tap.h"

#include "base/buf.h"
#include "load/answer.h"

struct answer_case {
    const char *bytes;
    enum http_method method;
    enum answer_step end;
    u32 status;
    bool keep_alive;
    size_t left;      /* DONE: bytes behind it */
    bool eof_is_end;  /* MORE: the end of the connection completes it */
    const char *text; /* BAD */
};

#define OK_LINE "HTTP/1.1 200 OK\r\n"

static const struct answer_case cases[] = {
    { OK_LINE "Content-Length: 5\r\n\r\nhello", HTTP_GET, .end = ANSWER_DONE, .status = 200,
      .keep_alive = true },
    { OK_LINE "Content-Length: 5\r\n\r\nhelloHTTP", HTTP_GET, .end = ANSWER_DONE, .status = 200,
      .keep_alive = true, .left = 4 },
    { OK_LINE "Content-Length: 5\r\nConnection: close\r\n\r\nhello", HTTP_GET, .end = ANSWER_DONE,
      .status = 200 },
    { "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", HTTP_GET, .end = ANSWER_DONE, .status = 200 },
    { OK_LINE "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", HTTP_GET,
      .end = ANSWER_DONE, .status = 200, .keep_alive = true },
    { OK_LINE "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nx: y\r\n\r\n!", HTTP_GET,
      .end = ANSWER_DONE, .status = 200, .keep_alive = true, .left = 1 },
    { OK_LINE "Content-Length: 5\r\n\r\n", HTTP_HEAD, .end = ANSWER_DONE, .status = 200,
      .keep_alive = true },
    { "HTTP/1.1 204 No Content\r\n\r\n", HTTP_GET, .end = ANSWER_DONE, .status = 204,
      .keep_alive = true },
    { "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", HTTP_GET, .end = ANSWER_DONE,
      .status = 304, .keep_alive = true },
    { "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", HTTP_GET, .end = ANSWER_DONE,
      .status = 404, .keep_alive = true },
    { "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" OK_LINE
      "Content-Length: 1\r\n\r\nx",
      HTTP_GET, .end = ANSWER_DONE, .status = 200, .keep_alive = true },
    { OK_LINE "\r\nuntil the end", HTTP_GET, .end = ANSWER_MORE, .status = 200,
      .eof_is_end = true },
    { OK_LINE "Content-Length: 5\r\n\r\nhell", HTTP_GET, .end = ANSWER_MORE, .status = 200 },
    { OK_LINE "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", HTTP_GET, .end = ANSWER_MORE,
      .status = 200 },
    { OK_LINE "Content-Len", HTTP_GET, .end = ANSWER_MORE },
    { "", HTTP_GET, .end = ANSWER_MORE },
    { "SSH-2.0-OpenSSH_9.2\r\n", HTTP_GET, .end = ANSWER_BAD },
    { OK_LINE "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", HTTP_GET, .end = ANSWER_BAD },
    { "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", HTTP_GET,
      .end = ANSWER_BAD, .text = "an unasked 101 Switching Protocols" },
};

/* Feeds as a connection does: what is not used comes again with more behind it. */
static enum answer_step run(struct answer *a, const struct answer_case *c, const size_t *cuts,
                            size_t cuts_n, size_t *left)
{
    size_t len = strlen(c->bytes), from = 0, used;
    enum answer_step step = ANSWER_MORE;

    answer_init(a, c->method);
    for (size_t i = 0; i <= cuts_n && step == ANSWER_MORE; i++) {
        size_t to = i < cuts_n ? cuts[i] : len;
        char *piece = malloc(to - from + 1);

        memcpy(piece, c->bytes + from, to - from);
        step = answer_feed(a, piece, to - from, &used);
        from += used;
        free(piece);
    }
    *left = len - from;
    return step;
}

static void check(const struct answer_case *c, const size_t *cuts, size_t cuts_n, bool whole)
{
    struct answer a;
    size_t left;
    enum answer_step step = run(&a, c, cuts, cuts_n, &left);

    CHECK_EQ(step, c->end);
    if (c->end != ANSWER_BAD)
        CHECK_EQ(a.status, c->status);
    if (c->end == ANSWER_DONE) {
        CHECK_EQ(a.keep_alive, c->keep_alive);
        if (whole)
            CHECK_EQ(left, c->left);
    }
    if (c->end == ANSWER_MORE)
        CHECK_EQ(answer_eof(&a), c->eof_is_end);
    if (c->end == ANSWER_BAD)
        CHECK(a.bad_text && (!c->text || strcmp(a.bad_text, c->text) == 0));
}

static void an_answer_ends_where_its_framing_says_however_it_is_cut(void)
{
    for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
        size_t len = strlen(cases[i].bytes), cuts[256];
        int before = tap_failures;

        for (size_t k = 0; k < len; k++) {
            cuts[k] = k;
            check(&cases[i], &k, 1, true);
        }
        check(&cases[i], NULL, 0, true);
        check(&cases[i], cuts, len, false);
        if (tap_failures > before)
            printf("# in: %s\n", cases[i].bytes);
    }
}

static void endless_heads_and_interim_answers_are_refused(void)
{
    AUTO(buf_done) struct buf bytes = { 0 };
    struct answer a;
    size_t used;

    buf_add(&bytes, STR(OK_LINE));
    while (bytes.len < ANSWER_HEAD_MAX + 100)
        buf_add(&bytes,
                STR("x: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"
                    "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"
                    "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"
                    "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n"));
    answer_init(&a, HTTP_GET);
    CHECK_EQ(answer_feed(&a, bytes.ptr, bytes.len, &used), ANSWER_BAD);
    buf_clear(&bytes);
    for (u32 i = 0; i <= ANSWER_INTERIM_MAX; i++)
        buf_add(&bytes, STR("HTTP/1.1 100 Continue\r\n\r\n"));
    answer_init(&a, HTTP_GET);
    CHECK_EQ(answer_feed(&a, bytes.ptr, bytes.len, &used), ANSWER_BAD);
    CHECK_STR(str_of(a.bad_text), "too many interim responses");
}

int main(void)
{
    TEST(an_answer_ends_where_its_framing_says_however_it_is_cut);
    TEST(endless_heads_and_interim_answers_are_refused);
    return tap_done();
}
