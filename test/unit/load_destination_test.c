/* load_destination_test -- URLs that a load can be put on, and others */
#include "tap.h"

#include "base/addr.h"
#include "load/destination.h"

static void a_url_gives_address_authority_and_path(void)
{
    static const struct {
        const char *url, *address, *authority, *path;
        bool websocket;
    } cases[] = {
        { "http://127.0.0.1:3000/a?b=c#d", "127.0.0.1:3000", "127.0.0.1:3000", "/a?b=c", false },
        { "HTTP://127.0.0.1", "127.0.0.1:80", "127.0.0.1", "", false },
        { "http://127.0.0.1:8?x", "127.0.0.1:8", "127.0.0.1:8", "?x", false },
        { "ws://[::1]:99/chat", "[::1]:99", "[::1]:99", "/chat", true },
    };
    char text[ADDR_TEXT_MAX];

    for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
        struct destination d;
        struct problem p;
        struct addr a;

        CHECK_EQ(destination_init(&d, str_of(cases[i].url), NULL, &p), 0);
        a = addr_of((struct sockaddr *)&d.addr);
        CHECK_STR(addr_text(&a, text), cases[i].address);
        CHECK_STR(d.authority, cases[i].authority);
        CHECK_STR(d.path, cases[i].path);
        CHECK_EQ(d.websocket, cases[i].websocket);
        destination_done(&d);
    }
}

static void a_unix_path_takes_the_place_of_the_host(void)
{
    struct destination d;
    struct problem p;

    CHECK_EQ(destination_init(&d, STR("http://no.such.host.invalid/x"), "/tmp/s", &p), 0);
    CHECK_EQ(d.addr.ss_family, AF_UNIX);
    CHECK_STR(str_of(((struct sockaddr_un *)&d.addr)->sun_path), "/tmp/s");
    CHECK_STR(d.authority, "no.such.host.invalid");
    destination_done(&d);
}

static void mistakes_say_what_would_be_right(void)
{
    static const struct {
        const char *url, *says;
    } cases[] = {
        { "localhost:3000", "is no URL to put a load on; write http://localhost:3000/" },
        { "https://localhost/", "TLS is not spoken here" },
        { "http://", "names no host and port" },
        { "http://:80/", "names no host and port" },
        { "http://h:0/", "names no host and port" },
        { "http://h:70000/", "names no host and port" },
        { "http://[::1/", "names no host and port" },
        { "http://[::1]x/", "names no host and port" },
        { "http://a:b@h/", "holds a name and a password" },
        { "http://h/a b", "holds a blank; write it %20" },
    };

    for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
        struct destination d;
        struct problem p;

        CHECK_EQ(destination_init(&d, str_of(cases[i].url), NULL, &p), -EINVAL);
        if (!strstr(p.text, cases[i].says)) {
            printf("# %s: %s\n", cases[i].url, p.text);
            CHECK(false);
        }
    }
}

int main(void)
{
    TEST(a_url_gives_address_authority_and_path);
    TEST(a_unix_path_takes_the_place_of_the_host);
    TEST(mistakes_say_what_would_be_right);
    return tap_done();
}
