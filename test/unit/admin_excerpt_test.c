/* Lines of a source file. */
#include "admin/excerpt.h"

#include "tap.h"

#include <fcntl.h>
#include <sys/stat.h>

static char path[] = "/tmp/fettle-excerpt-XXXXXX";
static struct buf text;
static struct str lines[4];

static void begin(const char *content)
{
    int fd = open(path, O_WRONLY | O_TRUNC);

    assert(fd >= 0 && write(fd, content, strlen(content)) == (ssize_t)strlen(content));
    close(fd);
}

static void lines_around_a_line_are_read(void)
{
    begin("one\ntwo\nthree\nfour\nfive");
    CHECK_EQ(excerpt_read(path, 3, 1, lines, 4, &text), 0);
    CHECK_STR(lines[0], "two");
    CHECK_STR(lines[1], "three");
    CHECK_STR(lines[3], "five");
    CHECK_EQ(excerpt_read(path, 1, 2, lines, 4, &text), 0);
    CHECK_EQ(lines[0].len + lines[1].len, 0);
    CHECK_STR(lines[2], "one");
    CHECK_STR(lines[3], "two");
    CHECK_EQ(excerpt_read(path, 5, 0, lines, 4, &text), 0);
    CHECK_STR(lines[0], "five");
    CHECK_EQ(lines[1].len, 0);
}

static void a_line_that_is_not_there_is_empty(void)
{
    begin("one\n");
    CHECK_EQ(excerpt_read(path, 4000000000u, 1, lines, 4, &text), 0);
    CHECK_EQ(lines[1].len, 0);
    begin("");
    CHECK_EQ(excerpt_read(path, 1, 0, lines, 4, &text), 0);
    CHECK_EQ(lines[0].len, 0);
}

static void what_is_no_file_or_too_large_is_refused(void)
{
    char fifo[64];

    lines[0] = STR("left");
    CHECK(excerpt_read("/nowhere/x.js", 1, 0, lines, 4, &text) < 0);
    CHECK_EQ(lines[0].len, 0);
    CHECK(excerpt_read("/tmp", 1, 0, lines, 4, &text) < 0);
    snprintf(fifo, sizeof(fifo), "%s.fifo", path);
    assert(mkfifo(fifo, 0600) == 0);
    CHECK(excerpt_read(fifo, 1, 0, lines, 4, &text) < 0); /* and nobody waits for its writer */
    unlink(fifo);
    assert(truncate(path, 100 << 20) == 0);
    CHECK(excerpt_read(path, 1, 0, lines, 4, &text) < 0);
}

int main(void)
{
    int fd = mkstemp(path);

    assert(fd >= 0);
    close(fd);
    TEST(lines_around_a_line_are_read);
    TEST(a_line_that_is_not_there_is_empty);
    TEST(what_is_no_file_or_too_large_is_refused);
    unlink(path);
    buf_done(&text);
    return tap_done();
}
