/* test/unit/conf_redisurl_test.c -- where a Redis is, and that no message shows a password */
#include "conf/redisurl.h"

#include "tap.h"

static struct redisurl parsed(const char *text)
{
    struct redisurl url;
    struct problem p = { 0 };

    CHECK_EQ(redisurl_parse(&url, str_of(text), &p), 0);
    return url;
}

static void hosts_ports_and_databases_are_read(void)
{
    struct redisurl u = parsed("redis://cache.example.com");
    char room[REDISURL_NAME_MAX + 8];
    struct str place;

    CHECK_STR(str_of(u.host), "cache.example.com");
    CHECK_EQ(u.port, 6379);
    CHECK_EQ(u.database, 0);
    u = parsed("valkey://10.0.0.1:7000/12");
    CHECK_EQ(u.port, 7000);
    CHECK_EQ(u.database, 12);
    u = parsed("redis://[::1]:7000");
    CHECK_STR(str_of(u.host), "::1");
    redisurl_place(&u, &place, room);
    CHECK_STR(place, "[::1]:7000");
}

static void users_and_passwords_are_decoded(void)
{
    struct redisurl u = parsed("redis://fettle:p%40ss%25@h");

    CHECK_STR(str_of(u.user), "fettle");
    CHECK_STR(str_of(u.password), "p@ss%");
    u = parsed("redis://:a@b@h:1");
    CHECK_STR(str_of(u.user), "");
    CHECK_STR(str_of(u.password), "a@b");
}

static void unix_sockets_have_a_path_and_maybe_a_database(void)
{
    struct redisurl u = parsed("unix:///run/redis.sock");

    CHECK_STR(str_of(u.path), "/run/redis.sock");
    u = parsed("unix://:secret@/run/redis.sock?db=3");
    CHECK_STR(str_of(u.path), "/run/redis.sock");
    CHECK_STR(str_of(u.password), "secret");
    CHECK_EQ(u.database, 3);
}

static void what_is_wrong_is_named_without_a_part_of_it(void)
{
    static const char *const wrong[] = {
        "hunter2",
        "http://:hunter2@h",
        "redis://",
        "redis://:hunter2",
        "redis://user:hunter2",
        "redis://h:hunter2",
        "redis://h:0",
        "redis://h:65536",
        "redis://h/hunter2",
        "redis://h/65536",
        "redis://us%zzer:hunter2@h",
        "redis://us%4",
        "redis://user@h",
        "redis://user%00:hunter2@h",
        "redis://h?x=hunter2",
        "redis://[::1",
        "redis://[::1]x:1",
        "rediss://:hunter2@h",
        "unix://:hunter2@run/redis.sock",
        "unix:///run/redis.sock?hunter2",
    };

    for (u32 i = 0; i < ARRAY_LEN(wrong); i++) {
        struct redisurl u;
        struct problem p = { 0 };

        if (redisurl_parse(&u, str_of(wrong[i]), &p) != -EINVAL)
            printf("# taken: %s\n", wrong[i]);
        CHECK(p.text[0] != '\0');
        CHECK(strstr(p.text, "hunter2") == NULL);
    }
}

int main(void)
{
    TEST(hosts_ports_and_databases_are_read);
    TEST(users_and_passwords_are_decoded);
    TEST(unix_sockets_have_a_path_and_maybe_a_database);
    TEST(what_is_wrong_is_named_without_a_part_of_it);
    return tap_done();
}
