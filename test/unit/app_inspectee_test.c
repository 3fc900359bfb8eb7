/* app_inspectee_test -- TARGET as people write it */
#include "tap.h"

#include "app/inspectee.h"

static void address(const char *word, const char *host, u32 port, const char *path)
{
    struct inspectee t;
    struct problem p;

    CHECK_EQ(inspectee_parse(&t, word, &p), 0);
    CHECK_EQ(t.kind, INSPECTEE_ADDRESS);
    CHECK_STR(t.host, host);
    CHECK_EQ(t.port, port);
    CHECK_STR(t.path, path);
}

static void app(const char *word)
{
    struct inspectee t;
    struct problem p;

    CHECK_EQ(inspectee_parse(&t, word, &p), 0);
    CHECK_EQ(t.kind, INSPECTEE_APP);
}

static void an_address_a_process_and_a_worker_are_told_apart(void)
{
    struct inspectee t;
    struct problem p;

    address("127.0.0.1:9229", "127.0.0.1", 9229, "");
    address("localhost:9229", "localhost", 9229, "");
    address(":9229", "127.0.0.1", 9229, "");
    address("[::1]:9229", "::1", 9229, "");
    address("ws://127.0.0.1:9229/0f2c-936f", "127.0.0.1", 9229, "/0f2c-936f");
    address("ws://10.0.0.1:80", "10.0.0.1", 80, "");
    CHECK_EQ(inspectee_parse(&t, "4711", &p), 0);
    CHECK(t.kind == INSPECTEE_PROCESS && t.pid == 4711);
    app("shop");
    app("shop/2");
    app("@scope/shop");
    app("shop:x");
    app("a:70000");
}

static void what_cannot_be_is_named(void)
{
    struct inspectee t;
    struct problem p;

    CHECK_EQ(inspectee_parse(&t, "0", &p), -EINVAL);
    CHECK_STR(str_of(p.text), "\"0\" is no process id");
    CHECK_EQ(inspectee_parse(&t, "99999999999", &p), -EINVAL);
    CHECK_EQ(inspectee_parse(&t, "ws://nowhere", &p), -EINVAL);
}

static void a_host_is_looked_up(void)
{
    struct inspectee t;
    struct problem p;
    struct addr a;
    char text[ADDR_TEXT_MAX];

    CHECK_EQ(inspectee_parse(&t, "[::1]:9229", &p), 0);
    CHECK_EQ(inspectee_addr(&t, &a, &p), 0);
    CHECK_STR(addr_text(&a, text), "[::1]:9229");
}

int main(void)
{
    TEST(an_address_a_process_and_a_worker_are_told_apart);
    TEST(what_cannot_be_is_named);
    TEST(a_host_is_looked_up);
    return tap_done();
}
