/* http_body_test -- payload out of every framing, and what is no framing
 *
 * Each case is fed whole, byte by byte and cut at every one and two places.
 */
#include "tap.h"

#include "http_run.h"

struct body_case {
    const char *name;
    struct str bytes;
    enum http_framing framing;
    u64 length;
    u64 bytes_max;
    enum http_body_step end; /* END, MORE, or BAD */
    const char *data;        /* BAD: the payload before the mistake, whole or in part */
    const char *trailers;
    size_t left;      /* END: bytes behind the body */
    u32 status;       /* BAD */
    const char *text; /* BAD */
};

#define CHUNKED .framing = HTTP_BODY_CHUNKED
#define GOOD CHUNKED, .end = HTTP_BODY_END
#define OPEN CHUNKED, .end = HTTP_BODY_MORE
#define BAD(why) CHUNKED, .end = HTTP_BODY_BAD, .status = 400, .text = why
#define X64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const struct body_case cases[] = {
    { "no body ends at once", STR(""), .end = HTTP_BODY_END, .data = "" },
    { "no body leaves the next message", STR("GET"), .end = HTTP_BODY_END, .data = "", .left = 3 },
    { "a length of 0 ends at once", STR(""), HTTP_BODY_LENGTH, .end = HTTP_BODY_END, .data = "" },
    { "a length counts bytes", STR("helloGET"), HTTP_BODY_LENGTH, 5, .end = HTTP_BODY_END,
      .data = "hello", .left = 3 },
    { "a length that is not there yet is waited for", STR("hell"), HTTP_BODY_LENGTH, 5,
      .end = HTTP_BODY_MORE, .data = "hell" },
    { "a length at its limit is taken", STR("hello"), HTTP_BODY_LENGTH, 5, 5, HTTP_BODY_END,
      .data = "hello" },
    { "a length above its limit is refused before its first byte", STR(""), HTTP_BODY_LENGTH, 6, 5,
      HTTP_BODY_BAD, .data = "", .status = 413, .text = "above the limit" },
    { "a body until the end goes on", STR("hello"), HTTP_BODY_CLOSE, .end = HTTP_BODY_MORE,
      .data = "hello" },
    { "a body until the end is stopped at its limit", STR("hello!"), HTTP_BODY_CLOSE, 0, 5,
      HTTP_BODY_BAD, .data = "hello", .status = 413, .text = "above the limit" },
    { "a body until the end may have its limit", STR("hello"), HTTP_BODY_CLOSE, 0, 5,
      HTTP_BODY_MORE, .data = "hello" },

    { "a chunk is unpacked", STR("5\r\nhello\r\n0\r\n\r\nGET"), GOOD, .data = "hello", .left = 3 },
    { "chunks are joined", STR("1\r\na\r\n2\r\nbc\r\nA\r\n0123456789\r\n0\r\n\r\n"), GOOD,
      .data = "abc0123456789" },
    { "no chunk is a body too", STR("0\r\n\r\n"), GOOD, .data = "" },
    { "sizes are hexadecimal in either case",
      STR("0a\r\n0123456789\r\nA\r\n0123456789\r\n1e\r\nabcdefghijklmnopqrstuvwxyzabcd\r\n0\r\n\r"
          "\n"),
      GOOD, .data = "01234567890123456789abcdefghijklmnopqrstuvwxyzabcd" },
    { "sizes may have 16 digits", STR("0000000000000001\r\na\r\n0000000000000000\r\n\r\n"), GOOD,
      .data = "a" },
    { "chunk data may look like framing", STR("7\r\n0\r\n\r\nGE\r\n0\r\n\r\n"), GOOD,
      .data = "0\r\n\r\nGE" },
    { "extensions are dropped",
      STR("5;a\r\nhello\r\n1;a=b;c=\"d \\\" ;\te\xff\\\x80\";f;g=\"\"\r\n!\r\n0;z=1\r\n\r\n"), GOOD,
      .data = "hello!" },
    { "chunks at their limit are taken", STR("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"), GOOD,
      .bytes_max = 5, .data = "abcde" },
    { "a chunk above the limit is refused at its size", STR("3\r\nabc\r\n3\r\n"), CHUNKED,
      .bytes_max = 5, .end = HTTP_BODY_BAD, .data = "abc", .status = 413,
      .text = "above the limit" },
    { "a huge chunk does not wrap the limit around", STR("3\r\nabc\r\n7fffffffffffffff\r\n"),
      CHUNKED, .bytes_max = 5, .end = HTTP_BODY_BAD, .data = "abc", .status = 413,
      .text = "above the limit" },
    { "huge chunks do not wrap the count around", STR("3\r\nabc\r\n7fffffffffffffff\r\n"), CHUNKED,
      .end = HTTP_BODY_BAD, .data = "abc", .status = 413, .text = "above the limit" },
    { "a size without its end is waited for", STR("5"), OPEN, .data = "" },
    { "a size without its line feed is waited for", STR("5\r"), OPEN, .data = "" },
    { "a chunk without its end is waited for", STR("5\r\nhello\r"), OPEN, .data = "hello" },
    { "a last chunk without the empty line is waited for", STR("0\r\n\r"), OPEN, .data = "" },
    { "a trailer without the empty line is waited for", STR("0\r\nA: b\r\n\r"), OPEN, .data = "" },

    { "a chunk without a size is refused", STR("\r\n"), BAD("hexadecimal"), .data = "" },
    { "a chunk of size nothing with an extension is refused", STR(";a\r\n"), BAD("hexadecimal"),
      .data = "" },
    { "a negative chunk size is refused", STR("-1\r\n"), BAD("hexadecimal"), .data = "" },
    { "a chunk size with a plus is refused", STR("+5\r\nhello\r\n"), BAD("hexadecimal"),
      .data = "" },
    { "a chunk size with 0x is refused", STR("0x5\r\nhello\r\n"), BAD("behind a chunk size"),
      .data = "" },
    { "a chunk size with a space before it is refused", STR(" 5\r\nhello\r\n"), BAD("hexadecimal"),
      .data = "" },
    { "a chunk size with a space behind it is refused", STR("5 \r\nhello\r\n"),
      BAD("behind a chunk size"), .data = "" },
    { "a chunk size with a tab behind it is refused", STR("5\t\r\nhello\r\n"),
      BAD("behind a chunk size"), .data = "" },
    { "a space before an extension is refused", STR("5 ;a\r\nhello\r\n"),
      BAD("behind a chunk size"), .data = "" },
    { "a chunk size with an underscore is refused", STR("1_0\r\n"), BAD("behind a chunk size"),
      .data = "" },
    { "a chunk size with a comma is refused", STR("5,5\r\n"), BAD("behind a chunk size"),
      .data = "" },
    { "a chunk size with a letter behind f is refused", STR("5g\r\n"), BAD("behind a chunk size"),
      .data = "" },
    { "a chunk size with a NUL is refused", STR("5\0\r\n"), BAD("behind a chunk size"),
      .data = "" },
    { "a chunk size of 17 digits is refused", STR("00000000000000005"), BAD("out of bounds"),
      .data = "" },
    { "a chunk size of 2 to the 63 is refused", STR("8000000000000000"), BAD("out of bounds"),
      .data = "" },
    { "a chunk size of 2 to the 64 is refused", STR("10000000000000000"), BAD("out of bounds"),
      .data = "" },
    { "a chunk size that wraps around to 5 is refused", STR("10000000000000005"),
      BAD("out of bounds"), .data = "" },
    { "a bare line feed behind a size is refused", STR("5\nhello\r\n"), BAD("behind a chunk size"),
      .data = "" },
    { "a bare carriage return behind a size is refused", STR("5\rhello\r\n"),
      BAD("without a line feed"), .data = "" },
    { "two carriage returns behind a size are refused", STR("5\r\r\n"), BAD("without a line feed"),
      .data = "" },
    { "chunk data longer than its size is refused", STR("5\r\nhello!\r\n"), BAD("where its size"),
      .data = "hello" },
    { "chunk data shorter than its size is refused", STR("6\r\nhello\r\n0\r\n\r\n"),
      BAD("where its size"), .data = "hello\r" },
    { "a bare line feed behind chunk data is refused", STR("5\r\nhello\n0\r\n\r\n"),
      BAD("where its size"), .data = "hello" },
    { "a bare carriage return behind chunk data is refused", STR("5\r\nhello\r0\r\n\r\n"),
      BAD("where its size"), .data = "hello" },
    { "chunk data without CRLF is refused", STR("5\r\nhello0\r\n\r\n"), BAD("where its size"),
      .data = "hello" },
    { "a bare line feed behind the last chunk is refused", STR("0\n\n"), BAD("behind a chunk size"),
      .data = "" },
    { "a bare line feed for the empty line is refused", STR("0\r\n\n"), BAD("trailer name"),
      .data = "" },
    { "an extension without a name is refused", STR("5;\r\n"), BAD("extension"), .data = "" },
    { "an extension without a value is refused", STR("5;a=\r\n"), BAD("extension"), .data = "" },
    { "an extension with spaces is refused", STR("5; a\r\n"), BAD("extension"), .data = "" },
    { "an extension with a space before its value is refused", STR("5;a= b\r\n"), BAD("extension"),
      .data = "" },
    { "a bare line feed in an extension is refused", STR("5;a\nx\r\n"), BAD("behind a chunk size"),
      .data = "" },
    { "a line feed in a quoted extension is refused", STR("5;a=\"\n\"\r\n"), BAD("control"),
      .data = "" },
    { "a carriage return in a quoted extension is refused", STR("5;a=\"\r\n\"\r\n"), BAD("control"),
      .data = "" },
    { "an escaped line feed in an extension is refused", STR("5;a=\"\\\n\"\r\n"), BAD("control"),
      .data = "" },
    { "a NUL in an extension is refused", STR("5;a\0\r\n"), BAD("behind a chunk size"),
      .data = "" },
    { "text behind a quoted extension is refused", STR("5;a=\"b\"c\r\n"),
      BAD("behind a chunk size"), .data = "" },
    { "an extension without an end is refused at 256 bytes", STR("5;" X64 X64 X64 X64),
      BAD("too long"), .data = "" },
    { "a quoted extension without an end is refused at 256 bytes", STR("5;a=\"" X64 X64 X64 X64),
      BAD("too long"), .data = "" },

    { "trailers come before the end", STR("1\r\na\r\n0\r\nX-Sum: 1\r\nServer-Timing:\r\n\r\nGET"),
      GOOD, .data = "a", .trailers = "X-Sum: 1\r\nServer-Timing:\r\n", .left = 3 },
    { "trailers may have latin1 values", STR("0\r\nA: caf\xe9\t!\r\n\r\n"), GOOD, .data = "",
      .trailers = "A: caf\xe9\t!\r\n" },
    { "Content-Length as a trailer is refused", STR("0\r\nContent-Length: 5\r\n\r\n"),
      BAD("may not be a trailer"), .data = "" },
    { "Transfer-Encoding as a trailer is refused",
      STR("0\r\nA: b\r\ntransfer-encoding: chunked\r\n\r\n"), BAD("may not be a trailer"),
      .data = "" },
    { "Host as a trailer is refused", STR("0\r\nHOST: b\r\n\r\n"), BAD("may not be a trailer"),
      .data = "" },
    { "Authorization as a trailer is refused", STR("0\r\nAuthorization: b\r\n\r\n"),
      BAD("may not be a trailer"), .data = "" },
    { "Cookie as a trailer is refused", STR("0\r\nCookie: b\r\n\r\n"), BAD("may not be a trailer"),
      .data = "" },
    { "Set-Cookie as a trailer is refused", STR("0\r\nSet-Cookie: b\r\n\r\n"),
      BAD("may not be a trailer"), .data = "" },
    { "Connection as a trailer is refused", STR("0\r\nConnection: b\r\n\r\n"),
      BAD("may not be a trailer"), .data = "" },
    { "X-Forwarded-For as a trailer is refused", STR("0\r\nX-Forwarded-For: b\r\n\r\n"),
      BAD("may not be a trailer"), .data = "" },
    { "a field of fettle's own as a trailer is refused", STR("0\r\nfettle-peer: b\r\n\r\n"),
      BAD("may not be a trailer"), .data = "" },
    { "a folded trailer is refused", STR("0\r\nA: b\r\n c\r\n\r\n"), BAD("trailer name"),
      .data = "" },
    { "a space before a trailer's colon is refused", STR("0\r\nA : b\r\n\r\n"), BAD("trailer name"),
      .data = "" },
    { "a trailer without a name is refused", STR("0\r\n: b\r\n\r\n"), BAD("trailer name"),
      .data = "" },
    { "a trailer without a colon is refused", STR("0\r\nGET / HTTP/1.1\r\n\r\n"),
      BAD("trailer name"), .data = "" },
    { "a bare line feed in a trailer is refused", STR("0\r\nA: b\nC: d\r\n\r\n"), BAD("control"),
      .data = "" },
    { "a bare carriage return in a trailer is refused", STR("0\r\nA: b\rC: d\r\n\r\n"),
      BAD("without a line feed"), .data = "" },
    { "a NUL in a trailer is refused", STR("0\r\nA: \0\r\n\r\n"), BAD("control"), .data = "" },
    { "a carriage return alone ends no trailers", STR("0\r\nA: b\r\n\rG"),
      BAD("without a line feed"), .data = "" },
};

static const struct body_case *now;

static void same_check(const struct body_run *whole, const size_t *cuts, size_t cuts_n)
{
    struct body_run r;

    if (cuts)
        body_run(&r, now->framing, now->length, now->bytes_max, now->bytes, cuts, cuts_n);
    else
        body_run_bytes(&r, now->framing, now->length, now->bytes_max, now->bytes);
    CHECK(body_run_same(whole, &r));
    body_run_done(&r);
}

static void case_check(void)
{
    const char *trailers = now->trailers ? now->trailers : "";
    struct body_run r;
    size_t cuts[2], len = now->bytes.len;

    body_run(&r, now->framing, now->length, now->bytes_max, now->bytes, NULL, 0);
    CHECK_EQ(r.end, now->end);
    CHECK_STR(str_make(r.data, r.data_len), now->data);
    CHECK_STR(str_make(r.trailers, r.trailers_len), trailers);
    CHECK_EQ(r.bytes, r.data_len);
    CHECK_EQ(r.ends, now->end == HTTP_BODY_END);
    CHECK_EQ(r.done, now->end == HTTP_BODY_END);
    CHECK_EQ(r.eof_good, now->end == HTTP_BODY_END ||
                             (now->end == HTTP_BODY_MORE && now->framing == HTTP_BODY_CLOSE));
    if (r.end == HTTP_BODY_END)
        CHECK_EQ(len - r.used, now->left);
    if (r.end == HTTP_BODY_BAD) {
        CHECK_EQ(r.error.status, now->status);
        if (!strstr(r.error.text, now->text))
            printf("# the text is \"%s\"\n", r.error.text);
        CHECK(strstr(r.error.text, now->text));
        CHECK(r.error.at <= len);
    }
    same_check(&r, NULL, 0);
    for (cuts[0] = 0; cuts[0] <= len; cuts[0]++) {
        same_check(&r, cuts, 1);
        for (cuts[1] = cuts[0]; len <= 100 && cuts[1] <= len; cuts[1]++)
            same_check(&r, cuts, 2);
    }
    body_run_done(&r);
}

static void end_is_said_once_and_bad_for_ever(void)
{
    struct http_body b;
    struct http_error error = { 0 };
    struct str data;
    size_t used;

    http_body_init(&b, HTTP_BODY_LENGTH, 2, 0);
    CHECK_EQ(http_body_feed(&b, "abc", 3, &used, &data, &error), HTTP_BODY_DATA);
    CHECK_EQ(used, 2);
    CHECK(http_body_done(&b));
    CHECK_EQ(http_body_feed(&b, "c", 1, &used, &data, &error), HTTP_BODY_END);
    CHECK_EQ(used, 0);
    CHECK_EQ(http_body_feed(&b, "c", 1, &used, &data, &error), HTTP_BODY_MORE);
    CHECK_EQ(used, 0);
    http_body_init(&b, HTTP_BODY_CHUNKED, 0, 0);
    CHECK_EQ(http_body_feed(&b, "1\r\na", 4, &used, &data, &error), HTTP_BODY_DATA);
    CHECK_EQ(http_body_feed(&b, "\rx", 2, &used, &data, &error), HTTP_BODY_BAD);
    CHECK_EQ(error.at, 5);
    error.text = NULL;
    CHECK_EQ(http_body_feed(&b, "\r\n", 2, &used, &data, &error), HTTP_BODY_BAD);
    CHECK(error.text && error.at == 5 && !http_body_eof(&b));
}

static void a_partial_size_line_is_left_unused(void)
{
    struct http_body b;
    struct http_error error;
    struct str data;
    size_t used;

    http_body_init(&b, HTTP_BODY_CHUNKED, 0, 0);
    CHECK_EQ(http_body_feed(&b, "1\r\na\r\n12;a", 10, &used, &data, &error), HTTP_BODY_DATA);
    CHECK_EQ(used, 4);
    CHECK_EQ(http_body_feed(&b, "\r\n12;a", 6, &used, &data, &error), HTTP_BODY_MORE);
    CHECK_EQ(used, 2);
    CHECK_EQ(http_body_feed(&b, "12;a", 4, &used, &data, &error), HTTP_BODY_MORE);
    CHECK_EQ(used, 0);
}

/* Feeds `lines` times `line` behind a last chunk; returns the step that ends it. */
static enum http_body_step trailers_feed(const char *line, u32 lines, struct http_error *error)
{
    struct http_body b;
    struct str data;
    size_t used, len = 3, line_len = strlen(line);
    char *bytes = malloc(3 + line_len * lines + 2);
    enum http_body_step step;

    memcpy(bytes, "0\r\n", 3);
    for (u32 i = 0; i < lines; i++, len += line_len)
        memcpy(bytes + len, line, line_len);
    memcpy(bytes + len, "\r\n", 2);
    len += 2;
    http_body_init(&b, HTTP_BODY_CHUNKED, 0, 0);
    step = http_body_feed(&b, bytes, len, &used, &data, error);
    free(bytes);
    return step;
}

static void trailers_are_limited_in_bytes_and_lines(void)
{
    struct http_error error;
    char line[8192];

    CHECK_EQ(trailers_feed("A: b\r\n", 64, &error), HTTP_BODY_TRAILERS);
    CHECK_EQ(trailers_feed("A: b\r\n", 65, &error), HTTP_BODY_BAD);
    CHECK_EQ(error.status, 431);
    memset(line, 'x', sizeof(line));
    memcpy(line, "A:", 2);
    memcpy(line + 8188, "\r\n", 3);
    CHECK_EQ(trailers_feed(line, 1, &error), HTTP_BODY_TRAILERS);
    memcpy(line + 8188, "x\r\n", 4);
    CHECK_EQ(trailers_feed(line, 1, &error), HTTP_BODY_BAD);
    CHECK_EQ(error.status, 431);
}

static void extensions_are_limited_over_the_whole_body(void)
{
    static const char chunk[] = "1;" X64 X64 X64 "\r\na\r\n";
    struct http_body b;
    struct http_error error;
    struct str data;
    size_t used;
    u32 chunks = 0;
    enum http_body_step step;

    http_body_init(&b, HTTP_BODY_CHUNKED, 0, 0);
    for (;; chunks++) {
        step = http_body_feed(&b, chunk, sizeof(chunk) - 3, &used, &data, &error);
        if (step != HTTP_BODY_DATA)
            break;
        CHECK_EQ(http_body_feed(&b, "\r\n", 2, &used, &data, &error), HTTP_BODY_MORE);
    }
    CHECK_EQ(step, HTTP_BODY_BAD);
    CHECK_EQ(error.status, 400);
    CHECK_EQ(chunks, HTTP_BODY_EXTENSIONS_MAX / 193);
}

static void what_is_opaque_may_go_another_way(void)
{
    struct str data = { 0 };
    struct http_error error;
    struct http_body b;
    size_t used;

    http_body_init(&b, HTTP_BODY_LENGTH, 10, 0);
    CHECK_EQ(http_body_opaque(&b), 10);
    CHECK_EQ(http_body_feed(&b, "abc", 3, &used, &data, &error), HTTP_BODY_DATA);
    CHECK_EQ(http_body_opaque(&b), 7);
    http_body_skip(&b, 6);
    CHECK(!http_body_done(&b) && http_body_opaque(&b) == 1);
    http_body_skip(&b, 1);
    CHECK_EQ(http_body_bytes(&b), 10);
    CHECK_EQ(http_body_feed(&b, "", 0, &used, &data, &error), HTTP_BODY_END);
    CHECK_EQ(http_body_opaque(&b), 0);

    http_body_init(&b, HTTP_BODY_CHUNKED, 0, 0);
    CHECK_EQ(http_body_opaque(&b), 0);
    CHECK_EQ(http_body_feed(&b, "5\r\n", 3, &used, &data, &error), HTTP_BODY_MORE);
    CHECK_EQ(http_body_opaque(&b), 5);
    http_body_skip(&b, 5); /* the chunk's end is for us to check */
    CHECK_EQ(http_body_opaque(&b), 0);
    CHECK_EQ(http_body_feed(&b, "x", 1, &used, &data, &error), HTTP_BODY_BAD);
    CHECK_EQ(error.at, 8);

    http_body_init(&b, HTTP_BODY_CLOSE, 0, 0);
    CHECK_EQ(http_body_opaque(&b), 0);
    http_body_init(&b, HTTP_BODY_NONE, 0, 0);
    CHECK_EQ(http_body_opaque(&b), 0);
}

static void a_body_of_gigabytes_is_counted(void)
{
    static char block[1 << 16];
    struct http_body b;
    struct http_error error;
    struct str data;
    size_t used;

    http_body_init(&b, HTTP_BODY_LENGTH, 1ull << 33, 0);
    for (u64 i = 0; i < 1ull << 17; i++)
        if (http_body_feed(&b, block, sizeof(block), &used, &data, &error) != HTTP_BODY_DATA)
            break;
    CHECK_EQ(http_body_bytes(&b), 1ull << 33);
    CHECK(http_body_done(&b));
}

int main(void)
{
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        now = &cases[i];
        tap_run(case_check, now->name);
    }
    TEST(end_is_said_once_and_bad_for_ever);
    TEST(a_partial_size_line_is_left_unused);
    TEST(trailers_are_limited_in_bytes_and_lines);
    TEST(extensions_are_limited_over_the_whole_body);
    TEST(what_is_opaque_may_go_another_way);
    TEST(a_body_of_gigabytes_is_counted);
    return tap_done();
}
