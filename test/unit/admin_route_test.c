#include "admin/route.h"

#include "admin_fixture.h"

static struct shm *shm;
static struct sampler *sampler;
static struct buf body;
static struct site_answer answer;
static struct permit_rules rules;

static void begin(const char *token)
{
    free(shm);
    sampler_free(sampler);
    shm = fixture_shm();
    assert(sampler_new(&sampler) == 0);
    rules = (struct permit_rules){ .token = str_of(token), .check_host = !*token };
}

static u32 ask_as(enum http_method method, const char *target, const char *host, const char *auth)
{
    const struct page_source src = { .shm = shm,
                                     .sampler = sampler,
                                     .now_ns = FIXTURE_NOW,
                                     .prom_client = true,
                                     .opentelemetry = true };
    const struct site_request req = { .method = method,
                                      .target = str_of(target),
                                      .host = str_of(host),
                                      .authorization = str_of(auth) };

    buf_clear(&body);
    route_answer(&answer, &body, &req, &rules, &src);
    CHECK(body.len > 0);
    return answer.status;
}

static u32 ask(const char *target)
{
    return ask_as(HTTP_GET, target, "127.0.0.1:9484", "");
}

static bool says(const char *text)
{
    return memmem(body.ptr, body.len, text, strlen(text)) != NULL;
}

static bool field(const char *text)
{
    return memmem(answer.fields.ptr, answer.fields.len, text, strlen(text)) != NULL;
}

static void every_page_is_there(void)
{
    begin("");
    CHECK_EQ(ask("/metrics"), 200);
    CHECK_STR(answer.content_type, "text/plain; version=0.0.4; charset=utf-8");
    CHECK(says("# TYPE nodejs_eventloop_lag_seconds gauge\n"));
    CHECK_EQ(ask("/metrics?debug=1"), 200);
    CHECK_EQ(ask("/healthz"), 200);
    CHECK_EQ(ask("/readyz"), 200);
    CHECK_EQ(ask("/api/workers"), 200);
    CHECK_STR(answer.content_type, "application/json");
    CHECK_EQ(body.ptr[0], '[');
    CHECK_EQ(ask("/api/history"), 200);
    CHECK_EQ(ask("/api/app"), 200);
    CHECK_EQ(ask("/api/findings"), 200);
    CHECK(says("{\"findings\":[],\"blocked\":[],\"evicted\":0}\n"));
    CHECK_EQ(ask("/"), 200);
    CHECK(says("/api/workers") && says("shop"));
}

static void what_is_not_there_gets_a_list_of_what_is(void)
{
    begin("");
    CHECK_EQ(ask("/metric"), 404);
    CHECK(says("/metrics"));
    CHECK_EQ(ask("/metrics/"), 404);
    CHECK_EQ(ask(""), 404);
}

static void only_get_and_head_are_answered(void)
{
    begin("");
    CHECK_EQ(ask_as(HTTP_HEAD, "/metrics", "localhost", ""), 200);
    CHECK_EQ(ask_as(HTTP_POST, "/metrics", "localhost", ""), 405);
    CHECK(field("Allow: GET, HEAD\r\n"));
    CHECK_EQ(ask_as(HTTP_OPTIONS, "/metrics", "localhost", ""), 405);
    CHECK_EQ(ask_as(HTTP_OTHER, "/api/workers", "localhost", ""), 405);
}

static void no_answer_may_be_read_by_a_page_from_elsewhere(void)
{
    begin("");
    CHECK_EQ(ask("/api/app"), 200);
    CHECK(field("X-Content-Type-Options: nosniff\r\n"));
    CHECK(!field("Access-Control"));
    CHECK_EQ(ask_as(HTTP_GET, "/api/app", "evil.example", ""), 403);
    CHECK_EQ(ask_as(HTTP_GET, "/nothing", "evil.example", ""), 403);
    CHECK_EQ(ask_as(HTTP_GET, "/readyz", "evil.example", ""), 200);
}

static void a_token_guards_all_but_the_probes(void)
{
    begin("abc");
    CHECK_EQ(ask("/metrics"), 401);
    CHECK(field("WWW-Authenticate: Bearer"));
    CHECK(!says("nodejs"));
    CHECK_EQ(ask("/"), 401);
    CHECK_EQ(ask("/nothing"), 401);
    CHECK_EQ(ask_as(HTTP_GET, "/metrics", "x.example", "Bearer abd"), 401);
    CHECK_EQ(ask_as(HTTP_GET, "/metrics", "x.example", "Bearer abc"), 200);
    CHECK_EQ(ask("/healthz"), 200);
    CHECK_EQ(ask("/readyz"), 200);
}

static void readiness_has_a_status(void)
{
    begin("");
    shm->draining = 1;
    CHECK_EQ(ask("/readyz"), 503);
    CHECK(says("stopping"));
    CHECK_EQ(ask("/healthz"), 200);
}

static void a_page_that_does_not_fit_is_503(void)
{
    begin("");
    buf_done(&body);
    body.bytes_max = 10000;
    CHECK_EQ(ask("/metrics"), 503);
    CHECK(says("memory"));
    body.bytes_max = 0;
}

int main(void)
{
    TEST(every_page_is_there);
    TEST(what_is_not_there_gets_a_list_of_what_is);
    TEST(only_get_and_head_are_answered);
    TEST(no_answer_may_be_read_by_a_page_from_elsewhere);
    TEST(a_token_guards_all_but_the_probes);
    TEST(readiness_has_a_status);
    TEST(a_page_that_does_not_fit_is_503);
    free(shm);
    sampler_free(sampler);
    buf_done(&body);
    return tap_done();
}
