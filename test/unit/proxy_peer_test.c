/* test/unit/proxy_peer_test.c -- who the client is, and what of its claims is believed */
#include "proxy/peer.h"

#include "tap.h"

static struct settings_cidrs trust(const char *ranges)
{
    struct settings_cidrs t = { 0 };
    struct str rest = str_of(ranges);

    while (rest.len) {
        struct str one = str_cut(rest, ',', &rest);

        CHECK(cidr_parse(one, &t.range[t.count]));
        t.count++;
    }
    return t;
}

static struct addr ip(const char *text)
{
    struct addr a = { 0 };

    CHECK(addr_parse_ip(str_of(text), &a));
    return a;
}

/* The client that `peer` with this X-Forwarded-For stands for. */
static struct str client(const char *ranges, const char *peer, const char *forwarded_for)
{
    static char text[ADDR_TEXT_MAX];
    struct settings_cidrs t = trust(ranges);
    struct addr p = ip(peer), c = peer_client(&t, &p, str_of(forwarded_for));

    return addr_ip_text(&c, text);
}

static void nobody_is_trusted_by_default(void)
{
    struct settings_cidrs none = { 0 };
    struct addr local = ip("127.0.0.1"), unix_peer = { .family = AF_UNIX };

    CHECK(!peer_trusted(&none, &local));
    CHECK(!peer_trusted(&none, &unix_peer));
    CHECK_STR(client("", "127.0.0.1", "1.1.1.1"), "127.0.0.1");
}

static void any_of_the_ranges_makes_a_peer_trusted(void)
{
    struct settings_cidrs t = trust("10.0.0.0/8,::1,unix");
    struct addr in = ip("10.1.1.1"), out = ip("11.1.1.1"), six = ip("::1"),
                local = { .family = AF_UNIX };

    CHECK(peer_trusted(&t, &in));
    CHECK(peer_trusted(&t, &six));
    CHECK(peer_trusted(&t, &local));
    CHECK(!peer_trusted(&t, &out));
}

static void an_untrusted_peer_is_the_client_whatever_it_says(void)
{
    CHECK_STR(client("10.0.0.0/8", "8.8.8.8", "1.1.1.1"), "8.8.8.8");
    CHECK_STR(client("10.0.0.0/8", "8.8.8.8", "10.0.0.1"), "8.8.8.8");
}

static void a_trusted_peer_names_its_client(void)
{
    CHECK_STR(client("10.0.0.0/8", "10.0.0.1", "1.1.1.1"), "1.1.1.1");
    CHECK_STR(client("10.0.0.0/8", "10.0.0.1", ""), "10.0.0.1");
    CHECK_STR(client("10.0.0.0/8", "10.0.0.1", " 1.1.1.1 \t"), "1.1.1.1");
}

/* What stands left of the first untrusted address came from strangers. */
static void the_right_most_untrusted_address_is_the_client(void)
{
    CHECK_STR(client("10.0.0.0/8", "10.0.0.1", "6.6.6.6, 1.1.1.1"), "1.1.1.1");
    CHECK_STR(client("10.0.0.0/8", "10.0.0.1", "6.6.6.6, 1.1.1.1, 10.0.0.7,10.9.9.9"), "1.1.1.1");
    CHECK_STR(client("10.0.0.0/8", "10.0.0.1", "127.0.0.1,1.1.1.1"), "1.1.1.1");
    CHECK_STR(client("10.0.0.0/8", "10.0.0.1", "10.0.0.3,10.0.0.2"), "10.0.0.3");
}

static void what_is_no_address_ends_the_chain(void)
{
    CHECK_STR(client("10.0.0.0/8", "10.0.0.1", "1.1.1.1, unknown"), "10.0.0.1");
    CHECK_STR(client("10.0.0.0/8", "10.0.0.1", "1.1.1.1, nonsense, 10.0.0.2"), "10.0.0.2");
    CHECK_STR(client("10.0.0.0/8", "10.0.0.1", "1.1.1.1,"), "10.0.0.1");
    CHECK_STR(client("10.0.0.0/8", "10.0.0.1", ",,,"), "10.0.0.1");
    CHECK_STR(client("10.0.0.0/8", "10.0.0.1", "_hidden"), "10.0.0.1");
    CHECK_STR(client("10.0.0.0/8", "10.0.0.1", "1.1.1.1 2.2.2.2"), "10.0.0.1");
}

static void ports_and_brackets_are_understood(void)
{
    CHECK_STR(client("10.0.0.0/8", "10.0.0.1", "1.1.1.1:4711"), "1.1.1.1");
    CHECK_STR(client("10.0.0.0/8", "10.0.0.1", "[2001:db8::7]:443"), "2001:db8::7");
    CHECK_STR(client("10.0.0.0/8", "10.0.0.1", "[2001:db8::7]"), "2001:db8::7");
    CHECK_STR(client("10.0.0.0/8", "10.0.0.1", "2001:db8::7"), "2001:db8::7");
    CHECK_STR(client("10.0.0.0/8", "10.0.0.1", "::ffff:1.1.1.1"), "1.1.1.1");
    CHECK_STR(client("10.0.0.0/8", "10.0.0.1", "6.6.6.6, ::ffff:10.2.2.2"), "6.6.6.6");
}

static void the_port_of_a_named_client_is_unknown(void)
{
    struct settings_cidrs t = trust("127.0.0.0/8");
    struct addr peer = ip("127.0.0.1"), c;

    peer.port = 4000;
    c = peer_client(&t, &peer, STR("1.1.1.1:99"));
    CHECK_EQ(c.port, 0);
    c = peer_client(&t, &peer, STR(""));
    CHECK_EQ(c.port, 4000);
}

static void a_chain_of_any_length_and_any_bytes_has_an_end(void)
{
    static char chain[60000];
    size_t len = 0;
    u64 seed = 3;
    struct settings_cidrs t = trust("0.0.0.0/0,::/0,unix");
    struct addr peer = ip("127.0.0.1");

    while (len + 20 < sizeof(chain))
        len += (size_t)snprintf(chain + len, 20, "10.0.0.%zu,", len % 250);
    struct addr c = peer_client(&t, &peer, str_make(chain, len - 1));
    CHECK_EQ(c.family, AF_INET);
    for (int round = 0; round < 3000; round++) {
        size_t n = 1 + round % 60;

        for (size_t i = 0; i < n; i++) {
            seed = seed * 6364136223846793005ull + 1442695040888963407ull;
            chain[i] = "0123456789.:,[] %abcdef\0\xff"[(seed >> 33) % 25];
        }
        c = peer_client(&t, &peer, str_make(chain, n));
        CHECK(c.family == AF_INET || c.family == AF_INET6);
    }
}

static void the_agent_is_told_both_ends_as_node_would_show_them(void)
{
    struct addr four = ip("255.10.0.1"), six = ip("2001:db8::1"), local = ip("127.0.0.1");
    struct addr here = { .family = AF_UNIX };
    char out[PEER_TEXT_MAX];

    four.port = 65535;
    local.port = 80;
    CHECK(str_eq(peer_text(out, &four, &local, false), STR("255.10.0.1 65535 127.0.0.1 80")));
    CHECK(str_eq(peer_text(out, &four, &local, true),
                 STR("::ffff:255.10.0.1 65535 ::ffff:127.0.0.1 80")));
    CHECK(str_eq(peer_text(out, &six, &six, true), STR("2001:db8::1 0 2001:db8::1 0")));
    CHECK(str_eq(peer_text(out, &four, &here, false), STR("- 0 - 0")));
}

int main(void)
{
    TEST(nobody_is_trusted_by_default);
    TEST(any_of_the_ranges_makes_a_peer_trusted);
    TEST(an_untrusted_peer_is_the_client_whatever_it_says);
    TEST(a_trusted_peer_names_its_client);
    TEST(the_right_most_untrusted_address_is_the_client);
    TEST(what_is_no_address_ends_the_chain);
    TEST(ports_and_brackets_are_understood);
    TEST(the_port_of_a_named_client_is_unknown);
    TEST(a_chain_of_any_length_and_any_bytes_has_an_end);
    TEST(the_agent_is_told_both_ends_as_node_would_show_them);
    return tap_done();
}
