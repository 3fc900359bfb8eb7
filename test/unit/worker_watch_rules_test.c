/* test/unit/worker_watch_rules_test.c -- whose changes restart an app that is watched */
#include "worker/watch_rules.h"

#include "base/clock.h"

#include "tap.h"

static const struct watch_rules none;

static bool file(const char *ignore, const char *path)
{
    struct watch_rules r = { str_of(ignore) };

    return watch_rules_file(&r, str_of(path));
}

static bool folder(const char *ignore, const char *path)
{
    struct watch_rules r = { str_of(ignore) };

    return watch_rules_folder(&r, str_of(path));
}

static void code_and_configuration_count_by_their_ending(void)
{
    CHECK(file("", "server.js"));
    CHECK(file("", "src/a.b/x.test.ts"));
    CHECK(file("", "package.json"));
    CHECK(file("", "views/page.ejs"));
    CHECK(file("", ".env"));
    CHECK(file("", "src/.env.local"));
    CHECK(!file("", "access.log"));
    CHECK(!file("", "data.sqlite-wal"));
    CHECK(!file("", "logo.png"));
    CHECK(!file("", "Makefile"));
    CHECK(!file("", "js"));
    CHECK(!file("", "x.j"));
    CHECK(!file("", "x."));
    CHECK(!file("", ""));
}

static void what_editors_leave_behind_does_not(void)
{
    CHECK(!file("", "server.js~"));
    CHECK(!file("", ".server.js.swp"));
    CHECK(!file("", ".#server.js"));
    CHECK(!file("", "#server.js#"));
    CHECK(!file("", "src/4913"));
}

static void hidden_folders_and_node_modules_are_not_looked_into(void)
{
    CHECK(folder("", "src"));
    CHECK(folder("", "src/lib"));
    CHECK(!folder("", "node_modules"));
    CHECK(!folder("", "packages/a/node_modules"));
    CHECK(!folder("", ".git"));
    CHECK(!folder("", "src/.cache"));
    CHECK(!watch_rules_folder(&none, STR("")));
}

static void a_pattern_without_a_slash_matches_a_name_anywhere(void)
{
    CHECK(!file("*.test.js", "src/x.test.js"));
    CHECK(file("*.test.js", "src/x.js"));
    CHECK(!folder("uploads", "public/uploads"));
    CHECK(!file("uploads/", "public/uploads/x.json"));
    CHECK(file("uploads", "public/uploads.js"));
    CHECK(!folder("\\.idea, gen-?", "gen-1"));
}

static void a_pattern_with_a_slash_matches_from_the_watched_folder(void)
{
    CHECK(!file("src/gen", "src/gen/a/b.js"));
    CHECK(file("src/gen", "lib/src/gen/a.js"));
    CHECK(!file("./src/*.gen.js", "src/x.gen.js"));
    CHECK(file("src/*.gen.js", "src/deep/x.gen.js"));
    CHECK(!file("src/**/x.js", "src/very/deep/x.js"));
    CHECK(!folder("a,src/gen", "src/gen"));
}

static void a_series_ends_after_a_pause_and_not_later_than_ten_seconds(void)
{
    u64 delay_ns = 100 * NS_PER_MS;

    CHECK_EQ(watch_rules_due_ns(5 * NS_PER_S, 5 * NS_PER_S, delay_ns), 5 * NS_PER_S + delay_ns);
    CHECK_EQ(watch_rules_due_ns(5 * NS_PER_S, 14 * NS_PER_S, delay_ns), 14 * NS_PER_S + delay_ns);
    CHECK_EQ(watch_rules_due_ns(5 * NS_PER_S, 16 * NS_PER_S, delay_ns), 15 * NS_PER_S);
    CHECK_EQ(watch_rules_due_ns(0, 0, 60 * NS_PER_S), 60 * NS_PER_S);
}

int main(void)
{
    TEST(code_and_configuration_count_by_their_ending);
    TEST(what_editors_leave_behind_does_not);
    TEST(hidden_folders_and_node_modules_are_not_looked_into);
    TEST(a_pattern_without_a_slash_matches_a_name_anywhere);
    TEST(a_pattern_with_a_slash_matches_from_the_watched_folder);
    TEST(a_series_ends_after_a_pause_and_not_later_than_ten_seconds);
    return tap_done();
}
