/* test/unit/proxy_pipe_test.c -- bodies through a pipe */
#include "proxy/pipe.h"

#include "tap.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static struct pipe_pool pool;

static void sockets(int fd[2])
{
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) == 0);
}

static void bytes_pass_in_their_order(void)
{
    static char in[50000], out[sizeof(in)];
    struct pipe *p = pipe_take(&pool);
    int from[2], to[2];
    size_t got = 0;
    ssize_t n;

    sockets(from);
    sockets(to);
    for (size_t i = 0; i < sizeof(in); i++)
        in[i] = (char)(i * 7 + i / 251);
    CHECK(p != NULL);
    CHECK_EQ(pipe_fill(p, from[1], 100), 0); /* nothing yet */
    CHECK_EQ(write(from[0], in, sizeof(in)), sizeof(in));
    CHECK_EQ(pipe_fill(p, from[1], 1000), 1000); /* no more than was asked for */
    CHECK_EQ(pipe_drain(p, to[0]), 1000);
    CHECK_EQ(p->bytes, 0);
    while ((n = pipe_fill(p, from[1], sizeof(in))) > 0)
        while (p->bytes)
            CHECK(pipe_drain(p, to[0]) > 0);
    CHECK_EQ(n, 0);
    while ((n = read(to[1], out + got, sizeof(out) - got)) > 0)
        got += (size_t)n;
    CHECK_EQ(got, sizeof(in));
    CHECK(memcmp(in, out, sizeof(in)) == 0);
    close(from[0]);
    CHECK_EQ(pipe_fill(p, from[1], 100), -EPIPE); /* the end */
    close(from[1]);
    close(to[0]);
    close(to[1]);
    pipe_give(&pool, &p);
    CHECK(p == NULL && pool.free_count == 1);
}

static void what_the_socket_does_not_take_stays(void)
{
    static char in[4000000];
    struct pipe *p = pipe_take(&pool);
    int from[2], to[2];
    size_t passed = 0, got = 0;
    ssize_t n = 1;

    sockets(from);
    sockets(to);
    while (n > 0) {
        CHECK(p->bytes || write(from[0], in, 30000) == 30000);
        if (p->bytes == 0)
            CHECK(pipe_fill(p, from[1], 30000) > 0);
        n = pipe_drain(p, to[0]);
        passed += n > 0 ? (size_t)n : 0;
    }
    CHECK_EQ(n, -EAGAIN);
    CHECK(p->bytes > 0);
    while ((n = read(to[1], in, sizeof(in))) > 0)
        got += (size_t)n;
    CHECK_EQ(got, passed);
    CHECK(pipe_drain(p, to[0]) > 0);
    close(to[1]);
    if (p->bytes == 0)
        CHECK(pipe_fill(p, from[1], 30000) >= 0);
    CHECK(write(from[0], in, 1000) == 1000);
    CHECK(p->bytes || pipe_fill(p, from[1], 1000) > 0);
    n = pipe_drain(p, to[0]);
    CHECK(n == -EPIPE || n == -ECONNRESET);
    close(to[0]);
    close(from[0]);
    close(from[1]);
    pipe_give(&pool, &p); /* with what is in it */
    CHECK_EQ(pool.free_count, 0);
}

static void without_descriptors_there_is_none(void)
{
    struct rlimit old, none = { 3, 3 };
    struct pipe *p;

    CHECK(getrlimit(RLIMIT_NOFILE, &old) == 0);
    none.rlim_max = old.rlim_max;
    CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
    CHECK(pipe_take(&pool) == NULL);
    CHECK(setrlimit(RLIMIT_NOFILE, &old) == 0);
    p = pipe_take(&pool);
    CHECK(p != NULL);
    pipe_give(&pool, &p);
    pipe_give(&pool, &p); /* NULL is accepted */
}

static void few_are_kept(void)
{
    struct pipe *p[PIPE_KEEP_MAX + 4];

    for (size_t i = 0; i < ARRAY_LEN(p); i++)
        p[i] = pipe_take(&pool);
    for (size_t i = 0; i < ARRAY_LEN(p); i++)
        pipe_give(&pool, &p[i]);
    CHECK_EQ(pool.free_count, PIPE_KEEP_MAX);
    while (pool.free) {
        struct pipe *last = pipe_take(&pool);

        last->bytes = 1; /* not kept */
        pipe_give(&pool, &last);
    }
}

static void no_more_are_taken_than_may_be(void)
{
    struct pipe *p[PIPE_TAKEN_MAX + 1];

    for (size_t i = 0; i < ARRAY_LEN(p); i++)
        p[i] = pipe_take(&pool);
    CHECK(p[PIPE_TAKEN_MAX - 1] != NULL);
    CHECK(p[PIPE_TAKEN_MAX] == NULL);
    pipe_give(&pool, &p[0]);
    p[0] = pipe_take(&pool);
    CHECK(p[0] != NULL);
    for (size_t i = 0; i < ARRAY_LEN(p); i++) {
        if (p[i])
            p[i]->bytes = 1; /* not kept */
        pipe_give(&pool, &p[i]);
    }
    CHECK_EQ(pool.taken, 0);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    TEST(bytes_pass_in_their_order);
    TEST(what_the_socket_does_not_take_stays);
    TEST(without_descriptors_there_is_none);
    TEST(few_are_kept);
    TEST(no_more_are_taken_than_may_be);
    return tap_done();
}
