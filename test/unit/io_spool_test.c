/* test/unit/io_spool_test.c */
#include "io/spool.h"

#include "base/clock.h"
#include "tap.h"

#include <fcntl.h>
#include <pthread.h>

static size_t read_all(int fd, char *out, size_t room)
{
    size_t len = 0;
    ssize_t n;

    while (len < room && (n = read(fd, out + len, room - len)) > 0)
        len += (size_t)n;
    return len;
}

static void what_is_put_comes_out_in_order(void)
{
    static char all[1 << 20];
    char want[32];
    struct spool *s;
    size_t at = 0, len;
    FILE *file = tmpfile();
    bool same = true;

    CHECK_EQ(spool_new(&s, fileno(file), 4096), 0);
    for (int i = 0; i < 20000; i++) {
        int n = snprintf(want, sizeof(want), "line %d\n", i);

        while (!spool_write(s, str_make(want, (size_t)n)))
            CHECK(spool_flush(s, 10 * NS_PER_S)); /* a ring of a page: wait, and again */
    }
    CHECK(spool_flush(s, 10 * NS_PER_S));
    spool_free(s, NS_PER_S);
    rewind(file);
    len = fread(all, 1, sizeof(all), file);
    for (int i = 0; i < 20000; i++) {
        size_t n = (size_t)snprintf(want, sizeof(want), "line %d\n", i);

        same = same && at + n <= len && memcmp(all + at, want, n) == 0;
        at += n;
    }
    CHECK(same);
    CHECK_EQ(at, len);
    fclose(file);
}

static void a_stuck_reader_loses_lines_and_blocks_nobody(void)
{
    char line[1024];
    struct spool *s;
    u64 began_ns = clock_now_ns();
    u32 put = 0, taken = 0;
    bool stuck = false;
    int fds[2];

    memset(line, 'x', sizeof(line));
    line[sizeof(line) - 1] = '\n';
    CHECK_EQ(pipe(fds), 0);
    CHECK_EQ(spool_new(&s, fds[1], 64 * 1024), 0);
    /* The first 64 KB go into the pipe, sooner or later; the next into the ring. */
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < 1024; i++, put++)
            taken += spool_write(s, str_make(line, sizeof(line)));
        stuck = !spool_flush(s, 50 * NS_PER_MS);
    }
    CHECK(stuck);
    CHECK(taken >= 64);
    CHECK(taken < 1024); /* the ring, the pipe, and what the writer holds */
    CHECK_EQ(spool_dropped(s), put - taken);
    spool_free(s, 20 * NS_PER_MS); /* interrupts the writer inside write() */
    CHECK(clock_now_ns() - began_ns < 5 * NS_PER_S);
    close(fds[0]);
    close(fds[1]);
}

static void a_reader_that_is_gone_is_noticed_without_a_signal(void)
{
    struct spool *s;
    int fds[2];

    CHECK_EQ(pipe(fds), 0);
    close(fds[0]);
    CHECK_EQ(spool_new(&s, fds[1], 4096), 0);
    CHECK(spool_write(s, STR("lost\n")));
    CHECK(spool_flush(s, 10 * NS_PER_S));
    CHECK(!spool_write(s, STR("refused\n")));
    spool_free(s, NS_PER_S);
    close(fds[1]);
}

static void it_goes_on_in_another_file(void)
{
    struct spool *s;
    int a[2], b[2];
    char text[16];

    CHECK_EQ(pipe(a), 0);
    CHECK_EQ(pipe(b), 0);
    CHECK_EQ(spool_new(&s, a[1], 4096), 0);
    CHECK(spool_write2(s, STR("one "), STR("two\n")));
    CHECK_EQ(spool_redirect(s, b[1], 10 * NS_PER_S), 0);
    CHECK(spool_write(s, STR("three\n")));
    spool_free(s, 10 * NS_PER_S);
    close(a[1]);
    close(b[1]);
    CHECK_STR(str_make(text, read_all(a[0], text, sizeof(text))), "one two\n");
    CHECK_STR(str_make(text, read_all(b[0], text, sizeof(text))), "three\n");
    close(a[0]);
    close(b[0]);
}

static void *put_many(void *arg)
{
    for (int i = 0; i < 2000; i++)
        while (!spool_write2(arg, STR("abc"), STR("def\n")))
            usleep(100);
    return NULL;
}

static void lines_of_many_threads_stay_whole(void)
{
    static char all[4 * 2000 * 7 + 1];
    FILE *file = tmpfile();
    pthread_t threads[4];
    struct spool *s;
    bool whole = true;

    CHECK_EQ(spool_new(&s, fileno(file), 8192), 0);
    for (int i = 0; i < 4; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, put_many, s), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    spool_free(s, 10 * NS_PER_S);
    rewind(file);
    CHECK_EQ(fread(all, 1, sizeof(all), file), 4 * 2000 * 7);
    for (int i = 0; i < 4 * 2000; i++)
        whole = whole && memcmp(all + i * 7, "abcdef\n", 7) == 0;
    CHECK(whole);
    fclose(file);
}

static void only_a_reader_that_moves_is_worth_waiting_for(void)
{
    static char line[4096];
    u64 now_ns = 100 * NS_PER_S;
    struct spool *s;
    int fds[2];

    CHECK_EQ(pipe(fds), 0);
    CHECK_EQ(spool_new(&s, fds[1], 64 * 1024), 0);
    CHECK(!spool_congested(s, now_ns));
    memset(line, 'x', sizeof(line));
    for (int i = 0; i < 1000 && spool_dropped(s) == 0; i++) {
        if (!spool_write(s, str_make(line, sizeof(line))))
            break;
        usleep(100); /* the pipe fills first */
    }
    CHECK(spool_congested(s, now_ns));                    /* the benefit of the doubt */
    CHECK(!spool_congested(s, now_ns + 300 * NS_PER_MS)); /* nothing has moved since */
    spool_free(s, 0);
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    TEST(what_is_put_comes_out_in_order);
    TEST(a_stuck_reader_loses_lines_and_blocks_nobody);
    TEST(a_reader_that_is_gone_is_noticed_without_a_signal);
    TEST(it_goes_on_in_another_file);
    TEST(lines_of_many_threads_stay_whole);
    TEST(only_a_reader_that_moves_is_worth_waiting_for);
    return tap_done();
}
