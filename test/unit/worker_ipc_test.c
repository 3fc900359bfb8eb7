/* test/unit/worker_ipc_test.c -- Node's own channel to its parent */
#include "worker/ipc.h"

#include "tap.h"

#include <sys/socket.h>

static void ready_is_a_line_of_its_own(void)
{
    struct ipc_line l = { 0 };

    CHECK_EQ(ipc_feed(&l, STR("\"ready\"\n")), 1);
    CHECK_EQ(ipc_feed(&l, STR("\"ready\"\n\"ready\"\n")), 2);
    CHECK_EQ(ipc_feed(&l, STR("ready\n\"ready \"\n{\"a\":\"ready\"}\n\n")), 0);
    CHECK_EQ(ipc_feed(&l, STR("\"ready\"x\n\"readyyyyyyyyyyyyyyyyyyyyy\"\n")), 0);
}

static void any_pieces_give_the_same(void)
{
    static const char text[] = "{\"cmd\":\"NODE_X\"}\n\"ready\"\n\"no\"\n\"ready\"\n";

    for (size_t step = 1; step < sizeof(text); step++) {
        struct ipc_line l = { 0 };
        u32 count = 0;

        for (size_t i = 0; i < sizeof(text) - 1; i += step)
            count += ipc_feed(&l, str_sub(str_of(text), i, step));
        CHECK_EQ(count, 2);
    }
}

static void a_line_without_end_takes_no_memory(void)
{
    struct ipc_line l = { 0 };
    char bytes[4096];

    memset(bytes, 'x', sizeof(bytes));
    for (int i = 0; i < 100; i++)
        CHECK_EQ(ipc_feed(&l, str_make(bytes, sizeof(bytes))), 0);
    CHECK_EQ(ipc_feed(&l, STR("\n\"ready\"\n")), 1);
}

static u32 readies;

static void ready(struct ipc *ipc)
{
    (void)ipc;
    readies++;
}

static void a_word_goes_and_comes_and_a_closed_end_is_no_harm(void)
{
    struct ipc ipc = { 0 };
    struct loop *loop;
    char got[64];
    int fd = -1;

    CHECK_EQ(loop_new(&loop), 0);
    CHECK_EQ(ipc_open(&ipc, loop, ready, &fd), 0);
    CHECK_EQ(ipc_send(&ipc, "shutdown"), 0);
    CHECK_EQ(read(fd, got, sizeof(got)), 11);
    CHECK_STR(str_make(got, 11), "\"shutdown\"\n");
    CHECK_EQ(write(fd, "\"ready\"\n", 8), 8);
    loop_turn(loop, 1000);
    CHECK_EQ(readies, 1);
    close(fd);
    loop_turn(loop, 1000);
    CHECK(!ipc.watch.loop);
    CHECK_EQ(ipc_send(&ipc, "shutdown"), -ENOTCONN);
    ipc_close(&ipc);
    loop_free(loop);
}

static void who_does_not_read_blocks_nobody(void)
{
    struct ipc ipc = { 0 };
    struct loop *loop;
    int fd = -1, r = 0;

    CHECK_EQ(loop_new(&loop), 0);
    CHECK_EQ(ipc_open(&ipc, loop, ready, &fd), 0);
    for (int i = 0; i < 1000000 && r == 0; i++)
        r = ipc_send(&ipc, "shutdown");
    CHECK_EQ(r, -EAGAIN);
    ipc_close(&ipc);
    close(fd);
    loop_free(loop);
}

int main(void)
{
    TEST(ready_is_a_line_of_its_own);
    TEST(any_pieces_give_the_same);
    TEST(a_line_without_end_takes_no_memory);
    TEST(a_word_goes_and_comes_and_a_closed_end_is_no_harm);
    TEST(who_does_not_read_blocks_nobody);
    return tap_done();
}
