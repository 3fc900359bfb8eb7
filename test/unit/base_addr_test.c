/* test/unit/base_addr_test.c -- network addresses and ranges of them */
#include "base/addr.h"

#include "tap.h"

#include <arpa/inet.h>

static u64 seed = 0xadd;

static u32 any(u32 below)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (u32)(seed >> 33) % below;
}

static struct addr ip(const char *text)
{
    struct addr a = { 0 };

    CHECK(addr_parse_ip(str_of(text), &a));
    return a;
}

static bool has(const char *range, const char *text)
{
    struct cidr c;
    struct addr a = ip(text);

    CHECK(cidr_parse(str_of(range), &c));
    return cidr_has(&c, &a);
}

static void addresses_are_read_and_written_back(void)
{
    static const char *const same[] = { "127.0.0.1", "0.0.0.0",     "255.255.255.255",
                                        "::1",       "2001:db8::1", "::",
                                        "fe80::1",   "64:ff9b::a",  "1:2:3:4:5:6:7:8" };
    char out[ADDR_TEXT_MAX];

    for (u32 i = 0; i < ARRAY_LEN(same); i++) {
        struct addr a = ip(same[i]);

        CHECK_STR(addr_ip_text(&a, out), same[i]);
    }
}

static void what_is_no_address_is_refused(void)
{
    static const char *const bad[] = { "",
                                       "localhost",
                                       "127.0.0",
                                       "127.0.0.1.1",
                                       "127.0.0.256",
                                       "127.0.0.1 ",
                                       " 127.0.0.1",
                                       "1.2.3.4:80",
                                       "::1::",
                                       "[::1",
                                       "::1]",
                                       "[]",
                                       "0x7f.1",
                                       "fe80::1%lo",
                                       "1.2.3.4/8",
                                       "[",
                                       "::ffff:1.2.3.4:5" };
    struct addr a = { .family = 99 };
    char long_text[100];

    for (u32 i = 0; i < ARRAY_LEN(bad); i++)
        CHECK(!addr_parse_ip(str_of(bad[i]), &a));
    memset(long_text, '1', sizeof(long_text));
    CHECK(!addr_parse_ip(str_make(long_text, sizeof(long_text)), &a));
    CHECK(!addr_parse_ip(str_make("1.2.3.4\0", 8), &a));
    CHECK_EQ(a.family, 99);
}

static void a_mapped_address_is_the_ipv4_one(void)
{
    struct addr four = ip("10.1.2.3"), mapped = ip("::ffff:10.1.2.3"), hex = ip("::ffff:a01:203");
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(80) };
    char out[ADDR_TEXT_MAX];

    CHECK(memcmp(&four, &mapped, sizeof(four)) == 0);
    CHECK(memcmp(&four, &hex, sizeof(four)) == 0);
    inet_pton(AF_INET6, "::ffff:10.1.2.3", &in6.sin6_addr);
    struct addr from = addr_of((struct sockaddr *)&in6);
    CHECK_STR(addr_text(&from, out), "10.1.2.3:80");
    CHECK(has("10.0.0.0/8", "::ffff:10.1.2.3"));
    CHECK(!has("::/0", "::ffff:10.1.2.3"));
}

static void a_sockaddr_comes_back_the_same(void)
{
    for (int round = 0; round < 500; round++) {
        struct addr a = { .family = round % 2 ? AF_INET : AF_INET6, .port = (u16)any(65536) };
        struct sockaddr_storage sa;

        for (int i = 0; i < (round % 2 ? 4 : 16); i++)
            a.ip[i] = (u8)any(256);
        if (round % 2 == 0)
            a.ip[0] |= 0x20; /* not a mapped one */
        CHECK(addr_sockaddr(&a, &sa) > 0);
        struct addr b = addr_of((struct sockaddr *)&sa);
        CHECK(memcmp(&a, &b, sizeof(a)) == 0);
    }
}

static void the_text_with_a_port_has_brackets_for_ipv6(void)
{
    struct addr four = ip("1.2.3.4"), six = ip("2001:db8::1"), local = { .family = AF_UNIX },
                none = { 0 };
    char out[ADDR_TEXT_MAX];

    four.port = 80;
    six.port = 65535;
    CHECK_STR(addr_text(&four, out), "1.2.3.4:80");
    CHECK_STR(addr_text(&six, out), "[2001:db8::1]:65535");
    CHECK_STR(addr_text(&local, out), "unix");
    CHECK_STR(addr_text(&none, out), "");
    CHECK_STR(addr_ip_text(&none, out), "");
}

static void brackets_are_read_around_ipv6(void)
{
    struct addr a = ip("[::1]"), b = ip("::1");

    CHECK(memcmp(&a, &b, sizeof(a)) == 0);
}

static void loopback_and_any_are_known(void)
{
    struct addr a = ip("127.0.0.1"), b = ip("127.255.0.9"), c = ip("::1"), d = ip("128.0.0.1"),
                e = ip("0.0.0.0"), f = ip("::"), g = ip("::ffff:127.0.0.1"),
                u = { .family = AF_UNIX };

    CHECK(addr_is_loopback(&a) && addr_is_loopback(&b) && addr_is_loopback(&c));
    CHECK(addr_is_loopback(&g) && addr_is_loopback(&u));
    CHECK(!addr_is_loopback(&d) && !addr_is_loopback(&e) && !addr_is_loopback(&f));
    CHECK(addr_is_any(&e) && addr_is_any(&f));
    CHECK(!addr_is_any(&a) && !addr_is_any(&u));
}

static void ranges_hold_what_shares_their_first_bits(void)
{
    CHECK(has("10.0.0.0/8", "10.255.0.1"));
    CHECK(!has("10.0.0.0/8", "11.0.0.0"));
    CHECK(has("172.16.0.0/12", "172.31.255.255"));
    CHECK(!has("172.16.0.0/12", "172.32.0.0"));
    CHECK(has("192.168.1.7", "192.168.1.7"));
    CHECK(!has("192.168.1.7", "192.168.1.6"));
    CHECK(has("0.0.0.0/0", "8.8.8.8"));
    CHECK(!has("0.0.0.0/0", "2001:db8::1"));
    CHECK(has("fe80::/10", "febf::1"));
    CHECK(!has("fe80::/10", "fec0::1"));
    CHECK(has("::/0", "2001:db8::1"));
    CHECK(has("2001:db8::1/128", "2001:db8::1"));
    CHECK(!has("2001:db8::1/128", "2001:db8::2"));
    CHECK(has("10.1.2.3/8", "10.9.9.9")); /* bits behind the prefix do not matter */
}

/* Against the definition: the first `bits` bits are the same. */
static void a_range_has_exactly_the_addresses_with_its_prefix(void)
{
    for (int round = 0; round < 20000; round++) {
        u32 size = round % 2 ? 4 : 16, bits = any(size * 8 + 1);
        struct cidr c = { .base.family = round % 2 ? AF_INET : AF_INET6, .bits = bits };
        struct addr a = { .family = c.base.family };
        bool want = true;

        for (u32 i = 0; i < size; i++)
            a.ip[i] = c.base.ip[i] = (u8)any(256);
        u32 flip = any(size * 8);
        a.ip[flip / 8] ^= (u8)(0x80 >> flip % 8);
        for (u32 i = 0; i < bits; i++)
            if (((a.ip[i / 8] ^ c.base.ip[i / 8]) << i % 8) & 0x80)
                want = false;
        CHECK_EQ(cidr_has(&c, &a), want);
    }
}

static void ranges_may_be_unix_peers(void)
{
    struct cidr c;
    struct addr local = { .family = AF_UNIX }, four = ip("127.0.0.1"), none = { 0 };

    CHECK(cidr_parse(STR("unix"), &c));
    CHECK(cidr_has(&c, &local));
    CHECK(!cidr_has(&c, &four));
    CHECK(!cidr_has(&c, &none));
}

static void what_is_no_range_is_refused(void)
{
    static const char *const bad[] = {
        "",   "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8/8", "::1/129",
        "/8", "10.0.0/8",  "10.0.0.0/ 8", "unix/0",      "10.0.0.0/8 ",  "any"
    };
    struct cidr c = { .bits = 77 };

    for (u32 i = 0; i < ARRAY_LEN(bad); i++)
        CHECK(!cidr_parse(str_of(bad[i]), &c));
    CHECK_EQ(c.bits, 77);
}

/* Bits are counted in the address as it was written: ::ffff:0:0/96 is all of IPv4, and 24 bits of
 * a mapped address are no IPv4 range at all. */
static void a_mapped_range_is_counted_in_128_bits(void)
{
    struct cidr c;

    CHECK(has("::ffff:10.0.0.0/104", "10.200.0.1"));
    CHECK(!has("::ffff:10.0.0.0/104", "11.0.0.1"));
    CHECK(has("::ffff:10.1.2.3/128", "10.1.2.3"));
    CHECK(has("::ffff:10.1.2.3", "10.1.2.3"));
    CHECK(!has("::ffff:10.1.2.3", "10.1.2.4"));
    CHECK(has("::ffff:0:0/96", "8.8.8.8"));
    CHECK(!cidr_parse(STR("::ffff:10.0.0.0/24"), &c));
}

int main(void)
{
    TEST(addresses_are_read_and_written_back);
    TEST(what_is_no_address_is_refused);
    TEST(a_mapped_address_is_the_ipv4_one);
    TEST(a_sockaddr_comes_back_the_same);
    TEST(the_text_with_a_port_has_brackets_for_ipv6);
    TEST(brackets_are_read_around_ipv6);
    TEST(loopback_and_any_are_known);
    TEST(ranges_hold_what_shares_their_first_bits);
    TEST(a_range_has_exactly_the_addresses_with_its_prefix);
    TEST(ranges_may_be_unix_peers);
    TEST(what_is_no_range_is_refused);
    TEST(a_mapped_range_is_counted_in_128_bits);
    return tap_done();
}
