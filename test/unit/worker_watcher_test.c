/* test/unit/worker_watcher_test.c -- tells when files below some folders have changed */
#include "worker/watcher.h"

#include "base/buf.h"

#include "tap.h"

#include <fcntl.h>
#include <sys/stat.h>

struct fixture {
    struct watcher watcher;
    struct loop *loop;
    char root[64];
    u32 told, changes;
    char path[256];
};

static void changed(struct watcher *w)
{
    struct fixture *f = container_of(w, struct fixture, watcher);

    f->told++;
    f->changes = w->changes;
    str_to_cstr(str_of(w->path), f->path, sizeof(f->path));
}

static void save(const struct fixture *f, const char *name)
{
    AUTO(buf_done) struct buf path = { 0 };
    int fd;

    buf_addf(&path, "%s/%s", f->root, name);
    buf_addc(&path, 0);
    fd = open(path.ptr, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(fd >= 0);
    CHECK_EQ(write(fd, "x", 1), 1);
    close(fd);
}

static void run(const struct fixture *f, const char *command)
{
    AUTO(buf_done) struct buf text = { 0 };

    buf_addf(&text, "cd %s && %s", f->root, command);
    buf_addc(&text, 0);
    CHECK_EQ(system(text.ptr), 0);
}

/* `paths` are below the root, one or two of them; "" is the root. */
static void start(struct fixture *f, const char *before, const char *path, const char *other)
{
    static char paths[256];
    struct watcher_conf conf = { .delay_ns = 20 * NS_PER_MS, .lead = "", .changed = changed };

    *f = (struct fixture){ .root = "/tmp/fettle-watcher-XXXXXX" };
    CHECK(mkdtemp(f->root) != NULL);
    run(f, before);
    CHECK_EQ(loop_new(&f->loop), 0);
    snprintf(paths, sizeof(paths), "%s%s%s%s%s%s", f->root, *path ? "/" : "", path,
             other ? "," : "", other ? f->root : "", other ? other : "");
    conf.loop = f->loop;
    conf.paths = str_of(paths);
    conf.rules.ignore = STR("ignored");
    CHECK_EQ(watcher_init(&f->watcher, &conf), 0);
}

static void stop(struct fixture *f)
{
    watcher_done(&f->watcher);
    loop_free(f->loop);
    run(f, "rm -rf \"$PWD\"");
}

/* Turns until something was told once more; false: nothing in two seconds. */
static bool told(struct fixture *f)
{
    u32 before = f->told;
    u64 end_ns = clock_now_ns() + 2 * NS_PER_S;

    while (f->told == before && clock_now_ns() < end_ns)
        loop_turn(f->loop, 20);
    return f->told > before;
}

static void a_save_is_told_once(void)
{
    struct fixture f;

    start(&f, "mkdir -p src/lib", "", NULL);
    save(&f, "src/lib/a.js");
    CHECK(told(&f));
    CHECK_STR(str_of(f.path), "src/lib/a.js");
    CHECK_EQ(f.told, 1);
    stop(&f);
}

static void a_rename_over_the_file_is_a_save(void)
{
    struct fixture f;

    start(&f, "touch a.js", "", NULL);
    save(&f, ".a.js.tmp1");
    run(&f, "mv .a.js.tmp1 a.js");
    CHECK(told(&f));
    CHECK_STR(str_of(f.path), "a.js");
    stop(&f);
}

static void hundreds_of_files_are_one_change(void)
{
    struct fixture f;

    start(&f, "mkdir a", "", NULL);
    run(&f, "for i in $(seq 300); do echo >a/$i.js; done; mkdir -p b/c; echo >b/c/x.js");
    CHECK(told(&f));
    CHECK_EQ(f.told, 1);
    CHECK(f.changes >= 301);
    stop(&f);
}

static void what_does_not_count_is_not_told(void)
{
    struct fixture f;

    start(&f, "mkdir -p node_modules/x .git ignored", "", NULL);
    CHECK_EQ(f.watcher.count, 1);
    save(&f, "node_modules/x/index.js");
    save(&f, ".git/config.json");
    save(&f, "ignored/a.js");
    save(&f, "app.log");
    save(&f, "last.js");
    CHECK(told(&f));
    CHECK_STR(str_of(f.path), "last.js");
    stop(&f);
}

static void new_folders_are_watched_and_what_came_with_them_counts(void)
{
    struct fixture f;

    start(&f, "true", "", NULL);
    run(&f, "mkdir -p new/deep && echo >new/deep/a.js");
    CHECK(told(&f));
    save(&f, "new/deep/b.js");
    CHECK(told(&f));
    CHECK_STR(str_of(f.path), "new/deep/b.js");
    stop(&f);
}

static void a_folder_that_was_moved_is_known_by_its_new_name(void)
{
    struct fixture f;

    start(&f, "mkdir -p a/b && touch a/b/x.js", "", NULL);
    run(&f, "mv a z");
    CHECK(told(&f));
    save(&f, "z/b/x.js");
    CHECK(told(&f));
    CHECK_STR(str_of(f.path), "z/b/x.js");
    run(&f, "rm -r z && mkdir -p a/b");
    CHECK(told(&f));
    save(&f, "a/b/y.js");
    CHECK(told(&f));
    CHECK_STR(str_of(f.path), "a/b/y.js");
    stop(&f);
}

static void a_file_is_watched_alone(void)
{
    struct fixture f;

    start(&f, "touch settings.cfg other.js", "settings.cfg", NULL);
    save(&f, "other.js");
    save(&f, "settings.cfg");
    CHECK(told(&f));
    CHECK_STR(str_of(f.path), "settings.cfg");
    CHECK_EQ(f.changes, 1);
    stop(&f);
}

static void a_file_and_its_folder_are_both_watched(void)
{
    struct fixture f;

    start(&f, "touch settings.cfg other.js", "settings.cfg", "");
    save(&f, "other.js");
    save(&f, "settings.cfg");
    CHECK(told(&f));
    CHECK_EQ(f.changes, 2);
    stop(&f);
}

int main(void)
{
    TEST(a_save_is_told_once);
    TEST(a_rename_over_the_file_is_a_save);
    TEST(hundreds_of_files_are_one_change);
    TEST(what_does_not_count_is_not_told);
    TEST(new_folders_are_watched_and_what_came_with_them_counts);
    TEST(a_folder_that_was_moved_is_known_by_its_new_name);
    TEST(a_file_is_watched_alone);
    TEST(a_file_and_its_folder_are_both_watched);
    return tap_done();
}
