/* inspect_tcp_listens_test -- the kernel's tables of sockets, and our own ones */
#include "tap.h"

#include "base/buf.h"
#include "inspect/tcp_listens.h"
#include "io/sock.h"

static const char head[] =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
    "inode\n";

static void listening_sockets_are_read_and_what_follows_them_is_not(void)
{
    AUTO(buf_done) struct buf text = { 0 };
    struct tcp_listens t = { 0 };
    char name[ADDR_TEXT_MAX];

    buf_add(&text, str_of(head));
    buf_add(&text,
            STR("   0: 0100007F:240D 00000000:0000 0A 00000000:00000000 00:00000000 00000000 "
                "    0        0 2961 1 0000000000000000 100 0 0 10 0\n"
                "   1: 00000000:0BB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000 "
                " 1000        0 4711 1 0000000000000000 100 0 0 10 0\n"
                "   2: 0100007F:8C12 0100007F:240D 01 00000000:00000000 00:00000000 00000000 "
                "    0        0 5000 1 0000000000000000 20 4 30 10 -1\n"
                "   3: 0100007F:0001 00000000:0000 0A 00000000:00000000 00:00000000 00000000 "
                "    0        0 5001 1 0000000000000000 100 0 0 10 0\n"));
    tcp_listens_parse(&t, buf_str(&text));
    CHECK_EQ(t.count, 2);
    CHECK_STR(addr_text(&t.at[0].addr, name), "127.0.0.1:9229");
    CHECK_EQ(t.at[0].inode, 2961);
    CHECK_STR(addr_text(&t.at[1].addr, name), "0.0.0.0:3000");
    CHECK(tcp_listens_port(&t, 9229) && tcp_listens_port(&t, 3000) && !tcp_listens_port(&t, 1));
}

static void ipv6_is_read_in_the_order_of_the_machine(void)
{
    struct tcp_listens t = { 0 };
    char name[ADDR_TEXT_MAX];

    tcp_listens_parse(&t, STR("   0: 00000000000000000000000001000000:1F90 "
                              "00000000000000000000000000000000:0000 0A 00000000:00000000 "
                              "00:00000000 00000000     0        0 77 1 0 100 0 0 10 0\n"));
    CHECK_EQ(t.count, 1);
    CHECK_STR(addr_text(&t.at[0].addr, name), "[::1]:8080");
}

static void nonsense_is_passed_over(void)
{
    struct tcp_listens t = { 0 };

    tcp_listens_parse(&t, STR("x\n\n   0: zz:1 0 0A\n  1: 0100007F:99999 0:0 0A 0 0 0 0 0 1\n"));
    CHECK_EQ(t.count, 0);
    tcp_listens_parse(&t, (struct str){ 0 });
    CHECK_EQ(t.count, 0);
}

static void a_socket_of_our_own_is_found_and_so_is_who_holds_it(void)
{
    struct addr any = { 0 }, bound;
    struct tcp_listens t;
    int fd;

    CHECK(addr_parse_ip(STR("127.0.0.1"), &any));
    fd = sock_listen_tcp(&any, &(struct sock_listen_conf){ 0 });
    CHECK(fd >= 0);
    CHECK_EQ(sock_local(fd, &bound), 0);
    CHECK_EQ(tcp_listens_of(&t, (u32)getpid()), 0);
    CHECK(tcp_listens_has(&t, &bound));
    CHECK(tcp_listens_port(&t, bound.port));
    CHECK_EQ(tcp_listens_holder((u32)getpid(), bound.port), getpid());
    close(fd);
    CHECK_EQ(tcp_listens_of(&t, (u32)getpid()), 0);
    CHECK(!tcp_listens_has(&t, &bound));
}

int main(void)
{
    TEST(listening_sockets_are_read_and_what_follows_them_is_not);
    TEST(ipv6_is_read_in_the_order_of_the_machine);
    TEST(nonsense_is_passed_over);
    TEST(a_socket_of_our_own_is_found_and_so_is_who_holds_it);
    return tap_done();
}
