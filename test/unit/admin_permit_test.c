#include "admin/permit.h"

#include "tap.h"

static const struct permit_rules open_rules = { .check_host = true };
static const struct permit_rules token_rules = { .token = { "s3cret-token", 12 } };

static enum permit_verdict ask(const struct permit_rules *rules, const char *host,
                               const char *authorization)
{
    return permit_check(rules, false, str_of(host), str_of(authorization));
}

static void without_a_token_this_machine_may_ask(void)
{
    CHECK_EQ(ask(&open_rules, "localhost", ""), PERMIT_GRANTED);
    CHECK_EQ(ask(&open_rules, "LocalHost:9484", ""), PERMIT_GRANTED);
    CHECK_EQ(ask(&open_rules, "localhost.:9484", ""), PERMIT_GRANTED);
    CHECK_EQ(ask(&open_rules, "shop.localhost:9484", ""), PERMIT_GRANTED);
    CHECK_EQ(ask(&open_rules, "127.0.0.1:9484", ""), PERMIT_GRANTED);
    CHECK_EQ(ask(&open_rules, "[::1]:9484", ""), PERMIT_GRANTED);
    CHECK_EQ(ask(&open_rules, "", ""), PERMIT_GRANTED);
}

static void a_name_that_could_be_rebound_is_refused(void)
{
    CHECK_EQ(ask(&open_rules, "evil.example", ""), PERMIT_HOST_WRONG);
    CHECK_EQ(ask(&open_rules, "evil.example:9484", ""), PERMIT_HOST_WRONG);
    CHECK_EQ(ask(&open_rules, "localhost.evil.example", ""), PERMIT_HOST_WRONG);
    CHECK_EQ(ask(&open_rules, "evillocalhost", ""), PERMIT_HOST_WRONG);
    CHECK_EQ(ask(&open_rules, ".localhost", ""), PERMIT_HOST_WRONG);
    CHECK_EQ(ask(&open_rules, "127.0.0.1.evil.example", ""), PERMIT_HOST_WRONG);
}

static void with_a_token_it_must_be_shown(void)
{
    CHECK_EQ(ask(&token_rules, "any.example", "Bearer s3cret-token"), PERMIT_GRANTED);
    CHECK_EQ(ask(&token_rules, "127.0.0.1", "bearer  s3cret-token "), PERMIT_GRANTED);
    CHECK_EQ(ask(&token_rules, "127.0.0.1", ""), PERMIT_TOKEN_MISSING);
    CHECK_EQ(ask(&token_rules, "127.0.0.1", "Bearer"), PERMIT_TOKEN_MISSING);
    CHECK_EQ(ask(&token_rules, "127.0.0.1", "Basic s3cret-token"), PERMIT_TOKEN_MISSING);
    CHECK_EQ(ask(&token_rules, "127.0.0.1", "Bearer "), PERMIT_TOKEN_WRONG);
    CHECK_EQ(ask(&token_rules, "127.0.0.1", "Bearer s3cret-toke"), PERMIT_TOKEN_WRONG);
    CHECK_EQ(ask(&token_rules, "127.0.0.1", "Bearer s3cret-token2"), PERMIT_TOKEN_WRONG);
    CHECK_EQ(ask(&token_rules, "127.0.0.1", "Bearer s3cret-tokens3cret-token"), PERMIT_TOKEN_WRONG);
}

static void probes_need_nothing(void)
{
    CHECK_EQ(permit_check(&token_rules, true, STR("x"), STR("")), PERMIT_GRANTED);
    CHECK_EQ(permit_check(&open_rules, true, STR("evil.example"), STR("")), PERMIT_GRANTED);
}

static void a_unix_socket_is_guarded_by_its_mode(void)
{
    struct settings s = { .admin = { .kind = ENDPOINT_UNIX, .path = STR("/x") } };
    struct permit_rules rules = permit_rules_of(&s);

    CHECK_EQ(ask(&rules, "whatever", ""), PERMIT_GRANTED);
    s.admin_token = STR("t");
    rules = permit_rules_of(&s);
    CHECK_EQ(ask(&rules, "whatever", ""), PERMIT_TOKEN_MISSING);
}

static void a_browser_may_ask_for_a_page_of_the_same_origin(void)
{
    const struct str host = STR("127.0.0.1:4000");

    CHECK(permit_same_origin(host, STR(""), STR("same-origin")));
    CHECK(permit_same_origin(host, STR(""), STR("none")));
    CHECK(permit_same_origin(host, STR("http://127.0.0.1:4000"), STR("same-origin")));
    CHECK(permit_same_origin(host, STR(""), STR(""))); /* curl */
    CHECK(!permit_same_origin(host, STR(""), STR("cross-site")));
    CHECK(!permit_same_origin(host, STR(""), STR("same-site")));
    CHECK(!permit_same_origin(host, STR("http://127.0.0.1:4001"), STR("")));
    CHECK(!permit_same_origin(host, STR("https://127.0.0.1:4000"), STR("")));
    CHECK(!permit_same_origin(host, STR("null"), STR("")));
    CHECK(!permit_same_origin(host, STR("http://"), STR("")));
}

static void a_token_is_itself_and_an_empty_one_is_nobodys(void)
{
    CHECK(permit_token_equal(STR("abc"), STR("abc")));
    CHECK(!permit_token_equal(STR("abc"), STR("abd")));
    CHECK(!permit_token_equal(STR("abc"), STR("abcabc")));
    CHECK(!permit_token_equal(STR("abc"), STR("")));
    CHECK(!permit_token_equal(STR(""), STR("")));
    CHECK(!permit_token_equal(STR(""), STR("a")));
}

int main(void)
{
    TEST(without_a_token_this_machine_may_ask);
    TEST(a_name_that_could_be_rebound_is_refused);
    TEST(with_a_token_it_must_be_shown);
    TEST(probes_need_nothing);
    TEST(a_unix_socket_is_guarded_by_its_mode);
    TEST(a_browser_may_ask_for_a_page_of_the_same_origin);
    TEST(a_token_is_itself_and_an_empty_one_is_nobodys);
    return tap_done();
}
