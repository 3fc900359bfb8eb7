/* test/unit/conf_endpoint_test.c -- an address to listen on, as people write it */
#include "conf/endpoint.h"

#include "tap.h"

static void addresses_are_read_as_people_write_them(void)
{
    static const struct {
        const char *written, *read;
    } cases[] = {
        { "127.0.0.1:9484", "127.0.0.1:9484" },
        { "[::1]:9484", "[::1]:9484" },
        { "localhost:80", "127.0.0.1:80" },
        { ":9484", "[::]:9484" },
        { "*:9484", "[::]:9484" },
        { "9484", "127.0.0.1:9484" },
        { "0.0.0.0:1", "0.0.0.0:1" },
        { "unix:/run/a.sock", "unix:/run/a.sock" },
        { "off", "off" },
        { "OFF", "off" },
    };

    for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
        struct endpoint e, again;
        struct problem p = { 0 };
        struct buf text = { 0 };

        CHECK_EQ(endpoint_parse(str_of(cases[i].written), &e, &p), 0);
        endpoint_text(&e, &text);
        CHECK_STR(buf_str(&text), cases[i].read);
        CHECK_EQ(endpoint_parse(buf_str(&text), &again, &p), 0);
        CHECK(endpoint_same(&e, &again));
        buf_done(&text);
    }
}

static void a_mistake_says_what_would_be_right(void)
{
    static const struct {
        const char *written, *says;
    } cases[] = {
        { "example.com:80", "not an IP address" },
        { "::1:80", "stands in brackets" },
        { "127.0.0.1:0", "not a port" },
        { "127.0.0.1:65536", "not a port" },
        { "127.0.0.1:", "not a port" },
        { "127.0.0.1", "not a port" },
        { "[::1]", "not a port" },
        { "unix:", "path" },
        { "", "not a port" },
        { "127.0.0.1:80x", "not a port" },
        { "[::1:80", "brackets" },
        { "on", "not a port" },
    };
    struct endpoint e;
    char path[200] = "unix:/";

    for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
        struct problem p = { 0 };

        CHECK_EQ(endpoint_parse(str_of(cases[i].written), &e, &p), -EINVAL);
        if (!strstr(p.text, cases[i].says)) {
            CHECK(!"the problem's text");
            printf("# %s: %s\n", cases[i].written, p.text);
        }
    }
    memset(path + 6, 'a', 107);
    CHECK_EQ(endpoint_parse(str_of(path), &e, &(struct problem){ 0 }), -EINVAL);
    path[5 + 107] = 0;
    CHECK_EQ(endpoint_parse(str_of(path), &e, &(struct problem){ 0 }), 0);
    CHECK_EQ(e.path.len, 107);
}

int main(void)
{
    TEST(addresses_are_read_as_people_write_them);
    TEST(a_mistake_says_what_would_be_right);
    return tap_done();
}
