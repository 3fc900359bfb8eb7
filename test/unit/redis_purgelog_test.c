/* test/unit/redis_purgelog_test.c -- what is older than a purge that is about it is outdated */
#include "redis/purgelog.h"

#include "tap.h"

static struct purgelog *log_;

static struct purge_id id(u64 ms, u64 n)
{
    return (struct purge_id){ ms, n };
}

static void add(u64 ms, const char *app, const char *path, const char *tag)
{
    const struct store_purge p = { .path = str_of(path), .tag = str_of(tag) };

    CHECK_EQ(purgelog_add(log_, id(ms, 0), str_of(app), &p), 0);
}

static bool has(u64 seen_ms, const char *app, const char *path, const char *tags)
{
    return purgelog_has(log_, id(seen_ms, 0), str_of(app), str_of(path), str_of(tags));
}

static void begin(void)
{
    purgelog_reset(log_, id(0, 0));
    purgelog_set(log_, true);
}

static void only_later_purges_that_are_about_it_count(void)
{
    begin();
    CHECK(!has(0, "shop", "/a", "x"));
    add(10, "shop", "/a", NULL);
    add(20, "", NULL, "news");
    add(30, "other", "/b", NULL);
    CHECK(has(9, "shop", "/a?q=1", ""));
    CHECK(!has(10, "shop", "/a", ""));
    CHECK(!has(9, "other", "/a", ""));
    CHECK(has(19, "other", "/c", "x news"));
    CHECK(!has(20, "other", "/c", "x news"));
    CHECK(!has(0, "shop", "/b", "x"));
    add(40, "", "/img/*", NULL);
    CHECK(has(30, "shop", "/img/1.png", ""));
}

static void what_is_older_than_all_that_is_known_is_outdated(void)
{
    begin();
    for (u64 i = 1; i <= PURGELOG_MAX; i++)
        add(i, "", "/x", NULL);
    CHECK(!has(0, "shop", "/a", ""));
    add(PURGELOG_MAX + 1, "", "/x", NULL);
    CHECK(has(0, "shop", "/a", "")); /* the first one is forgotten */
    CHECK(!has(1, "shop", "/a", ""));
    purgelog_reset(log_, id(500, 0));
    purgelog_set(log_, true);
    CHECK(has(499, "shop", "/a", ""));
    CHECK(!has(500, "shop", "/a", ""));
}

static void while_it_is_not_true_nothing_is(void)
{
    struct purge_id last;

    begin();
    add(10, "shop", "/a", NULL);
    CHECK(purgelog_last(log_, &last));
    CHECK_EQ(last.ms, 10);
    purgelog_set(log_, false);
    CHECK(!purgelog_last(log_, &last));
    CHECK_EQ(last.ms, 10);
    CHECK(has(10, "shop", "/b", ""));
}

static void ids_are_read_and_written(void)
{
    char room[PURGE_ID_TEXT_MAX];
    struct purge_id one;

    CHECK(purge_id_read(&one, STR("1764180000123-4")));
    CHECK_STR(purge_id_text(one, room), "1764180000123-4");
    CHECK(!purge_id_read(&one, STR("1764180000123")));
    CHECK(!purge_id_read(&one, STR("-4")));
    CHECK(!purge_id_read(&one, STR("")));
}

int main(void)
{
    if (purgelog_new(&log_) < 0)
        return 1;
    TEST(only_later_purges_that_are_about_it_count);
    TEST(what_is_older_than_all_that_is_known_is_outdated);
    TEST(while_it_is_not_true_nothing_is);
    TEST(ids_are_read_and_written);
    purgelog_free(log_);
    return tap_done();
}
