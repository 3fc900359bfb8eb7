/* test/unit/base_log_test.c -- one line, one write */
#include "base/log.h"

#include "tap.h"

#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>

static char last[16384];
static size_t last_len;
static u32 lines;
static enum log_level last_level;

static void keep(enum log_level level, struct str line)
{
    last_level = level;
    last_len = str_to_cstr(line, last, sizeof(last));
    lines++;
}

static void begin(enum log_level level, bool json)
{
    log_setup(&(struct log_conf){ .level = level, .json = json, .source = "proxy" });
    log_redirect(keep);
    lines = 0;
}

static void a_text_line_names_its_source_and_its_weight(void)
{
    begin(LOG_INFO, false);
    log_info("it is %d", 5);
    CHECK_STR(str_of(last), "proxy: it is 5\n");
    log_warn("careful");
    CHECK_STR(str_of(last), "proxy: warning: careful\n");
    CHECK_EQ(last_level, LOG_WARN);
    log_error("wrong");
    CHECK_STR(str_of(last), "proxy: error: wrong\n");
}

static void lines_below_the_level_are_not_written(void)
{
    begin(LOG_WARN, false);
    log_info("no");
    log_debug("no");
    CHECK_EQ(lines, 0);
    log_warn("yes");
    log_error("yes");
    CHECK_EQ(lines, 2);
}

static void a_json_line_is_one_object_whatever_the_text(void)
{
    static const char *const texts[] = {
        "plain", "a \"quote\" and a \\", "two\nlines\tand a tab", "not UTF-8: \xff\xfe", "", "ä €"
    };

    begin(LOG_DEBUG, true);
    for (u32 i = 0; i < ARRAY_LEN(texts); i++) {
        log_debug("%s", texts[i]);
        CHECK(last_len > 0 && strchr(last, '\n') == last + last_len - 1);

        json_t *o = json_loads(last, 0, NULL);

        CHECK(o != NULL);
        CHECK_STR(str_of(json_string_value(json_object_get(o, "level"))), "debug");
        CHECK_STR(str_of(json_string_value(json_object_get(o, "source"))), "proxy");
        CHECK(str_ends(str_of(json_string_value(json_object_get(o, "time"))), STR("Z")));
        if (i != 3)
            CHECK_STR(str_of(json_string_value(json_object_get(o, "text"))), texts[i]);
        json_decref(o);
    }
}

static void a_text_too_long_is_cut_and_still_one_line(void)
{
    static char text[9000];

    begin(LOG_INFO, true);
    memset(text, '"', sizeof(text) - 1);
    log_info("%s", text);
    CHECK(last_len > 4000 && last[last_len - 1] == '\n');
    json_t *o = json_loads(last, 0, NULL);
    CHECK(o != NULL);
    json_decref(o);
}

static void *many(void *arg)
{
    for (int i = 0; i < 500; i++)
        log_info("%.60s", (const char *)arg);
    return NULL;
}

/* Lines of several threads to a pipe: each comes whole. */
static void lines_of_threads_do_not_mix(void)
{
    static const char *const texts[] = {
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
        "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc",
    };
    char name[] = "/tmp/fettle-log-XXXXXX", line[256];
    int fd = mkstemp(name), saved = dup(STDERR_FILENO);
    pthread_t threads[3];
    u32 count = 0, bad = 0;

    CHECK(fd >= 0 && saved >= 0);
    CHECK(fcntl(fd, F_SETFL, O_APPEND) == 0);
    log_setup(&(struct log_conf){ .level = LOG_INFO, .source = "t" });
    log_redirect(NULL);
    dup2(fd, STDERR_FILENO);
    for (int i = 0; i < 3; i++)
        CHECK(pthread_create(&threads[i], NULL, many, (void *)(uintptr_t)texts[i]) == 0);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    dup2(saved, STDERR_FILENO);
    close(saved);
    lseek(fd, 0, SEEK_SET);
    FILE *f = fdopen(fd, "r");
    while (fgets(line, sizeof(line), f)) {
        count++;
        bad += strlen(line) != 64 || strspn(line + 3, (char[]){ line[3], 0 }) != 60;
    }
    fclose(f);
    unlink(name);
    CHECK_EQ(count, 1500);
    CHECK_EQ(bad, 0);
}

static void colours_are_for_terminals_only(void)
{
    int fds[2];

    CHECK(pipe(fds) == 0);
    CHECK(!log_colours(fds[1]));
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    TEST(a_text_line_names_its_source_and_its_weight);
    TEST(lines_below_the_level_are_not_written);
    TEST(a_json_line_is_one_object_whatever_the_text);
    TEST(a_text_too_long_is_cut_and_still_one_line);
    TEST(lines_of_threads_do_not_mix);
    TEST(colours_are_for_terminals_only);
    return tap_done();
}
