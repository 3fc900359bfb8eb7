/* http_head_test -- what good heads mean, and how they may come */
#include "tap.h"

#include "http_run.h"

static const struct http_limits limits = { 128, 512, 8 };

static struct head_run r;
static struct str text;

/* Parses `s` whole; every way of cutting it must give the same. */
static struct http_head *parse(enum http_role role, struct str s)
{
    static struct head_run other;
    size_t cuts[2];

    text = s;
    head_run_bytes(&other, role, &limits, s);
    head_run(&r, role, &limits, s, NULL, 0);
    CHECK(head_run_same(&r, &other));
    for (cuts[0] = 0; cuts[0] <= s.len; cuts[0]++) {
        head_run(&other, role, &limits, s, cuts, 1);
        CHECK(head_run_same(&r, &other));
        for (cuts[1] = cuts[0]; s.len <= 100 && cuts[1] <= s.len; cuts[1]++) {
            head_run(&other, role, &limits, s, cuts, 2);
            CHECK(head_run_same(&r, &other));
        }
    }
    CHECK_EQ(r.step, HTTP_DONE);
    if (r.step == HTTP_BAD)
        printf("# %u at %u: %s\n", r.error.status, r.error.at, r.error.text);
    return &r.head;
}

static struct http_head *request(struct str s)
{
    return parse(HTTP_REQUEST, s);
}

static struct http_head *response(struct str s)
{
    return parse(HTTP_RESPONSE, s);
}

#define TEXT(span) http_text(text.ptr, span)
#define LINE "GET / HTTP/1.1\r\n"
#define HOST "Host: a\r\n"

static void a_request_line_has_method_target_and_version(void)
{
    struct http_head *h = request(STR("GET /a/b?c=d HTTP/1.1\r\nHost: example.com:8080\r\n\r\n"));

    CHECK_EQ(h->method, HTTP_GET);
    CHECK_STR(TEXT(h->method_text), "GET");
    CHECK_STR(TEXT(h->target), "/a/b?c=d");
    CHECK_STR(TEXT(h->path), "/a/b?c=d");
    CHECK_STR(TEXT(h->authority), "example.com:8080");
    CHECK_STR(http_path_prefix(text.ptr, h), "");
    CHECK_EQ(h->version_minor, 1);
    CHECK_EQ(h->framing, HTTP_BODY_NONE);
    CHECK_EQ(h->head_bytes, text.len);
    CHECK(h->keep_alive && !h->absolute && !h->upgrade && !h->expect_continue && !h->te_trailers);
}

static void bytes_behind_the_head_are_left_alone(void)
{
    struct http_head *h = request(STR(LINE HOST "\r\nGET / HTTP/1.1\n\0"));

    CHECK_EQ(h->head_bytes, sizeof(LINE HOST "\r\n") - 1);
    CHECK_EQ(h->fields_n, 1);
}

static void two_empty_lines_before_a_request_are_skipped(void)
{
    struct http_head *h = request(STR("\r\n\r\nGET /x HTTP/1.1\r\n" HOST "\r\n"));

    CHECK_STR(TEXT(h->target), "/x");
    CHECK_EQ(h->head_bytes, text.len);
}

static void every_method_is_known_by_its_exact_name(void)
{
    static const char *names[] = { "GET",     "HEAD",  "POST",    "PUT",  "DELETE",
                                   "OPTIONS", "TRACE", "CONNECT", "PATCH" };

    for (enum http_method m = HTTP_GET; m < HTTP_OTHER; m++) {
        CHECK_EQ(http_method_find(str_of(names[m])), m);
        CHECK_STR(http_method_name(m), names[m]);
    }
    CHECK_EQ(http_method_find(STR("get")), HTTP_OTHER);
    CHECK_EQ(http_method_find(STR("GETS")), HTTP_OTHER);
    CHECK_EQ(http_method_find(STR("POT")), HTTP_OTHER);
    CHECK_EQ(http_method_find(STR("")), HTTP_OTHER);
    CHECK_EQ(http_method_find(STR("PROPFIND")), HTTP_OTHER);
    CHECK(http_method_idempotent(HTTP_PUT) && http_method_idempotent(HTTP_GET));
    CHECK(!http_method_idempotent(HTTP_POST) && !http_method_idempotent(HTTP_OTHER));
    CHECK(http_method_safe(HTTP_OPTIONS) && !http_method_safe(HTTP_PUT));
}

static void a_method_of_32_letters_is_passed_on(void)
{
    struct http_head *h =
        request(STR("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF / HTTP/1.1\r\n" HOST "\r\n"));

    CHECK_EQ(h->method, HTTP_OTHER);
    CHECK_EQ(h->method_text.len, 32);
}

static void every_visible_byte_but_the_hash_may_stand_in_a_target(void)
{
    char bytes[200];
    int n = snprintf(bytes, sizeof(bytes), "GET /");

    for (char c = 0x21; c < 0x7f; c++)
        if (c != '#')
            bytes[n++] = c;
    n += snprintf(bytes + n, sizeof(bytes) - (size_t)n, " HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK_EQ(request(str_make(bytes, (size_t)n))->target.len, 1 + 93);
}

static void values_lose_the_spaces_around_them_and_keep_those_inside(void)
{
    struct http_head *h = request(STR(LINE HOST "A:b\r\nB: \t b \t c \t \r\nC:\r\nD: \t\r\n\r\n"));

    CHECK_EQ(h->fields_n, 5);
    CHECK_STR(TEXT(h->fields[1].value), "b");
    CHECK_STR(TEXT(h->fields[2].value), "b \t c");
    CHECK_STR(TEXT(h->fields[3].value), "");
    CHECK_STR(TEXT(h->fields[4].value), "");
    CHECK_STR(TEXT(h->fields[4].name), "D");
}

static void values_may_have_any_byte_from_0x80_on(void)
{
    struct http_head *h = request(STR(LINE HOST "A: \x80\xff caf\xe9 \xc3\xa9\xa0\r\n\r\n"));

    CHECK_STR(TEXT(h->fields[1].value), "\x80\xff caf\xe9 \xc3\xa9\xa0");
}

static void names_may_have_every_token_character(void)
{
    struct http_head *h = request(STR(LINE HOST "!#$%&'*+-.^_`|~09azAZ: b\r\n\r\n"));

    CHECK_STR(TEXT(h->fields[1].name), "!#$%&'*+-.^_`|~09azAZ");
    CHECK_EQ(h->fields[1].id, HTTP_NAME_OTHER);
}

static void names_are_known_in_any_case_and_never_with_underscores(void)
{
    struct http_head *h = request(STR(LINE "hOsT: a\r\nCONTENT-LENGTH: 3\r\nX_Forwarded_For: b\r\n"
                                           "Transfer_Encoding: chunked\r\n\r\n"));

    CHECK_EQ(h->fields[0].id, HTTP_HOST);
    CHECK_EQ(h->fields[1].id, HTTP_CONTENT_LENGTH);
    CHECK_EQ(h->fields[2].id, HTTP_NAME_OTHER);
    CHECK_EQ(h->fields[3].id, HTTP_NAME_OTHER);
    CHECK_EQ(h->framing, HTTP_BODY_LENGTH);
    CHECK_EQ(h->content_length, 3);
}

static void a_length_may_be_0_and_2_to_the_63_less_one(void)
{
    struct http_head *h = request(STR("POST / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n"));

    CHECK_EQ(h->framing, HTTP_BODY_LENGTH);
    CHECK_EQ(h->content_length, 0);
    h = request(STR("PUT / HTTP/1.1\r\n" HOST "Content-Length: 9223372036854775807 \r\n\r\n"));
    CHECK_EQ(h->content_length, INT64_MAX);
}

static void chunked_in_any_case_frames_a_request(void)
{
    struct http_head *h =
        request(STR("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding:\t cHuNkEd \r\n\r\n"));

    CHECK_EQ(h->framing, HTTP_BODY_CHUNKED);
    CHECK(http_field_find(h, HTTP_TRANSFER_ENCODING)->drop);
}

static void http_1_0_needs_no_host_and_closes(void)
{
    struct http_head *h = request(STR("GET / HTTP/1.0\r\n\r\n"));

    CHECK_EQ(h->version_minor, 0);
    CHECK_EQ(h->authority.len, 0);
    CHECK(!h->keep_alive);
    CHECK(request(STR("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"))->keep_alive);
    CHECK(!request(STR("GET / HTTP/1.0\r\nConnection: Keep-Alive, close\r\n\r\n"))->keep_alive);
}

static void connection_close_in_any_place_closes(void)
{
    CHECK(!request(STR(LINE HOST "Connection: CLOSE\r\n\r\n"))->keep_alive);
    CHECK(!request(STR(LINE HOST "Connection: x, ,close\r\n\r\n"))->keep_alive);
    CHECK(!request(STR(LINE HOST "Connection: x\r\nConnection: close\r\n\r\n"))->keep_alive);
    CHECK(request(STR(LINE HOST "Connection: closed\r\n\r\n"))->keep_alive);
    CHECK(request(STR(LINE HOST "Connection:\r\n\r\n"))->keep_alive);
}

static void an_empty_host_is_taken(void)
{
    CHECK_EQ(request(STR(LINE "Host:\r\n\r\n"))->authority.len, 0);
}

static void an_absolute_target_wins_over_host(void)
{
    struct http_head *h = request(STR("GET HTTP://b:81/c?d HTTP/1.1\r\n" HOST "\r\n"));

    CHECK(h->absolute);
    CHECK_STR(TEXT(h->authority), "b:81");
    CHECK_STR(TEXT(h->path), "/c?d");
    CHECK_STR(http_path_prefix(text.ptr, h), "");
    CHECK(http_field_find(h, HTTP_HOST)->drop);
}

static void an_absolute_target_without_a_path_gets_one(void)
{
    struct http_head *h = request(STR("GET https://[::1] HTTP/1.1\r\n" HOST "\r\n"));

    CHECK_STR(TEXT(h->authority), "[::1]");
    CHECK_STR(TEXT(h->path), "");
    CHECK_STR(http_path_prefix(text.ptr, h), "/");
    h = request(STR("GET http://b?q/r HTTP/1.1\r\n" HOST "\r\n"));
    CHECK_STR(TEXT(h->authority), "b");
    CHECK_STR(TEXT(h->path), "?q/r");
    CHECK_STR(http_path_prefix(text.ptr, h), "/");
    h = request(STR("OPTIONS http://b HTTP/1.1\r\n" HOST "\r\n"));
    CHECK_STR(http_path_prefix(text.ptr, h), "*");
}

static void options_may_ask_about_the_server(void)
{
    struct http_head *h = request(STR("OPTIONS * HTTP/1.1\r\n" HOST "\r\n"));

    CHECK_STR(TEXT(h->path), "*");
    CHECK_STR(TEXT(h->authority), "a");
}

static void connect_has_an_authority_and_no_path(void)
{
    struct http_head *h = request(STR("CONNECT b:443 HTTP/1.1\r\nHost: a\r\n\r\n"));

    CHECK_EQ(h->method, HTTP_CONNECT);
    CHECK_STR(TEXT(h->authority), "b:443");
    CHECK(!http_field_find(h, HTTP_HOST)->drop);
    CHECK_EQ(h->path.len, 0);
}

static void fields_of_the_connection_are_dropped(void)
{
    static const char *dropped[] = { "Connection", "keep-alive",     "Proxy-Connection", "TE",
                                     "Trailer",    "HTTP2-Settings", "fettle-peer" };
    struct http_head *h = request(
        STR(LINE HOST "Connection: close\r\nkeep-alive: 5\r\nProxy-Connection: x\r\nTE: a\r\n"
                      "Trailer: b\r\nHTTP2-Settings: c\r\nfettle-peer: 1.2.3.4 5\r\n\r\n"));

    CHECK_EQ(h->fields_n, 1 + ARRAY_LEN(dropped));
    CHECK(!h->fields[0].drop);
    for (u32 i = 1; i < h->fields_n; i++) {
        CHECK_STR(TEXT(h->fields[i].name), dropped[i - 1]);
        CHECK(h->fields[i].drop);
    }
}

static void fields_named_by_connection_are_dropped_before_and_after_it(void)
{
    struct http_head *h = request(STR(LINE HOST "x-a: 1\r\nConnection: X-B , close,\r\nX-B: 2\r\n"
                                                "Connection:X-A\r\nX-C: 3\r\n\r\n"));

    CHECK(h->fields[1].drop);
    CHECK(h->fields[3].drop);
    CHECK(!h->fields[5].drop);
}

static void connection_cannot_take_away_what_the_app_relies_on(void)
{
    struct http_head *h = request(
        STR(LINE HOST "Connection: Cookie, Authorization, X-Forwarded-For, x-request-id, Expect\r\n"
                      "Cookie: 1\r\nAuthorization: 2\r\nX-Forwarded-For: 3\r\nX-Request-Id: 4\r\n"
                      "Expect: 5\r\n\r\n"));

    for (u32 i = 2; i < h->fields_n; i++)
        CHECK(!h->fields[i].drop);
}

static void an_upgrade_needs_connection_and_http_1_1(void)
{
    struct http_head *h =
        request(STR(LINE HOST "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n"));

    CHECK(h->upgrade && h->keep_alive);
    CHECK_STR(TEXT(h->upgrade_value), "websocket");
    CHECK(http_field_find(h, HTTP_UPGRADE)->drop);
    CHECK(!request(STR(LINE HOST "Upgrade: websocket\r\n\r\n"))->upgrade);
    CHECK(!request(STR(LINE HOST "Connection: Upgrade\r\n\r\n"))->upgrade);
    CHECK(!request(STR(LINE HOST "Connection: Upgrade\r\nUpgrade:\r\n\r\n"))->upgrade);
    CHECK(!request(STR("GET / HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"))->upgrade);
}

static void expect_and_te_are_read(void)
{
    CHECK(request(STR(LINE HOST "Expect: 100-Continue\r\n\r\n"))->expect_continue);
    CHECK(!request(STR(LINE HOST "Expect: 200-ok\r\n\r\n"))->expect_continue);
    CHECK(!request(STR("GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n"))->expect_continue);
    CHECK(request(STR(LINE HOST "TE: gzip;q=0.5, Trailers\r\n\r\n"))->te_trailers);
    CHECK(!request(STR(LINE HOST "TE: trailersx\r\n\r\n"))->te_trailers);
}

static void limits_are_reached_exactly(void)
{
    /* 128 bytes of line; 8 fields; 512 bytes of head. */
    struct str line = STR("GET /0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
                          "0123456789abcdef0123456789abcdef0123456789abcdef HTTP/1.1\r\n");
    char bytes[600];
    int n = snprintf(bytes, sizeof(bytes),
                     "%.*sHost: a\r\nB:\r\nC:\r\nD:\r\nE:\r\nF:\r\nG:\r\nH: ", STR_ARG(line));

    CHECK_EQ(line.len, 128);
    memset(bytes + n, 'x', sizeof(bytes) - (size_t)n);
    memcpy(bytes + 512 - 4, "\r\n\r\n", 4);
    CHECK_EQ(request(str_make(bytes, 512))->fields_n, 8);
    CHECK_EQ(r.head.head_bytes, 512);
    CHECK_EQ(request(str_make(bytes, 600))->head_bytes, 512);
}

static void room_for_fields_is_a_limit_too(void)
{
    struct http_parser p;
    struct http_field fields[2];
    struct http_head head;
    struct http_error error;
    struct str s = STR(LINE HOST "A: b\r\nC: d\r\n\r\n");

    http_parser_init(&p, HTTP_REQUEST, &limits, fields, 2);
    CHECK_EQ(http_parse_head(&p, s.ptr, s.len, &head, &error), HTTP_BAD);
    CHECK_EQ(error.status, 431);
}

static void results_are_said_again_when_asked_again(void)
{
    struct http_parser p;
    struct http_field fields[8];
    struct http_head head, other;
    struct http_error error;
    struct str s = STR(LINE HOST "\r\n"), bad = STR("GET  /");

    http_parser_init(&p, HTTP_REQUEST, &limits, fields, 8);
    CHECK_EQ(http_parse_head(&p, s.ptr, 0, &head, &error), HTTP_MORE);
    CHECK(!http_parser_begun(&p));
    CHECK_EQ(http_parse_head(&p, s.ptr, 1, &head, &error), HTTP_MORE);
    CHECK(http_parser_begun(&p));
    CHECK_EQ(http_parse_head(&p, s.ptr, s.len, &head, &error), HTTP_DONE);
    CHECK_EQ(http_parse_head(&p, s.ptr, s.len, &other, &error), HTTP_DONE);
    CHECK(head_same(&head, &other));
    http_parser_init(&p, HTTP_REQUEST, &limits, fields, 8);
    CHECK_EQ(http_parse_head(&p, bad.ptr, bad.len, &head, &error), HTTP_BAD);
    error.text = NULL;
    CHECK_EQ(http_parse_head(&p, bad.ptr, bad.len, &head, &error), HTTP_BAD);
    CHECK(error.text && error.status == 400 && error.at == 4);
}

static void empty_lines_do_not_begin_a_request(void)
{
    struct http_parser p;
    struct http_field fields[8];
    struct http_head head;
    struct http_error error;

    http_parser_init(&p, HTTP_REQUEST, &limits, fields, 8);
    CHECK_EQ(http_parse_head(&p, "\r\n\r", 3, &head, &error), HTTP_MORE);
    CHECK(!http_parser_begun(&p));
}

static void fields_are_found_by_their_names_in_order(void)
{
    struct http_head *h =
        response(STR("HTTP/1.1 200 OK\r\nSet-Cookie: a\r\nDate: x\r\nset-cookie: b\r\n\r\n"));
    struct http_field *f = http_field_find(h, HTTP_SET_COOKIE);

    CHECK_STR(TEXT(f->value), "a");
    f = http_field_next(h, HTTP_SET_COOKIE, f);
    CHECK_STR(TEXT(f->value), "b");
    CHECK(!http_field_next(h, HTTP_SET_COOKIE, f));
    CHECK(!http_field_find(h, HTTP_SERVER));
}

static void a_response_has_status_reason_and_framing(void)
{
    struct http_head *h = response(STR("HTTP/1.1 404 Not \xc9t\xe9\r\nContent-Length: 5\r\n\r\n"));

    CHECK_EQ(h->status, 404);
    CHECK_STR(TEXT(h->reason), "Not \xc9t\xe9");
    CHECK_EQ(h->framing, HTTP_BODY_LENGTH);
    CHECK_EQ(h->content_length, 5);
    CHECK(h->keep_alive);
    CHECK_EQ(response(STR("HTTP/1.1 200 \r\n\r\n"))->reason.len, 0);
    CHECK_EQ(response(STR("HTTP/1.1 200\r\n\r\n"))->reason.len, 0);
    CHECK_EQ(response(STR("HTTP/1.1 999 x\r\n\r\n"))->status, 999);
    CHECK_EQ(response(STR("HTTP/1.0 200 OK\r\n\r\n"))->version_minor, 0);
    CHECK(!r.head.keep_alive);
}

static void a_response_without_framing_ends_with_the_connection(void)
{
    struct http_head *h = response(STR("HTTP/1.1 200 OK\r\n\r\n"));

    CHECK_EQ(h->framing, HTTP_BODY_CLOSE);
    CHECK(h->keep_alive);
    http_response_framing(h, HTTP_GET);
    CHECK_EQ(h->framing, HTTP_BODY_CLOSE);
    CHECK(!h->keep_alive);
}

static void some_responses_never_have_a_body(void)
{
    static const struct {
        struct str bytes;
        enum http_method method;
        enum http_framing framing;
        bool length_dropped;
    } cases[] = {
        { STR("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), HTTP_GET, HTTP_BODY_LENGTH, false },
        { STR("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), HTTP_HEAD, HTTP_BODY_NONE, false },
        { STR("HTTP/1.1 304 x\r\nContent-Length: 5\r\n\r\n"), HTTP_GET, HTTP_BODY_NONE, false },
        { STR("HTTP/1.1 204 x\r\nContent-Length: 5\r\n\r\n"), HTTP_GET, HTTP_BODY_NONE, true },
        { STR("HTTP/1.1 100 x\r\nContent-Length: 5\r\n\r\n"), HTTP_GET, HTTP_BODY_NONE, true },
        { STR("HTTP/1.1 200 x\r\nContent-Length: 5\r\n\r\n"), HTTP_CONNECT, HTTP_BODY_NONE, true },
        { STR("HTTP/1.1 407 x\r\nContent-Length: 5\r\n\r\n"), HTTP_CONNECT, HTTP_BODY_LENGTH,
          false },
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_head *h = response(cases[i].bytes);

        http_response_framing(h, cases[i].method);
        CHECK_EQ(h->framing, cases[i].framing);
        CHECK_EQ(http_field_find(h, HTTP_CONTENT_LENGTH)->drop, cases[i].length_dropped);
        CHECK(h->keep_alive);
    }
    http_response_framing(response(STR("HTTP/1.1 204 x\r\nTransfer-Encoding: chunked\r\n\r\n")),
                          HTTP_GET);
    CHECK_EQ(r.head.framing, HTTP_BODY_NONE);
    http_response_framing(response(STR("HTTP/1.1 304 x\r\n\r\n")), HTTP_GET);
    CHECK(r.head.keep_alive);
}

static void a_worker_may_switch_protocols(void)
{
    struct http_head *h = response(
        STR("HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x05"));

    CHECK(h->upgrade);
    CHECK_STR(TEXT(h->upgrade_value), "websocket");
    http_response_framing(h, HTTP_GET);
    CHECK_EQ(h->framing, HTTP_BODY_NONE);
    CHECK_EQ(h->head_bytes, text.len - 2);
}

static void a_worker_may_send_more_than_a_client_might(void)
{
    struct http_head *h = response(STR("HTTP/1.1 200 OK\r\nHost: a/b c\r\nHost: d\r\n"
                                       "Connection: content-length, close\r\nContent-Length: 1\r\n"
                                       "Upgrade: h2c\r\nUpgrade: x\r\n\r\n"));

    CHECK(!http_field_find(h, HTTP_CONTENT_LENGTH)->drop);
    CHECK(!h->keep_alive && !h->upgrade);
}

static void fettles_own_names_are_reserved(void)
{
    CHECK(http_field_find(response(STR("HTTP/1.1 200 OK\r\nfettle-route: /a/:b\r\n\r\n")),
                          HTTP_FETTLE_ROUTE)
              ->drop);
    CHECK(http_field_find(response(STR("HTTP/1.1 200 OK\r\nFettle-Load: idle=1\r\n\r\n")),
                          HTTP_FETTLE_LOAD)
              ->drop);
}

int main(void)
{
    TEST(a_request_line_has_method_target_and_version);
    TEST(bytes_behind_the_head_are_left_alone);
    TEST(two_empty_lines_before_a_request_are_skipped);
    TEST(every_method_is_known_by_its_exact_name);
    TEST(a_method_of_32_letters_is_passed_on);
    TEST(every_visible_byte_but_the_hash_may_stand_in_a_target);
    TEST(values_lose_the_spaces_around_them_and_keep_those_inside);
    TEST(values_may_have_any_byte_from_0x80_on);
    TEST(names_may_have_every_token_character);
    TEST(names_are_known_in_any_case_and_never_with_underscores);
    TEST(a_length_may_be_0_and_2_to_the_63_less_one);
    TEST(chunked_in_any_case_frames_a_request);
    TEST(http_1_0_needs_no_host_and_closes);
    TEST(connection_close_in_any_place_closes);
    TEST(an_empty_host_is_taken);
    TEST(an_absolute_target_wins_over_host);
    TEST(an_absolute_target_without_a_path_gets_one);
    TEST(options_may_ask_about_the_server);
    TEST(connect_has_an_authority_and_no_path);
    TEST(fields_of_the_connection_are_dropped);
    TEST(fields_named_by_connection_are_dropped_before_and_after_it);
    TEST(connection_cannot_take_away_what_the_app_relies_on);
    TEST(an_upgrade_needs_connection_and_http_1_1);
    TEST(expect_and_te_are_read);
    TEST(limits_are_reached_exactly);
    TEST(room_for_fields_is_a_limit_too);
    TEST(results_are_said_again_when_asked_again);
    TEST(empty_lines_do_not_begin_a_request);
    TEST(fields_are_found_by_their_names_in_order);
    TEST(a_response_has_status_reason_and_framing);
    TEST(a_response_without_framing_ends_with_the_connection);
    TEST(some_responses_never_have_a_body);
    TEST(a_worker_may_switch_protocols);
    TEST(a_worker_may_send_more_than_a_client_might);
    TEST(fettles_own_names_are_reserved);
    return tap_done();
}
