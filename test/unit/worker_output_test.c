/* test/unit/worker_output_test.c */
#include "worker/output.h"

#include "tap.h"

#include <fcntl.h>

static struct loop *loop;
static const struct output_app app = { .name = "shop" };
static const struct output_app named = { .name = "shop", .is_named = true };
static FILE *files[2];
static char text[256 * 1024];

static struct output_sink sink_to_files(bool json)
{
    struct output_sink sink = { .json = json };

    for (int i = 0; i < 2; i++) {
        files[i] = tmpfile();
        CHECK_EQ(spool_new(&sink.spool[i], fileno(files[i]), 1 << 20), 0);
    }
    return sink;
}

/* Runs the loop until the worker's lines have come out; ends the sink; what is in stream `i`. */
static struct str end_and_read(struct output *o, struct output_sink *sink, int i)
{
    output_done(o);
    for (int k = 0; k < 2; k++)
        CHECK(spool_flush(sink->spool[k], 10 * NS_PER_S));
    rewind(files[i]);
    return str_make(text, fread(text, 1, sizeof(text), files[i]));
}

static void sink_end(struct output_sink *sink)
{
    output_sink_done(sink, NS_PER_S);
    fclose(files[0]);
    fclose(files[1]);
}

static void put(int fd, const char *s)
{
    CHECK_EQ(write(fd, s, strlen(s)), strlen(s));
}

static void of_several_apps_a_line_names_its_own(void)
{
    for (int json = 0; json < 2; json++) {
        struct output_sink sink = sink_to_files(json);
        struct output o;
        int fds[2];

        CHECK_EQ(output_init(&o, &sink, &named, loop, 3, fds), 0);
        put(fds[0], "one\n");
        close(fds[0]);
        close(fds[1]);
        struct str said = end_and_read(&o, &sink, 0);

        if (json)
            CHECK(memmem(said.ptr, said.len, "Z\",\"app\":\"shop\",\"worker\":3,", 27));
        else
            CHECK_STR(said, "shop 3 | one\n");
        sink_end(&sink);
    }
}

static void lines_are_marked_and_streams_stay_apart(void)
{
    struct output_sink sink = sink_to_files(false);
    AUTO(buf_done) struct buf tail = { 0 };
    struct output o;
    int fds[2];

    CHECK_EQ(output_init(&o, &sink, &app, loop, 3, fds), 0);
    put(fds[0], "one\n\ntw");
    loop_turn(loop, 0);
    put(fds[0], "o\nthe end");
    put(fds[1], "oops\n");
    close(fds[0]);
    close(fds[1]);
    output_settle(&o);
    CHECK_STR(end_and_read(&o, &sink, 1), "3 | oops\n");
    CHECK_STR(end_and_read(&o, &sink, 0), "3 | one\n3 | \n3 | two\n3 | the end\n");
    output_tail(&o, &tail);
    CHECK_STR(buf_str(&tail), "\n    one\n    \n    two\n    the end\n    oops");
    sink_end(&sink);
}

static void a_line_without_an_end_comes_after_a_while(void)
{
    struct output_sink sink = sink_to_files(false);
    struct output o;
    int fds[2];

    CHECK_EQ(output_init(&o, &sink, &app, loop, 1, fds), 0);
    put(fds[0], "Name? ");
    for (int i = 0; i < 1000 && o.lines == 0; i++)
        loop_turn(loop, 100);
    CHECK_EQ(o.lines, 1);
    close(fds[0]);
    close(fds[1]);
    CHECK_STR(end_and_read(&o, &sink, 0), "1 | Name? \n");
    sink_end(&sink);
}

static void a_line_too_long_is_split(void)
{
    struct output_sink sink = sink_to_files(false);
    static char line[OUTPUT_LINE_MAX + 11];
    struct output o;
    struct str got;
    int fds[2];

    memset(line, 'x', sizeof(line));
    line[sizeof(line) - 1] = '\n';
    CHECK_EQ(output_init(&o, &sink, &app, loop, 1, fds), 0);
    CHECK(fcntl(fds[0], F_SETPIPE_SZ, 1 << 18) >= (int)sizeof(line));
    CHECK_EQ(write(fds[0], line, sizeof(line)), sizeof(line));
    close(fds[0]);
    close(fds[1]);
    got = end_and_read(&o, &sink, 0);
    CHECK_EQ(got.len, 4 + OUTPUT_LINE_MAX + 1 + 4 + 10 + 1);
    CHECK(memcmp(got.ptr + 4 + OUTPUT_LINE_MAX, "\n1 | xxxxxxxxxx\n", 16) == 0);
    sink_end(&sink);
}

static void json_lines_hold_text_or_the_object_itself(void)
{
    struct output_sink sink = sink_to_files(true);
    struct output o;
    struct str got;
    int fds[2];

    CHECK_EQ(output_init(&o, &sink, &app, loop, 2, fds), 0);
    o.pid = 77;
    put(fds[0], "say \"hi\"\n{\"level\":30}\n{\"x\":1}}\n");
    close(fds[0]);
    close(fds[1]);
    got = end_and_read(&o, &sink, 0);
    CHECK(got.len < sizeof(text));
    text[got.len] = 0;
    CHECK(strstr(text,
                 "\"worker\":2,\"pid\":77,\"stream\":\"stdout\",\"text\":\"say \\\"hi\\\"\"}\n"));
    CHECK(strstr(text, "\"stream\":\"stdout\",\"json\":{\"level\":30}}\n"));
    CHECK(strstr(text, "\"text\":\"{\\\"x\\\":1}}\"}\n"));
    CHECK(strncmp(text, "{\"time\":\"20", 11) == 0);
    sink_end(&sink);
}

static void only_the_last_lines_are_kept(void)
{
    struct output_sink sink = sink_to_files(false);
    AUTO(buf_done) struct buf tail = { 0 };
    struct output o;
    int fds[2];

    CHECK_EQ(output_init(&o, &sink, &app, loop, 1, fds), 0);
    for (int i = 0; i < 100; i++) {
        char line[16];

        snprintf(line, sizeof(line), "%d\n", i);
        put(fds[0], line);
    }
    close(fds[0]);
    close(fds[1]);
    output_done(&o);
    output_tail(&o, &tail);
    CHECK(str_starts(buf_str(&tail), STR("\n    80\n    81\n")));
    CHECK(str_ends(buf_str(&tail), STR("\n    99")));
    sink_end(&sink);
}

int main(void)
{
    CHECK_EQ(loop_new(&loop), 0);
    TEST(of_several_apps_a_line_names_its_own);
    TEST(lines_are_marked_and_streams_stay_apart);
    TEST(a_line_without_an_end_comes_after_a_while);
    TEST(a_line_too_long_is_split);
    TEST(json_lines_hold_text_or_the_object_itself);
    TEST(only_the_last_lines_are_kept);
    loop_free(loop);
    return tap_done();
}
