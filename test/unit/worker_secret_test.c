/* test/unit/worker_secret_test.c */
#include "worker/secret.h"

#include "tap.h"

static void masked(const char *name, const char *value, const char *want)
{
    AUTO(buf_done) struct buf out = { 0 };

    secret_mask(&out, str_of(name), str_of(value));
    CHECK_STR(buf_str(&out), want);
}

static void names_that_say_so_are_secrets(void)
{
    CHECK(secret_is(STR("GITHUB_TOKEN")));
    CHECK(secret_is(STR("DB_PASSWORD")));
    CHECK(secret_is(STR("awsSecretAccessKey")));
    CHECK(secret_is(STR("STRIPE_API_KEY")));
    CHECK(secret_is(STR("PGPASSWORD")));
    CHECK(secret_is(STR("DB_PASS")));
    CHECK(!secret_is(STR("PATH")));
    CHECK(!secret_is(STR("NODE_ENV")));
    CHECK(!secret_is(STR("PORT")));
    CHECK(!secret_is((struct str){ 0 }));
}

static void a_secret_does_not_tell_even_its_length(void)
{
    masked("API_KEY", "abc", "***");
    masked("API_KEY", "a-much-longer-one", "***");
    masked("API_KEY", "", "");
}

static void the_password_of_a_url_is_masked(void)
{
    masked("DATABASE_URL", "postgres://shop:hunter2@db:5432/shop",
           "postgres://shop:***@db:5432/shop");
    masked("X", "redis://:pa@ss@h/0", "redis://:***@h/0");
    masked("X", "a=http://u:p@h b=http://v:q@h", "a=http://u:***@h b=http://v:***@h");
    masked("X", "http://localhost:3000/a:b@c", "http://localhost:3000/a:b@c");
    masked("X", "http://u@h:80/", "http://u@h:80/");
    masked("NODE_ENV", "production", "production");
}

int main(void)
{
    TEST(names_that_say_so_are_secrets);
    TEST(a_secret_does_not_tell_even_its_length);
    TEST(the_password_of_a_url_is_masked);
    return tap_done();
}
