/* test/unit/cache_storedhead_test.c -- heads as they are stored, Vary, and keys */
#include "cache/storedhead.h"

#include "cache/cachekey.h"
#include "conf/cachewords.h"

#include "tap.h"

#define NOW_S 784111777ull

static const struct digest_keys keys = { { 1, 2 }, { 3, 4 } };

/* A parsed head; good until the next but one. */
static struct http_head parse(const char *text, enum http_role role)
{
    static struct http_field fields[2][32];
    static u32 turn;
    struct http_limits limits = { 4096, 8192, 32 };
    struct http_parser p;
    struct http_head head = { 0 };
    struct http_error error;

    http_parser_init(&p, role, &limits, fields[turn++ % 2], 32);
    CHECK_EQ(http_parse_head(&p, text, strlen(text), &head, &error), HTTP_DONE);
    return head;
}

static char made_bytes[4096], merged_bytes[4096];

static struct storedhead made_of(const char *text)
{
    struct http_head head = parse(text, HTTP_RESPONSE);
    struct storedhead h = { .bytes = made_bytes, .room = sizeof(made_bytes) };

    CHECK(storedhead_make(&h, text, &head, NOW_S));
    return h;
}

static struct str part(const struct storedhead *h, struct store_span span)
{
    return str_make(h->bytes + span.at, span.len);
}

static void a_head_is_stored_as_it_will_be_sent(void)
{
    struct storedhead h =
        made_of("HTTP/1.1 200 Fine\r\nContent-Type: a/b\r\nConnection: close, x-hop\r\n"
                "X-Hop: 1\r\nAge: 7\r\nContent-Length: 3\r\nETag:\"v\"\r\n"
                "Surrogate-Key: red  blue\r\nCache-Tag: green,red\r\n\r\n");

    CHECK_STR(storedhead_text(&h), "HTTP/1.1 200 Fine\r\nContent-Type: a/b\r\nETag: \"v\"\r\n"
                                   "date: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
    CHECK_STR(part(&h, h.etag), "\"v\"");
    CHECK_STR(part(&h, h.date), "Sun, 06 Nov 1994 08:49:37 GMT");
    CHECK_EQ(h.last_modified.len, 0);
    CHECK_EQ(h.line_bytes, 19);
    CHECK_STR(str_make(h.tags, h.tags_len), "red blue green red");
}

static void a_304_says_anew_what_it_says(void) /* RFC 9111 3.2 */
{
    struct storedhead h =
        made_of("HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 07:49:37 GMT\r\nX-A: 1\r\n"
                "X-B: 2\r\nContent-Type: a/b\r\nCache-Control: max-age=1\r\n\r\n");
    const char *news =
        "HTTP/1.1 304 Not Modified\r\nCache-Control: max-age=9\r\nx-b: 3\r\nX-B: 4\r\n"
        "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: c/d\r\n"
        "Content-Length: 9\r\nConnection: keep-alive\r\n\r\n";
    struct http_head head = parse(news, HTTP_RESPONSE);
    struct storedhead m = { .bytes = merged_bytes, .room = sizeof(merged_bytes) };

    CHECK(storedhead_merge(&m, storedhead_text(&h), news, &head, NOW_S));
    CHECK_STR(storedhead_text(&m),
              "HTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Type: a/b\r\nCache-Control: max-age=9\r\n"
              "x-b: 3\r\nX-B: 4\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
}

static void a_304_to_a_client_describes_no_content(void) /* RFC 9110 15.4.5 */
{
    struct storedhead h = made_of("HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 07:49:37 GMT\r\n"
                                  "Content-Type: a/b\r\nContent-Encoding: gzip\r\nVary: x\r\n"
                                  "ETag: \"v\"\r\n\r\n");
    struct storedhead n = { .bytes = merged_bytes, .room = sizeof(merged_bytes) };

    CHECK(storedhead_not_modified(&n, storedhead_text(&h)));
    CHECK_STR(storedhead_text(&n), "HTTP/1.1 304 Not Modified\r\nDate: Sun, 06 Nov 1994 07:49:37 "
                                   "GMT\r\nVary: x\r\nETag: \"v\"\r\n");
}

static void what_does_not_fit_is_said_to(void)
{
    const char *text = "HTTP/1.1 200 OK\r\nX-Long: 0123456789\r\n\r\n";
    struct http_head head = parse(text, HTTP_RESPONSE);

    for (u32 room = 0; room < 70; room++) {
        struct storedhead h = { .bytes = made_bytes, .room = room };

        CHECK(!storedhead_make(&h, text, &head, NOW_S));
        CHECK(h.len <= room);
    }
}

static void a_head_tells_what_it_says_of_caches(void)
{
    struct storedhead h = made_of("HTTP/1.1 200 OK\r\nCache-Control: max-age=5\r\n"
                                  "cache-control: private\r\nExpires: 0\r\nExpires: 1\r\n"
                                  "Vary: A-b, c\r\nvary: D\r\n\r\n");
    struct freshness_source from = { .wall_s = NOW_S };
    struct vary vary = { 0 };

    CHECK(storedhead_facts(&h, &from, &vary));
    CHECK_STR(str_make(vary.text, vary.len), "a-b,c,d");
    CHECK_EQ(from.cc.bits, CACHECONTROL_MAX_AGE | CACHECONTROL_PRIVATE);
    CHECK(from.expires_twice);
}

static void vary_names_are_a_list_of_names(void)
{
    static const char *const bad[] = { "*", "a, *", "a b", "a;b", "\"a\"" };

    for (u32 i = 0; i < ARRAY_LEN(bad); i++)
        CHECK(!vary_add(&(struct vary){ 0 }, str_of(bad[i])));
    CHECK(vary_add(&(struct vary){ 0 }, STR("a,,b, ")));
    struct vary many = { 0 };
    for (u32 i = 0; i < VARY_NAMES_MAX; i++)
        CHECK(vary_add(&many, STR("x")));
    CHECK(!vary_add(&many, STR("x")));
}

static bool same(const char *names, const char *a, const char *b)
{
    struct http_head ha = parse(a, HTTP_REQUEST), hb = parse(b, HTTP_REQUEST);

    return digest_eq(vary_digest(str_of(names), &keys, a, &ha),
                     vary_digest(str_of(names), &keys, b, &hb));
}

#define REQUEST(fields) "GET / HTTP/1.1\r\nHost: h\r\n" fields "\r\n"

static void requests_are_told_apart_by_what_Vary_names(void) /* RFC 9111 4.1 */
{
    CHECK(same("a", REQUEST("A: 1\r\nB: 1\r\n"), REQUEST("B: 2\r\nA: 1\r\n")));
    CHECK(!same("a", REQUEST("A: 1\r\n"), REQUEST("A: 2\r\n")));
    CHECK(!same("a", REQUEST("A: 1\r\n"), REQUEST("")));
    CHECK(!same("a", REQUEST("A:\r\n"), REQUEST("")));
    CHECK(same("a", REQUEST("A: 1, 2\r\n"), REQUEST("A: 1\r\nA: 2\r\n")));
    CHECK(same("a", REQUEST("A: 1,2\r\n"), REQUEST("A: 1 ,  2\r\n")));
    CHECK(!same("a,b", REQUEST("A: 1\r\nB: 2\r\n"), REQUEST("A: 2\r\nB: 1\r\n")));
    CHECK(!same("a,b", REQUEST("A: 1\r\n"), REQUEST("B: 1\r\n")));
    CHECK(!same("a", REQUEST("A: x\r\n"), REQUEST("A: X\r\n")));
    CHECK(same("accept-encoding", REQUEST("Accept-Encoding: gzip, BR\r\n"),
               REQUEST("accept-encoding: GZIP,br\r\n")));
}

static struct digest key_of(const char *words, const char *request)
{
    struct http_head head = parse(request, HTTP_REQUEST);
    const struct cachekey_parts parts = { .scheme = STR("http"),
                                          .authority = http_text(request, head.authority),
                                          .path = http_text(request, head.path),
                                          .words = str_of(words),
                                          .bytes = request,
                                          .head = &head };
    struct digest key = { 0, 0 };
    char name[CACHEKEY_NAME_MAX];
    u32 len;

    CHECK(cachekey_make(&parts, &keys, &key, name, &len));
    return key;
}

static bool alike(const char *words, const char *a, const char *b)
{
    return digest_eq(key_of(words, a), key_of(words, b));
}

#define GET(target, fields) "GET " target " HTTP/1.1\r\nHost: h\r\n" fields "\r\n"

static void a_key_is_host_path_and_query(void)
{
    CHECK(alike("", GET("/a?b", ""), GET("/a?b", "Cookie: c=1\r\n")));
    CHECK(!alike("", GET("/a?b", ""), GET("/a?c", "")));
    CHECK(!alike("", GET("/a", ""), GET("/a?", "")));
    CHECK(!alike("", GET("/a", ""), GET("/A", "")));
    CHECK(alike("", "GET /a HTTP/1.1\r\nHost: H\r\n\r\n", GET("/a", "")));
    CHECK(!alike("", "GET /a HTTP/1.1\r\nHost: h:81\r\n\r\n", GET("/a", "")));
}

static void words_say_what_counts(void)
{
    CHECK(alike("-query:utm_*", GET("/a?x=1&utm_a=2", ""), GET("/a?utm_b=3&x=1", "")));
    CHECK(!alike("-query:utm_*", GET("/a?x=1", ""), GET("/a?x=2", "")));
    CHECK(alike("query:x", GET("/a?x=1&y=2", ""), GET("/a?x=1", "")));
    CHECK(!alike("query:x", GET("/a?x=1", ""), GET("/a?x=2", "")));
    CHECK(alike("-query", GET("/a?x=1", ""), GET("/a?y=2", "")));
    CHECK(!alike("header:x-shop", GET("/a", "X-Shop: 1\r\n"), GET("/a", "X-Shop: 2\r\n")));
    CHECK(!alike("header:x-shop", GET("/a", "X-Shop:\r\n"), GET("/a", "")));
    CHECK(!alike("cookie:lang", GET("/a", "Cookie: sid=1; lang=de\r\n"),
                 GET("/a", "Cookie: sid=1; lang=en\r\n")));
    CHECK(alike("cookie:lang", GET("/a", "Cookie: sid=1; lang=de\r\n"),
                GET("/a", "Cookie: lang=de; sid=2\r\n")));
}

static bool all_keyed(const char *words, const char *request)
{
    struct http_head head = parse(request, HTTP_REQUEST);

    return cachekey_has_cookies(str_of(words), request, &head);
}

static void cookies_that_are_not_part_of_the_key_are_seen(void)
{
    CHECK(all_keyed("", GET("/", "")));
    CHECK(!all_keyed("", GET("/", "Cookie: a=1\r\n")));
    CHECK(all_keyed("cookie:a", GET("/", "Cookie: a=1\r\n")));
    CHECK(!all_keyed("cookie:a", GET("/", "Cookie: a=1; b=2\r\n")));
    CHECK(!all_keyed("cookie:a", GET("/", "Cookie: a=1\r\nCookie: b\r\n")));
}

static void words_that_are_none_are_refused(void)
{
    static const char *const bad[] = { "path", "query:", "header", "cookie:,query:a", "-header:a" };
    struct problem p;

    for (u32 i = 0; i < ARRAY_LEN(bad); i++)
        CHECK_EQ(cachewords_check(str_of(bad[i]), &p), -EINVAL);
    CHECK_EQ(cachewords_check(STR(""), &p), 0);
    CHECK_EQ(cachewords_check(STR("-query,header:a, cookie:b,query:c,-query:d*"), &p), 0);
}

int main(void)
{
    TEST(a_head_is_stored_as_it_will_be_sent);
    TEST(a_304_says_anew_what_it_says);
    TEST(a_304_to_a_client_describes_no_content);
    TEST(what_does_not_fit_is_said_to);
    TEST(a_head_tells_what_it_says_of_caches);
    TEST(vary_names_are_a_list_of_names);
    TEST(requests_are_told_apart_by_what_Vary_names);
    TEST(a_key_is_host_path_and_query);
    TEST(words_say_what_counts);
    TEST(cookies_that_are_not_part_of_the_key_are_seen);
    TEST(words_that_are_none_are_refused);
    return tap_done();
}
