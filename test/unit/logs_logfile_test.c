/* test/unit/logs_logfile_test.c -- also a program that `tidies`: called with arguments it is
 * `fettle __log-tidy` */
#include "logs/logfile.h"

#include "io/gzip.h"
#include "logs/archive.h"
#include "logs/tidy.h"
#include "tap.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char dir[64], path[128];

static void folder_new(void)
{
    snprintf(dir, sizeof(dir), "/tmp/fettle-logfile-XXXXXX");
    CHECK(mkdtemp(dir) != NULL);
    snprintf(path, sizeof(path), "%s/sub/app.log", dir);
}

static void folder_remove(void)
{
    char command[128];

    snprintf(command, sizeof(command), "rm -rf %s", dir);
    CHECK_EQ(system(command), 0);
}

static struct str file_read(const char *name, char *out, size_t room)
{
    struct gzip *g;
    size_t len = 0;
    ssize_t n;
    int fd = open(name, O_RDONLY);

    CHECK(fd >= 0);
    if (fd < 0 || gzip_open(&g, fd) < 0)
        return (struct str){ 0 };
    while (len < room && (n = gzip_read(g, out + len, room - len)) > 0)
        len += (size_t)n;
    gzip_close(g);
    return str_make(out, len);
}

/* All lines "WRITER NUMBER xxx…": each writer's count up without a gap through all the files, and
 * nothing is torn. How many there are. */
enum { WRITERS_MAX = 4 };
static u32 next_of[WRITERS_MAX];
static bool all_whole;

static u32 lines_check(struct str text)
{
    u32 lines = 0;

    while (text.len) {
        ptrdiff_t end = str_index(text, '\n');
        struct str line = str_sub(text, 0, (size_t)max(end, (ptrdiff_t)0)), rest;
        u64 writer = 99, number = 0;

        if (end < 0 || !str_to_u64(str_cut(line, ' ', &rest), &writer) || writer >= WRITERS_MAX ||
            !str_to_u64(str_cut(rest, ' ', &rest), &number) || number != next_of[writer] ||
            !str_ends(rest, STR(" end"))) {
            all_whole = false;
            printf("# torn or out of order, not %u: %.*s\n",
                   writer < WRITERS_MAX ? next_of[writer] : 0, STR_ARG(str_sub(line, 0, 60)));
            return lines;
        }
        next_of[writer]++;
        lines++;
        text = str_sub(text, (size_t)end + 1, text.len);
    }
    return lines;
}

/* The archives in order, then the file itself. */
static u32 all_check(u32 *archives, u32 *compressed)
{
    static char text[8 << 20];
    struct archive *list;
    char name[400];
    u32 lines = 0, count, kinds[3] = { 0 };

    memset(next_of, 0, sizeof(next_of));
    all_whole = true;
    CHECK_EQ(archive_list(path, &list, &count), 0);
    for (u32 i = 0; i < count; i++) {
        kinds[list[i].kind]++;
        snprintf(name, sizeof(name), "%s/sub/%s", dir, list[i].name);
        lines += lines_check(file_read(name, text, sizeof(text)));
        if (!all_whole) {
            printf("# in %s, number %u of %u\n", list[i].name, i, count);
            break;
        }
    }
    lines += lines_check(file_read(path, text, sizeof(text)));
    CHECK(all_whole);
    *archives = count;
    *compressed = kinds[ARCHIVE_GZIP];
    free(list);
    return lines;
}

struct writer {
    struct logfile *file;
    u32 number, from, lines;
};

static void *write_many(void *arg)
{
    struct writer *w = arg;
    char batch[4096];
    int len = 0;

    for (u32 i = w->from; i < w->from + w->lines; i++) {
        len +=
            snprintf(batch + len, sizeof(batch) - (size_t)len, "%u %u %.*s end\n", w->number, i,
                     (int)(i % 60), "............................................................");
        if (i % 7 == 0 || i + 1 == w->from + w->lines || len > 3000) {
            while (logfile_congested(w->file, clock_now_ns()))
                usleep(1000);
            CHECK_EQ(logfile_write(w->file, str_make(batch, (size_t)len)), 0);
            len = 0;
        }
    }
    return NULL;
}

static void rotation_under_load_loses_and_tears_nothing(void)
{
    struct logfile_rules rules = { .rotate_bytes = 100000 };
    struct writer w = { .number = 0, .lines = 100000 };
    u32 archives, compressed;

    folder_new();
    CHECK_EQ(logfile_new(&w.file, path, &rules), 0);
    write_many(&w);
    CHECK(logfile_flush(w.file, 20 * NS_PER_S));
    logfile_free(w.file, 0);
    CHECK_EQ(all_check(&archives, &compressed), w.lines);
    CHECK(archives > 30);
    folder_remove();
}

static ino_t inode_now(void)
{
    struct stat st;

    CHECK_EQ(stat(path, &st), 0);
    return st.st_ino;
}

/* Writes on, alone, until the file is rotated. How many lines that took. */
static u32 rotation_await(struct writer *w)
{
    u64 until_ns = clock_now_ns() + 60 * NS_PER_S;
    ino_t before = inode_now(); /* the writer has it open, so nobody else gets its number */
    u32 begun = w->from + w->lines;

    while (inode_now() == before && clock_now_ns() < until_ns) {
        w->from += w->lines;
        w->lines = 500;
        write_many(w);
        CHECK(logfile_flush(w->file, 20 * NS_PER_S));
    }
    CHECK(inode_now() != before);
    return w->from + w->lines - begun;
}

static void several_writers_share_a_file_and_its_rotation(void)
{
    struct logfile_rules rules = {
        .rotate_bytes = 200000, .compress = true, .keep = 1000, .tidy_program = "/proc/self/exe"
    };
    struct writer w[3];
    pthread_t threads[3];
    u32 archives, compressed, more = 0;

    folder_new();
    for (u32 i = 0; i < 3; i++) {
        w[i] = (struct writer){ .number = i, .lines = 30000 };
        CHECK_EQ(logfile_new(&w[i].file, path, &rules), 0);
    }
    for (u32 i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, write_many, &w[i]);
    for (u32 i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    /* Each of them rotates the file, whoever did it before. */
    for (u32 i = 0; i < 3; i++)
        CHECK(logfile_flush(w[i].file, 20 * NS_PER_S));
    for (u32 i = 0; i < 3; i++)
        more += rotation_await(&w[i]);
    for (u32 i = 0; i < 3; i++)
        logfile_free(w[i].file, 20 * NS_PER_S);
    /* One that runs may hold the folder while another one wants it. */
    for (int i = 0; i < 1000 && tidy_due(path, &rules, clock_wall_ms()); i++) {
        tidy_start(path, &rules);
        usleep(20000);
    }
    { /* … and may not be through with the last one. */
        int fd;

        path[strlen(dir) + 4] = 0; /* the folder */
        fd = open(path, O_RDONLY | O_DIRECTORY);
        CHECK_EQ(flock(fd, LOCK_EX), 0);
        close(fd);
        path[strlen(dir) + 4] = '/';
    }
    /* What each wrote is in order within the files; a file that was rotated may get some lines
     * from a writer that has not noticed yet, but never after that writer's next file. */
    CHECK_EQ(all_check(&archives, &compressed), 90000 + more);
    CHECK(archives >= 4); /* one at least while all wrote, and one by each */
    CHECK_EQ(compressed, archives);
    folder_remove();
}

static void old_files_are_compressed_and_the_oldest_deleted(void)
{
    struct logfile_rules rules = { .rotate_bytes = 10000, .compress = true, .keep = 5 };
    struct writer w = { .number = 0, .lines = 5000 };
    char *argv[] = { (char *)"__log-tidy", (char *)"5", (char *)"0", (char *)"1", path, NULL };
    struct archive *list;
    u32 count;

    folder_new();
    CHECK_EQ(logfile_new(&w.file, path, &rules), 0);
    write_many(&w);
    CHECK(logfile_flush(w.file, 20 * NS_PER_S));
    CHECK(tidy_due(path, &rules, clock_wall_ms()));
    if (fork() == 0)
        _exit(tidy_main(5, argv));
    wait(NULL);
    for (int i = 0; i < 2000 && tidy_due(path, &rules, clock_wall_ms()); i++)
        usleep(10000);
    CHECK_EQ(archive_list(path, &list, &count), 0);
    CHECK_EQ(count, 5);
    for (u32 i = 0; i < count; i++)
        CHECK_EQ(list[i].kind, ARCHIVE_GZIP);
    free(list);
    logfile_free(w.file, NS_PER_S);
    folder_remove();
}

static void a_file_somebody_writes_to_is_not_compressed(void)
{
    struct logfile_rules rules = { .compress = true };
    char *argv[] = { (char *)"__log-tidy", (char *)"0", (char *)"0", (char *)"1", path, NULL };
    char old[200];
    struct logfile *f;
    AUTO(buf_done) struct buf name = { 0 };

    folder_new();
    CHECK_EQ(logfile_new(&f, path, &rules), 0);
    CHECK_EQ(logfile_write(f, STR("0 0 x end\n")), 0);
    CHECK(logfile_flush(f, 10 * NS_PER_S));
    archive_name(&name, str_of(path), 1795665746123);
    str_to_cstr(buf_str(&name), old, sizeof(old));
    CHECK_EQ(rename(path, old), 0);
    /* In this process: its child would have the file open as well. */
    if (fork() == 0)
        _exit(tidy_main(5, argv));
    wait(NULL);
    usleep(100000);
    CHECK_EQ(access(old, F_OK), 0);
    logfile_free(f, NS_PER_S);
    folder_remove();
}

static void a_file_that_was_moved_is_made_again(void)
{
    struct logfile_rules rules = { 0 };
    struct logfile *f;
    char text[256], moved[200];

    folder_new();
    snprintf(moved, sizeof(moved), "%s/moved", dir);
    CHECK_EQ(logfile_new(&f, path, &rules), 0);
    CHECK_EQ(logfile_error(f), 0);
    logfile_write(f, STR("one\n"));
    CHECK(logfile_flush(f, 10 * NS_PER_S));
    CHECK_EQ(rename(path, moved), 0);
    logfile_reopen(f);
    logfile_write(f, STR("two\n"));
    CHECK(logfile_flush(f, 10 * NS_PER_S));
    CHECK_STR(file_read(moved, text, sizeof(text)), "one\n");
    CHECK_STR(file_read(path, text, sizeof(text)), "two\n");
    /* Without being told, within half a second. */
    CHECK_EQ(unlink(path), 0);
    for (int i = 0; i < 1000 && access(path, F_OK) < 0; i++)
        usleep(10000);
    logfile_write(f, STR("three\n"));
    CHECK(logfile_flush(f, 10 * NS_PER_S));
    CHECK_STR(file_read(path, text, sizeof(text)), "three\n");
    /* Truncated by copytruncate. */
    CHECK_EQ(truncate(path, 0), 0);
    logfile_write(f, STR("four\n"));
    logfile_free(f, 10 * NS_PER_S);
    CHECK_STR(file_read(path, text, sizeof(text)), "four\n");
    folder_remove();
}

static void a_folder_that_vanished_is_made_again_and_its_lines_wait(void)
{
    struct logfile_rules rules = { 0 };
    AUTO(buf_done) struct buf told = { 0 };
    char text[256], sub[128];
    struct logfile *f;

    folder_new();
    snprintf(sub, sizeof(sub), "%s/sub", dir);
    CHECK_EQ(logfile_new(&f, path, &rules), 0);
    CHECK_EQ(unlink(path), 0);
    CHECK_EQ(rmdir(sub), 0);
    close(open(sub, O_CREAT | O_WRONLY, 0600)); /* now it cannot be made */
    logfile_reopen(f);
    logfile_write(f, STR("one\n"));
    CHECK(!logfile_flush(f, 300 * NS_PER_MS));
    CHECK_EQ(logfile_error(f), ENOTDIR);
    CHECK(logfile_trouble(f, clock_now_ns(), &told));
    told.failed |= (buf_addc(&told, 0), false);
    CHECK(strstr(told.ptr, "cannot be written") != NULL);
    CHECK(!logfile_trouble(f, clock_now_ns(), &told));
    CHECK_EQ(unlink(sub), 0);
    CHECK(logfile_flush(f, 10 * NS_PER_S));
    CHECK_EQ(logfile_error(f), 0);
    CHECK_STR(file_read(path, text, sizeof(text)), "one\n");
    logfile_free(f, NS_PER_S);
    folder_remove();
}

/* RLIMIT_FSIZE is a disk that is full: a write that would go over it is cut short, then fails. */
static void a_full_disk_costs_lines_but_tears_none(void)
{
    struct rlimit full = { 10000, RLIM_INFINITY }, room = { RLIM_INFINITY, RLIM_INFINITY };
    struct logfile_rules rules = { 0 };
    struct logfile *f;
    static char line[1000], text[8 << 20];
    struct str got;
    u64 lost = 0, n = 0;

    signal(SIGXFSZ, SIG_IGN);
    folder_new();
    memset(line, 'x', sizeof(line));
    line[sizeof(line) - 1] = '\n';
    CHECK_EQ(logfile_new(&f, path, &rules), 0);
    logfile_write(f, STR("of an odd length\n"));
    CHECK(logfile_flush(f, 10 * NS_PER_S));
    setrlimit(RLIMIT_FSIZE, &full);
    for (int i = 0; i < 6000; i++)
        lost += logfile_write(f, str_make(line, sizeof(line)));
    CHECK(!logfile_flush(f, 100 * NS_PER_MS));
    CHECK(lost > 1000);
    CHECK(lost < 3000); /* 4 MiB wait */
    CHECK_EQ(logfile_lost(f), lost);
    CHECK(logfile_error(f) != 0);
    setrlimit(RLIMIT_FSIZE, &room);
    CHECK(logfile_flush(f, 10 * NS_PER_S));
    CHECK_EQ(logfile_error(f), 0);
    logfile_free(f, NS_PER_S);
    got = file_read(path, text, sizeof(text));
    CHECK(str_starts(got, STR("of an odd length\n")));
    got = str_sub(got, 17, got.len);
    CHECK_EQ(got.len % sizeof(line), 0);
    for (; n * sizeof(line) < got.len; n++)
        if (memcmp(got.ptr + n * sizeof(line), line, sizeof(line)) != 0)
            break;
    CHECK_EQ(n, 6000 - lost);
    folder_remove();
}

static void a_line_without_an_end_is_ended_before_the_next_one(void)
{
    struct logfile_rules rules = { 0 };
    struct logfile *f;
    char text[256];
    int fd;

    folder_new();
    CHECK_EQ(logfile_new(&f, path, &rules), 0);
    logfile_free(f, NS_PER_S);
    fd = open(path, O_WRONLY);
    CHECK_EQ(write(fd, "killed in the mid", 17), 17);
    close(fd);
    CHECK_EQ(logfile_new(&f, path, &rules), 0);
    logfile_write(f, STR("next\n"));
    logfile_free(f, 10 * NS_PER_S);
    CHECK_STR(file_read(path, text, sizeof(text)), "killed in the mid\nnext\n");
    folder_remove();
}

static void yesterdays_file_is_rotated_before_todays_first_line(void)
{
    struct logfile_rules rules = { .period = LOGFILE_PERIOD_DAILY };
    struct timespec yesterday[2] = { { .tv_sec = time(NULL) - 86400 },
                                     { .tv_sec = time(NULL) - 86400 } };
    struct archive *list;
    struct logfile *f;
    char text[256];
    u32 count;

    folder_new();
    CHECK_EQ(logfile_new(&f, path, &rules), 0);
    logfile_write(f, STR("old\n"));
    logfile_free(f, 10 * NS_PER_S);
    CHECK_EQ(utimensat(AT_FDCWD, path, yesterday, 0), 0);
    CHECK_EQ(logfile_new(&f, path, &rules), 0);
    logfile_write(f, STR("new\n"));
    logfile_free(f, 10 * NS_PER_S);
    CHECK_STR(file_read(path, text, sizeof(text)), "new\n");
    CHECK_EQ(archive_list(path, &list, &count), 0);
    CHECK_EQ(count, 1);
    free(list);
    folder_remove();
}

static void a_device_is_written_to_and_never_rotated(void)
{
    struct logfile_rules rules = { .rotate_bytes = 4096, .period = LOGFILE_PERIOD_DAILY };
    struct logfile *f;
    u64 lost = 0;

    CHECK_EQ(logfile_new(&f, "/dev/null", &rules), 0);
    for (int i = 0; i < 10000; i++)
        lost += logfile_write(f, STR("a line of some length that goes nowhere at all\n"));
    CHECK(logfile_flush(f, 10 * NS_PER_S));
    CHECK_EQ(lost, 0);
    logfile_free(f, NS_PER_S);
    CHECK_EQ(logfile_new(&f, "/dev/full", &rules), 0);
    CHECK_EQ(logfile_write(f, STR("x\n")), 0);
    CHECK(!logfile_flush(f, 100 * NS_PER_MS));
    CHECK_EQ(logfile_error(f), ENOSPC);
    logfile_free(f, 0);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return tidy_main(argc - 1, argv + 1);
    TEST(rotation_under_load_loses_and_tears_nothing);
    TEST(several_writers_share_a_file_and_its_rotation);
    TEST(old_files_are_compressed_and_the_oldest_deleted);
    TEST(a_file_somebody_writes_to_is_not_compressed);
    TEST(a_file_that_was_moved_is_made_again);
    TEST(a_folder_that_vanished_is_made_again_and_its_lines_wait);
    TEST(a_full_disk_costs_lines_but_tears_none);
    TEST(a_line_without_an_end_is_ended_before_the_next_one);
    TEST(yesterdays_file_is_rotated_before_todays_first_line);
    TEST(a_device_is_written_to_and_never_rotated);
    return tap_done();
}
