/* test/unit/io_sock_test.c */
#include "io/sock.h"

#include "tap.h"

#include <fcntl.h>
#include <sys/stat.h>

static void a_message_carries_descriptors(void)
{
    int pair[2], pipe_fds[2], got[2], fd_flags;
    char text[16];
    u32 n = 0;

    CHECK_EQ(sock_pair(pair), 0);
    CHECK_EQ(pipe(pipe_fds), 0);
    CHECK_EQ(sock_send_msg(pair[0], "hello", 5, pipe_fds, 2), 0);
    CHECK_EQ(sock_recv_msg(pair[1], text, sizeof(text), got, 2, &n), 5);
    CHECK_EQ(n, 2);
    fd_flags = fcntl(got[0], F_GETFD);
    CHECK(fd_flags & FD_CLOEXEC);
    CHECK_EQ(write(got[1], "x", 1), 1);
    CHECK_EQ(read(pipe_fds[0], text, 1), 1);
    CHECK_EQ(sock_recv_msg(pair[1], text, sizeof(text), got, 2, &n), -EAGAIN);
    close(pair[0]);
    CHECK_EQ(sock_recv_msg(pair[1], text, sizeof(text), got, 2, &n), 0);
    CHECK_EQ(sock_send_msg(pair[1], "x", 1, NULL, 0), -EPIPE);
    close(pair[1]);
    for (int i = 0; i < 2; i++) {
        close(got[i]);
        close(pipe_fds[i]);
    }
}

static u32 open_fds(void)
{
    u32 n = 0;

    for (int fd = 0; fd < 64; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static void descriptors_that_nobody_wants_are_closed(void)
{
    u32 before = open_fds(), n = 9;
    int pair[2], got[1], sent[3] = { 1, 1, 1 };
    char text[4];

    CHECK_EQ(sock_pair(pair), 0);
    CHECK_EQ(sock_send_msg(pair[0], "abcd", 4, sent, 3), 0);
    CHECK_EQ(sock_recv_msg(pair[1], text, 4, got, 1, &n), 4);
    CHECK_EQ(n, 1);
    close(got[0]);
    /* Too long for the room: gone with all that it carried. */
    CHECK_EQ(sock_send_msg(pair[0], "abcdefgh", 8, sent, 3), 0);
    CHECK_EQ(sock_recv_msg(pair[1], text, 4, got, 1, &n), -EMSGSIZE);
    CHECK_EQ(n, 0);
    close(pair[0]);
    close(pair[1]);
    CHECK_EQ(open_fds(), before);
}

static void port_0_listens_on_a_free_port_and_says_which(void)
{
    struct sock_listen_conf conf = { .backlog = 16 };
    struct addr a, bound;
    int fd;

    CHECK(addr_parse_ip(STR("127.0.0.1"), &a));
    fd = sock_listen_tcp(&a, &conf);
    CHECK(fd >= 0);
    CHECK_EQ(sock_local(fd, &bound), 0);
    CHECK(bound.port != 0);
    /* The same port again is refused while somebody listens. */
    CHECK_EQ(sock_listen_tcp(&bound, &conf), -EADDRINUSE);
    CHECK_EQ(sock_accept(fd), -EAGAIN);
    close(fd);
}

static void a_unix_listener_has_its_mode_and_knows_its_peers(void)
{
    char dir[] = "/tmp/fettle-test-XXXXXX", path[64], long_path[200];
    struct sock_peer peer;
    struct stat st;
    int fd, client, conn;

    CHECK(mkdtemp(dir) != NULL);
    snprintf(path, sizeof(path), "%s/s", dir);
    fd = sock_listen_unix(path, SOCK_SEQPACKET, 8, 0600);
    CHECK(fd >= 0);
    CHECK_EQ(stat(path, &st), 0);
    CHECK_EQ(st.st_mode & 0777, 0600);
    CHECK_EQ(sock_listen_unix(path, SOCK_SEQPACKET, 8, 0600), -EADDRINUSE);
    client = sock_connect_unix(path, SOCK_SEQPACKET);
    CHECK(client >= 0);
    conn = sock_accept(fd);
    CHECK(conn >= 0);
    CHECK_EQ(sock_peer(conn, &peer), 0);
    CHECK_EQ(peer.pid, getpid());
    CHECK_EQ(peer.uid, geteuid());
    close(conn);
    close(client);
    close(fd);
    CHECK_EQ(sock_connect_unix(path, SOCK_SEQPACKET), -ECONNREFUSED);
    unlink(path);
    CHECK_EQ(sock_connect_unix(path, SOCK_SEQPACKET), -ENOENT);
    rmdir(dir);
    memset(long_path, 'x', sizeof(long_path));
    long_path[sizeof(long_path) - 1] = 0;
    CHECK_EQ(sock_listen_unix(long_path, SOCK_STREAM, 8, 0600), -ENAMETOOLONG);
}

int main(void)
{
    TEST(a_message_carries_descriptors);
    TEST(descriptors_that_nobody_wants_are_closed);
    TEST(port_0_listens_on_a_free_port_and_says_which);
    TEST(a_unix_listener_has_its_mode_and_knows_its_peers);
    return tap_done();
}
