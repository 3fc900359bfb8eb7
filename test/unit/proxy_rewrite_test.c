/* test/unit/proxy_rewrite_test.c -- what changes in a head on its way through */
#include "proxy/rewrite.h"

#include "tap.h"

static struct block_pool pool = { .block_bytes = 32768 };
static struct http_field fields[64];
static struct http_head head;
static struct block *out;

static bool parse(enum http_role role, const char *text)
{
    struct http_limits limits = { 16384, 32768, ARRAY_LEN(fields) };
    struct http_parser p;
    struct http_error error;

    http_parser_init(&p, role, &limits, fields, ARRAY_LEN(fields));
    return http_parse_head(&p, text, strlen(text), &head, &error) == HTTP_DONE;
}

/* The request as the worker gets it. */
static struct str request(const char *text, const struct rewrite_request *more)
{
    struct rewrite_request r = *more;

    r.client_ip = STR("9.9.9.9");
    r.scheme = STR("http");
    r.request_id = STR("ID");
    r.chunked = r.chunked || strstr(text, "chunked");
    block_give(&pool, &out);
    out = block_take(&pool);
    if (!parse(HTTP_REQUEST, text)) {
        CHECK(!"the parser refuses it");
        return (struct str){ 0 };
    }
    CHECK(rewrite_request(out, text, &head, &r));
    return block_str(out);
}

static struct str response(const char *text, const struct rewrite_response *r,
                           enum http_method method)
{
    block_give(&pool, &out);
    out = block_take(&pool);
    if (!parse(HTTP_RESPONSE, text)) {
        CHECK(!"the parser refuses it");
        return (struct str){ 0 };
    }
    http_response_framing(&head, method);
    CHECK(rewrite_response(out, text, &head, r));
    return block_str(out);
}

/* How many lines begin with `name` and a colon, without case. */
static u32 count(struct str text, const char *name)
{
    u32 n = 0;

    while (text.ptr) {
        struct str line = str_cut(text, '\n', &text);
        size_t len = strlen(name);

        n += str_starts_nocase(line, str_of(name)) && line.len > len && line.ptr[len] == ':';
    }
    return n;
}

static bool has(struct str text, const char *line)
{
    return memmem(text.ptr, text.len, line, strlen(line)) != NULL;
}

#define AS_IS                 \
    &(struct rewrite_request) \
    {                         \
        0                     \
    }
#define TRUSTED               \
    &(struct rewrite_request) \
    {                         \
        .trusted = true       \
    }
#define UPGRADE               \
    &(struct rewrite_request) \
    {                         \
        .upgrade = true       \
    }

static void what_a_route_takes_off_the_path_is_told(void)
{
    struct rewrite_request r = { .prefix = STR("/api"), .stripped = true };

    CHECK(has(request("GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n", &r),
              "\r\nx-forwarded-prefix: /api\r\n"));
    r.trusted = true;
    CHECK(has(request("GET /api/x HTTP/1.1\r\nHost: a\r\nX-Forwarded-Prefix: /shop/\r\n\r\n", &r),
              "\r\nx-forwarded-prefix: /shop/api\r\n"));
    r.prefix = STR("");
    CHECK(has(request("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-Prefix: /shop/\r\n\r\n", &r),
              "\r\nx-forwarded-prefix: /shop/\r\n"));
}

static void another_host_can_be_named(void)
{
    struct rewrite_request r = { .host = STR("api.internal:8080") };
    struct str got = request("GET /x HTTP/1.1\r\nHost: a\r\nAccept: b\r\n\r\n", &r);

    CHECK(str_starts(got, STR("GET /x HTTP/1.1\r\nhost: api.internal:8080\r\nAccept: b\r\n")));
    CHECK(has(got, "\r\nx-forwarded-host: a\r\n"));
    r.via = STR("1.1 fettle-1");
    got = request("GET /x HTTP/1.1\r\nHost: a\r\nVia: 1.0 b\r\n\r\n", &r);
    CHECK(has(got, "\r\nVia: 1.0 b\r\n") && has(got, "\r\nvia: 1.1 fettle-1\r\n"));
    r.via = (struct str){ 0 };
    got = request("GET http://b/x HTTP/1.1\r\nHost: a\r\n\r\n", &r);
    CHECK(str_starts(got, STR("GET /x HTTP/1.1\r\nhost: api.internal:8080\r\nx-forwarded-for")));
    CHECK(has(got, "\r\nx-forwarded-host: b\r\n"));
    got = request("GET /x HTTP/1.0\r\n\r\n", &r);
    CHECK(str_starts(got, STR("GET /x HTTP/1.1\r\nhost: api.internal:8080\r\nx-forwarded-for")));
}

static void a_plain_request_gets_the_forwarding_fields(void)
{
    CHECK_STR(
        request("GET /a?b=c HTTP/1.1\r\nHost: shop.example\r\nX-Own:  spaced \r\n\r\n", AS_IS),
        "GET /a?b=c HTTP/1.1\r\nHost: shop.example\r\nX-Own: spaced\r\n"
        "x-forwarded-for: 9.9.9.9\r\nx-forwarded-proto: http\r\n"
        "x-forwarded-host: shop.example\r\nx-request-id: ID\r\n\r\n");
}

#define FORGED                                                                              \
    "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.1.1.1\r\nx-forwarded-for: 2.2.2.2\r\n" \
    "X-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Port: 1\r\n"         \
    "X-Real-IP: 3.3.3.3\r\nForwarded: for=4.4.4.4\r\nX-Request-Id: mine\r\n"                \
    "X-Forwarded-Prefix: /evil\r\n"                                                         \
    "Fettle-Peer: 5.5.5.5 1 6.6.6.6 2\r\nfettle-route: /x\r\n\r\n"

static void what_a_stranger_says_of_itself_is_dropped(void)
{
    struct str s = request(FORGED, AS_IS);

    for (char d = '1'; d <= '6'; d++)
        CHECK(!has(s, (char[]){ d, '.', d, '.', d, 0 }));
    CHECK(!has(s, "evil") && !has(s, "https") && !has(s, "mine") && !has(s, "/x"));
    CHECK_EQ(count(s, "x-forwarded-for"), 1);
    CHECK_EQ(count(s, "x-forwarded-proto"), 1);
    CHECK_EQ(count(s, "x-forwarded-host"), 1);
    CHECK_EQ(count(s, "x-forwarded-port"), 0);
    CHECK_EQ(count(s, "x-forwarded-prefix"), 0);
    CHECK_EQ(count(s, "x-real-ip"), 0);
    CHECK_EQ(count(s, "forwarded"), 0);
    CHECK_EQ(count(s, "x-request-id"), 1);
    CHECK_EQ(count(s, "fettle-peer"), 0);
    CHECK_EQ(count(s, "fettle-route"), 0);
}

static void what_a_trusted_proxy_says_is_passed_on_and_added_to(void)
{
    struct str s = request(FORGED, TRUSTED);

    CHECK(has(s, "\r\nx-forwarded-for: 9.9.9.9\r\n"));
    CHECK(has(s, "\r\nx-forwarded-proto: https\r\n"));
    CHECK(has(s, "\r\nx-forwarded-host: evil\r\n"));
    CHECK_EQ(count(s, "x-request-id"), 1); /* which one, exchange_id() says */
    CHECK(has(s, "Forwarded: for=4.4.4.4\r\n"));
    CHECK(has(s, "X-Real-IP: 3.3.3.3\r\n"));
    CHECK(has(s, "X-Forwarded-Port: 1\r\n"));
    CHECK_EQ(count(s, "x-forwarded-for"), 1);
    CHECK_EQ(count(s, "x-request-id"), 1);
    CHECK_EQ(count(s, "fettle-peer"), 0);
    CHECK(!has(s, "5.5.5.5"));
}

static void a_trusted_proxy_that_says_nothing_is_treated_like_anybody(void)
{
    CHECK(has(request("GET / HTTP/1.1\r\nHost: a\r\n\r\n", TRUSTED),
              "x-forwarded-for: 9.9.9.9\r\nx-forwarded-proto: http\r\nx-forwarded-host: a\r\n"
              "x-request-id: ID\r\n"));
}

static void empty_forwarding_fields_of_a_trusted_proxy_make_no_gaps(void)
{
    struct str s =
        request("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For:\r\nX-Request-Id:\r\n\r\n", TRUSTED);

    CHECK(has(s, "\r\nx-forwarded-for: 9.9.9.9\r\n"));
    CHECK(has(s, "\r\nx-request-id: ID\r\n"));
}

static void names_with_underscores_cannot_stand_in_for_ours(void)
{
    struct str s = request("GET / HTTP/1.1\r\nHost: a\r\nX_Forwarded_For: 1.1.1.1\r\n\r\n", AS_IS);

    CHECK_EQ(count(s, "x-forwarded-for"), 1);
}

static void fields_for_this_connection_only_are_not_passed_on(void)
{
    struct str s =
        request("GET / HTTP/1.1\r\nHost: a\r\nConnection: close, X-Secret, TE\r\n"
                "X-Secret: 1\r\nKeep-Alive: timeout=9\r\nProxy-Connection: keep-alive\r\n"
                "TE: gzip\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\nX-Kept: 1\r\n\r\n",
                AS_IS);

    CHECK(!has(s, "X-Secret") && !has(s, "Keep-Alive") && !has(s, "Proxy-Connection"));
    CHECK(!has(s, "gzip") && !has(s, "h2c") && !has(s, "AAA") && !has(s, "close"));
    CHECK_EQ(count(s, "connection"), 0);
    CHECK_EQ(count(s, "upgrade"), 0);
    CHECK(has(s, "X-Kept: 1\r\n"));
}

static void connection_cannot_take_away_who_the_client_is(void)
{
    struct str s = request("GET / HTTP/1.1\r\nHost: a\r\nConnection: x-forwarded-for, fettle-peer, "
                           "cookie, authorization\r\nCookie: c=1\r\nAuthorization: b\r\n\r\n",
                           AS_IS);

    CHECK_EQ(count(s, "x-forwarded-for"), 1);
    CHECK_EQ(count(s, "fettle-peer"), 0);
    CHECK(has(s, "Cookie: c=1\r\n") && has(s, "Authorization: b\r\n"));
}

static void the_fields_of_the_app_come_in_their_order_and_as_they_were(void)
{
    CHECK(has(request("POST / HTTP/1.1\r\nHost: a\r\nB: 1\r\nCOOKIE: a=1\r\ncookie: b=2\r\nA: \r\n"
                      "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n",
                      AS_IS),
              "Host: a\r\nB: 1\r\nCOOKIE: a=1\r\ncookie: b=2\r\nA: \r\nContent-Length: 3\r\n"
              "Expect: 100-continue\r\n"));
}

/* Neighbours are copied in one piece: what stands between them must not come along. */
static void what_stands_between_fields_that_stay_is_left_out(void)
{
    CHECK(has(
        request("GET / HTTP/1.1\r\nHost: a\r\nA: 1 \r\nTE: x\r\nB:2\r\nC: 3\r\nKeep-Alive: 9\r\n"
                "X-Real-IP: 1.1.1.1\r\nD:  4\r\nE: 5\r\nF:\r\nG: 7\t\r\nH: 8\r\n\r\n",
                AS_IS),
        "Host: a\r\nA: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\nE: 5\r\nF: \r\nG: 7\r\nH: 8\r\n"
        "x-forwarded-for"));
}

static void an_upgrade_is_asked_for_anew(void)
{
    static const char text[] =
        "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\n"
        "Upgrade: websocket\r\nSec-WebSocket-Key: k\r\n\r\n";
    struct str s = request(text, UPGRADE);

    CHECK(has(s, "\r\nconnection: upgrade\r\nupgrade: websocket\r\n"));
    CHECK(has(s, "Sec-WebSocket-Key: k\r\n"));
    CHECK_EQ(count(s, "connection"), 1);
    CHECK_EQ(count(s, "upgrade"), 1);
    s = request(text, AS_IS);
    CHECK_EQ(count(s, "connection"), 0);
    CHECK_EQ(count(s, "upgrade"), 0);
}

static void a_chunked_body_is_announced_once_and_trailers_stay_possible(void)
{
    struct str s = request("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
                           "TE: trailers, deflate\r\nTrailer: X-Sum\r\n\r\n",
                           AS_IS);

    CHECK_EQ(count(s, "transfer-encoding"), 1);
    CHECK(has(s, "transfer-encoding: chunked\r\n"));
    CHECK(has(s, "te: trailers\r\n"));
    CHECK(has(s, "Trailer: X-Sum\r\n"));
    CHECK(!has(s, "deflate"));
}

static void http_1_0_goes_on_as_1_1(void)
{
    struct str s = request("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", AS_IS);

    CHECK(str_starts(s, STR("GET / HTTP/1.1\r\n")));
    CHECK_EQ(count(s, "connection"), 0);
    s = request("GET / HTTP/1.0\r\n\r\n", AS_IS);
    CHECK_EQ(count(s, "host"), 1); /* Node insists on one */
    CHECK_EQ(count(s, "x-forwarded-host"), 0);
}

static void the_authority_of_an_absolute_target_replaces_host(void)
{
    struct str s = request("GET http://real.example:81/a?b HTTP/1.1\r\nHost: other\r\n\r\n", AS_IS);

    CHECK(str_starts(s, STR("GET /a?b HTTP/1.1\r\n")));
    CHECK_EQ(count(s, "host"), 1);
    CHECK(has(s, "host: real.example:81\r\n"));
    CHECK(has(s, "x-forwarded-host: real.example:81\r\n"));
    CHECK(!has(s, "other"));
    CHECK(str_starts(request("GET http://a HTTP/1.1\r\nHost: a\r\n\r\n", AS_IS), STR("GET / ")));
    CHECK(
        str_starts(request("GET http://a?q HTTP/1.1\r\nHost: a\r\n\r\n", AS_IS), STR("GET /?q ")));
    CHECK(str_starts(request("OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n", AS_IS),
                     STR("OPTIONS * ")));
    CHECK(str_starts(request("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", AS_IS), STR("OPTIONS * ")));
    CHECK(str_starts(request("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", AS_IS),
                     STR("CONNECT a:80 HTTP/1.1\r\n")));
}

/* Node must read it as the same request: parsed again, nothing has changed its meaning. */
static void what_is_left_of_a_stripped_path_begins_with_a_slash(void)
{
    static const char *const paths[][2] = {
        { "/api", "/" }, { "/api/x?y", "/x?y" }, { "/api?y=/", "/?y=/" }, { "http://h/api/x", "/x" }
    };

    for (u32 i = 0; i < ARRAY_LEN(paths); i++) {
        struct rewrite_request r = { .client_ip = STR("9.9.9.9"), .stripped = true };
        char text[128], want[64];

        snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", paths[i][0]);
        snprintf(want, sizeof(want), "GET %s HTTP/1.1\r\n", paths[i][1]);
        block_give(&pool, &out);
        out = block_take(&pool);
        CHECK(parse(HTTP_REQUEST, text));
        head.path.at += 4;
        head.path.len -= 4;
        CHECK(rewrite_request(out, text, &head, &r));
        CHECK(str_starts(block_str(out), str_of(want)));
    }
}

static void what_is_written_is_a_good_head_again(void)
{
    static const char *const texts[] = {
        FORGED,
        "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n",
        "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
        "OPTIONS http://a HTTP/1.1\r\nHost: b\r\n\r\n",
    };

    for (u32 i = 0; i < ARRAY_LEN(texts); i++) {
        struct rewrite_request r = { .trusted = i % 2, .chunked = i == 2 };
        struct str s = request(texts[i], &r);
        enum http_framing framing = head.framing;
        u64 length = head.content_length;
        enum http_method method = head.method;

        CHECK(str_ends(s, STR("\r\n\r\n")));
        char *text = str_dup(s);
        CHECK(parse(HTTP_REQUEST, text));
        CHECK_EQ(head.head_bytes, s.len);
        CHECK_EQ(head.framing, framing);
        CHECK_EQ(head.content_length, length);
        CHECK_EQ(head.method, method);
        CHECK_EQ(head.keep_alive, true);
        free(text);
    }
}

static void no_room_is_said_and_never_overrun(void)
{
    u32 need = (u32)request(FORGED, AS_IS).len;
    struct block_pool small = { .block_bytes = need + 10 };
    struct rewrite_request r = { .client_ip = STR("9.9.9.9"),
                                 .scheme = STR("http"),
                                 .request_id = STR("ID") };

    for (u32 room = 0; room <= need + 10; room++) {
        struct block *b = block_take(&small);

        b->end = b->at = need + 10 - room;
        CHECK(parse(HTTP_REQUEST, FORGED));
        CHECK_EQ(rewrite_request(b, FORGED, &head, &r), room >= need);
        CHECK(b->end <= b->size);
        block_give(&small, &b);
    }
    free(small.free);
}

/* ---- responses ---- */

#define R(...)                 \
    &(struct rewrite_response) \
    {                          \
        __VA_ARGS__            \
    }

static void a_response_keeps_its_fields_and_their_order(void)
{
    CHECK_STR(response("HTTP/1.1 200 All Right\r\nSet-Cookie: a=1\r\nContent-Length: 3\r\n"
                       "set-cookie: b=2\r\nDate: today\r\n\r\n",
                       R(.version_minor = 1, .keep = true), HTTP_GET),
              "HTTP/1.1 200 All Right\r\nSet-Cookie: a=1\r\nContent-Length: 3\r\n"
              "set-cookie: b=2\r\nDate: today\r\n\r\n");
}

static void a_status_without_a_reason_stays_without_one(void)
{
    CHECK(str_starts(response("HTTP/1.1 299\r\nContent-Length: 0\r\n\r\n",
                              R(.version_minor = 1, .keep = true), HTTP_GET),
                     STR("HTTP/1.1 299 \r\n")));
}

static void the_workers_own_connection_fields_and_the_route_do_not_reach_the_client(void)
{
    struct str s = response("HTTP/1.1 200 OK\r\nConnection: keep-alive, x-inner\r\n"
                            "Keep-Alive: timeout=5\r\nX-Inner: 1\r\nContent-Length: 0\r\n"
                            "fettle-route: /users/:id\r\n\r\n",
                            R(.version_minor = 1, .keep = true), HTTP_GET);

    CHECK_EQ(count(s, "connection"), 0);
    CHECK_EQ(count(s, "keep-alive"), 0);
    CHECK_EQ(count(s, "x-inner"), 0);
    CHECK_EQ(count(s, "fettle-route"), 0);
    CHECK_EQ(count(s, "content-length"), 1);
}

static void the_clients_connection_is_its_own(void)
{
    static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

    CHECK_EQ(count(response(text, R(.version_minor = 1, .keep = true), HTTP_GET), "connection"), 0);
    CHECK(has(response(text, R(.version_minor = 1), HTTP_GET), "connection: close\r\n"));
    CHECK(has(response(text, R(.version_minor = 0), HTTP_GET), "connection: close\r\n"));
    CHECK(has(response(text, R(.version_minor = 0, .keep = true), HTTP_GET),
              "connection: keep-alive\r\n"));
}

static void the_framing_is_ours(void)
{
    struct str s =
        response("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x\r\n\r\n",
                 R(.version_minor = 1, .keep = true, .framing = REWRITE_CHUNKED), HTTP_GET);

    CHECK_EQ(count(s, "transfer-encoding"), 1);
    CHECK_EQ(count(s, "trailer"), 1);
    s = response("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                 R(.version_minor = 0, .framing = REWRITE_CLOSE), HTTP_GET);
    CHECK_EQ(count(s, "transfer-encoding"), 0);
    CHECK_EQ(count(s, "connection"), 1);
}

static void head_and_304_keep_the_length_that_a_body_would_have(void)
{
    struct str s = response("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
                            R(.version_minor = 1, .keep = true), HTTP_HEAD);

    CHECK(has(s, "Content-Length: 1000\r\n"));
    CHECK_EQ(head.framing, HTTP_BODY_NONE);
    s = response("HTTP/1.1 304 Not Modified\r\nETag: e\r\nContent-Length: 5\r\n\r\n",
                 R(.version_minor = 1, .keep = true), HTTP_GET);
    CHECK(has(s, "ETag: e\r\n") && has(s, "Content-Length: 5\r\n"));
    CHECK_EQ(head.framing, HTTP_BODY_NONE);
}

static void a_204_has_no_length(void)
{
    struct str s = response("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
                            R(.version_minor = 1, .keep = true), HTTP_GET);

    CHECK_EQ(count(s, "content-length"), 0);
}

static void an_interim_response_has_no_connection_fields(void)
{
    struct str s = response("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n",
                            R(.version_minor = 1, .interim = true), HTTP_GET);

    CHECK_STR(s, "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n");
    CHECK_STR(response("HTTP/1.1 100 Continue\r\n\r\n", R(.version_minor = 1, .interim = true),
                       HTTP_POST),
              "HTTP/1.1 100 Continue\r\n\r\n");
}

static void a_101_names_what_was_switched_to(void)
{
    struct str s = response("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                            "Connection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n",
                            R(.version_minor = 1, .keep = true, .upgrade = true), HTTP_GET);

    CHECK_EQ(count(s, "connection"), 1);
    CHECK_EQ(count(s, "upgrade"), 1);
    CHECK(has(s, "upgrade: websocket\r\n") && has(s, "Sec-WebSocket-Accept: x\r\n"));
    CHECK(!has(s, "close"));
}

/* ---- what sticky policies look at ---- */

static void a_cookie_is_found_among_others(void)
{
    static const char text[] =
        "GET / HTTP/1.1\r\nHost: a\r\nCookie: xsid=no; sid2=no;sid=yes ;a\r\n"
        "Cookie: b=; sid=later\r\n\r\n";

    CHECK(parse(HTTP_REQUEST, text));
    CHECK_STR(rewrite_cookie(text, &head, STR("sid")), "yes");
    CHECK_STR(rewrite_cookie(text, &head, STR("xsid")), "no");
    CHECK_STR(rewrite_cookie(text, &head, STR("b")), "");
    CHECK_STR(rewrite_cookie(text, &head, STR("a")), "");
    CHECK_STR(rewrite_cookie(text, &head, STR("SID")), ""); /* names of cookies have case */
    CHECK_STR(rewrite_cookie(text, &head, STR("none")), "");
}

static void a_field_is_found_by_its_name_without_case(void)
{
    static const char text[] = "GET / HTTP/1.1\r\nHost: a\r\nX-User: ann\r\nx-user: bob\r\n\r\n";

    CHECK(parse(HTTP_REQUEST, text));
    CHECK_STR(rewrite_field(text, &head, STR("x-USER")), "ann");
    CHECK_STR(rewrite_field(text, &head, STR("host")), "a");
    CHECK_STR(rewrite_field(text, &head, STR("x-use")), "");
}

int main(void)
{
    TEST(what_a_route_takes_off_the_path_is_told);
    TEST(a_plain_request_gets_the_forwarding_fields);
    TEST(what_a_stranger_says_of_itself_is_dropped);
    TEST(what_a_trusted_proxy_says_is_passed_on_and_added_to);
    TEST(a_trusted_proxy_that_says_nothing_is_treated_like_anybody);
    TEST(empty_forwarding_fields_of_a_trusted_proxy_make_no_gaps);
    TEST(names_with_underscores_cannot_stand_in_for_ours);
    TEST(fields_for_this_connection_only_are_not_passed_on);
    TEST(connection_cannot_take_away_who_the_client_is);
    TEST(the_fields_of_the_app_come_in_their_order_and_as_they_were);
    TEST(what_stands_between_fields_that_stay_is_left_out);
    TEST(an_upgrade_is_asked_for_anew);
    TEST(a_chunked_body_is_announced_once_and_trailers_stay_possible);
    TEST(http_1_0_goes_on_as_1_1);
    TEST(the_authority_of_an_absolute_target_replaces_host);
    TEST(another_host_can_be_named);
    TEST(what_is_left_of_a_stripped_path_begins_with_a_slash);
    TEST(what_is_written_is_a_good_head_again);
    TEST(no_room_is_said_and_never_overrun);
    TEST(a_response_keeps_its_fields_and_their_order);
    TEST(a_status_without_a_reason_stays_without_one);
    TEST(the_workers_own_connection_fields_and_the_route_do_not_reach_the_client);
    TEST(the_clients_connection_is_its_own);
    TEST(the_framing_is_ours);
    TEST(head_and_304_keep_the_length_that_a_body_would_have);
    TEST(a_204_has_no_length);
    TEST(an_interim_response_has_no_connection_fields);
    TEST(a_101_names_what_was_switched_to);
    TEST(a_cookie_is_found_among_others);
    TEST(a_field_is_found_by_its_name_without_case);
    block_give(&pool, &out);
    free(pool.free);
    return tap_done();
}
