/* http_target_test -- what is a host, and what is none */
#include "tap.h"

#include "http/target.h"

static void good_authorities_are_taken_apart(void)
{
    static const struct {
        const char *text, *host;
        u32 port;
    } cases[] = {
        { "a", "a", 0 },
        { "example.com", "example.com", 0 },
        { "EXAMPLE.com.", "EXAMPLE.com.", 0 },
        { "localhost:1", "localhost", 1 },
        { "a:65535", "a", 65535 },
        { "a:00080", "a", 80 },
        { "127.0.0.1:80", "127.0.0.1", 80 },
        { "[::1]", "[::1]", 0 },
        { "[2001:db8::A]:8080", "[2001:db8::A]", 8080 },
        { "[::ffff:1.2.3.4]", "[::ffff:1.2.3.4]", 0 },
        { "a_b-c~d.e", "a_b-c~d.e", 0 },
        { "caf%C3%a9.example", "caf%C3%a9.example", 0 },
        { "xn--caf-dma.example", "xn--caf-dma.example", 0 },
        { "a!$&'()*+,;=", "a!$&'()*+,;=", 0 },
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_authority a = { .port = 99 };

        if (!http_authority_parse(str_of(cases[i].text), &a))
            printf("# %s\n", cases[i].text);
        CHECK_STR(a.host, cases[i].host);
        CHECK_EQ(a.port, cases[i].port);
    }
}

static void everything_else_is_none(void)
{
    static const char *const cases[] = {
        "",         ":",      ":80",        "a:",          "a:0",      "a:65536",
        "a:000080", "a:+1",   "a:-1",       "a: 1",        "a:1 ",     "a:1:2",
        "a:x",      " a",     "a ",         "a b",         "a/b",      "a?b",
        "a#b",      "a@b",    "a:b@c",      "a\\b",        "a\tb",     "<a>",
        "\"a\"",    "a`b",    "a{b}",       "a|b",         "a^b",      "a%",
        "a%4",      "a%4g",   "a%zz",       "caf\xc3\xa9", "[",        "[]",
        "[::1",     "[::1]a", "[::1]:",     "[::1]80",     "::1",      "[1.2.3.4]",
        "[:::]",    "[::g]",  "[::1%eth0]", "[::1%25a]",   "[v1.a]",   "[1:2:3:4:5:6:7:8:9]",
        "[::1]]",   "a]",     "[[::1]]",    "[a:b]",       "http://a", "a,b c",
    };
    struct http_authority a;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        bool good = http_authority_parse(str_of(cases[i]), &a);

        if (good)
            printf("# %s\n", cases[i]);
        CHECK(!good);
    }
    CHECK(!http_authority_parse(STR("a\0b"), &a));
    CHECK(!http_authority_parse(STR("[::1\0]"), &a));
}

int main(void)
{
    TEST(good_authorities_are_taken_apart);
    TEST(everything_else_is_none);
    return tap_done();
}
