/* tcp_owner: whose the other end of a connection is */
#include "io/tcp_owner.h"

#include "io/sock.h"
#include "tap.h"

static const struct addr theirs = { .family = AF_INET, .port = 0x9c40, .ip = { 127, 0, 0, 1 } };
static const struct addr ours = { .family = AF_INET, .port = 0x1f90, .ip = { 127, 0, 0, 1 } };

/* As the kernel of a little-endian machine prints it. */
static bool parse(const char *line, u32 *uid)
{
    return tcp_owner_parse(str_of(line), &theirs, &ours, uid);
}

static void the_line_of_the_connection_has_its_owner(void)
{
    u32 uid = 0;

    CHECK(
        parse("  12: 0100007F:9C40 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1000  "
              "      0 4711 1 0000000000000000 20 4 30 10 -1\n",
              &uid));
    CHECK_EQ(uid, 1000);
    CHECK(parse(" 123: 0000000000000000FFFF00000100007F:9C40 0000000000000000FFFF00000100007F:1F90 "
                "01 00000000:00000000 02:00000000 00000000 65534 0 1 1\n",
                &uid));
    CHECK_EQ(uid, 65534);
}

static void other_lines_are_passed_over(void)
{
    u32 uid = 7;

    CHECK(!parse(
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid", &uid));
    /* Our own end of it. */
    CHECK(!parse("  12: 0100007F:1F90 0100007F:9C40 01 0:0 00:0 0 1000 0 4711", &uid));
    CHECK(!parse("  12: 0100007F:9C41 0100007F:1F90 01 0:0 00:0 0 1000 0 4711", &uid));
    CHECK(!parse("  12: 0200007F:9C40 0100007F:1F90 01 0:0 00:0 0 1000 0 4711", &uid));
    CHECK(!parse("  12: 0100007F:9C40 0100007F:1F90 01 0:0 00:0", &uid));
    CHECK(!parse("  12: 0100007F:9C40 0100007F:1F90 01 0:0 00:0 0 root 0", &uid));
    CHECK(!parse("", &uid));
    CHECK_EQ(uid, 7);
}

/* A connection from a socket of this family, accepted. */
static int connection(int family, int *client)
{
    const struct sock_listen_conf conf = { .backlog = 1 };
    struct addr at = { .family = AF_INET, .ip = { 127, 0, 0, 1 } };
    AUTO(fd_closep) int listener = sock_listen_tcp(&at, &conf);
    struct sockaddr_in6 mapped = { .sin6_family = AF_INET6 };
    struct sockaddr_storage to;
    socklen_t len;

    assert(listener >= 0 && sock_local(listener, &at) == 0);
    *client = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*client < 0)
        return -1;
    len = addr_sockaddr(&at, &to);
    if (family == AF_INET6) {
        mapped.sin6_port = htons(at.port);
        memcpy(&mapped.sin6_addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\x01", 16);
        memcpy(&to, &mapped, sizeof(mapped));
        len = sizeof(mapped);
    }
    if (connect(*client, (struct sockaddr *)&to, len))
        return -1;
    for (;;) {
        int fd = sock_accept(listener);

        if (fd != -EAGAIN)
            return fd;
    }
}

static void the_peer_of_a_real_connection_is_us(void)
{
    AUTO(fd_closep) int client = -1;
    AUTO(fd_closep) int fd = connection(AF_INET, &client);
    u32 uid = UINT32_MAX;

    CHECK(fd >= 0);
    CHECK_EQ(tcp_owner(fd, &uid), 0);
    CHECK_EQ(uid, geteuid());
}

static void a_peer_with_an_ipv6_socket_is_found_too(void)
{
    AUTO(fd_closep) int client = -1;
    AUTO(fd_closep) int fd = connection(AF_INET6, &client);
    u32 uid = UINT32_MAX;

    if (fd < 0)
        return; /* a machine without IPv6 has no such peers */
    CHECK_EQ(tcp_owner(fd, &uid), 0);
    CHECK_EQ(uid, geteuid());
}

int main(void)
{
    TEST(the_line_of_the_connection_has_its_owner);
    TEST(other_lines_are_passed_over);
    TEST(the_peer_of_a_real_connection_is_us);
    TEST(a_peer_with_an_ipv6_socket_is_found_too);
    return tap_done();
}
