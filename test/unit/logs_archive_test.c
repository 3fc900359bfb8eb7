/* test/unit/logs_archive_test.c */
#include "logs/archive.h"

#include "tap.h"

static const struct str FILE_NAME = { "app.log", 7 };

static void a_name_holds_the_time_and_is_read_back(void)
{
    AUTO(buf_done) struct buf name = { 0 };
    struct archive a;

    archive_name(&name, FILE_NAME, 1795665746123);
    CHECK_STR(buf_str(&name), "app.log.2026-11-26T04-02-26.123Z");
    CHECK(archive_parse(FILE_NAME, buf_str(&name), &a));
    CHECK_EQ(a.at_ms, 1795665746123);
    CHECK_EQ(a.kind, ARCHIVE_PLAIN);
    CHECK(archive_parse(FILE_NAME, STR("app.log.2026-11-26T04-02-26.123Z.gz"), &a));
    CHECK_EQ(a.kind, ARCHIVE_GZIP);
    CHECK(archive_parse(FILE_NAME, STR("app.log.2026-11-26T04-02-26.123Z.gz.part"), &a));
    CHECK_EQ(a.kind, ARCHIVE_PARTIAL);
}

static void other_files_are_no_archives(void)
{
    static const char *const names[] = {
        "app.log",
        "app.log.",
        "app.log.1",
        "app.log.2.gz",
        "xapp.log.2026-11-26T04-02-26.123Z",
        "app2log.2026-11-26T04-02-26.123Z",
        "app.log.2026-11-26T04-02-26.123",
        "app.log.2026-13-26T04-02-26.123Z",
        "app.log.2026-11-26T04-02-26.12xZ",
        "app.log.2026-11-26T04-02-26.123Z.bak",
        "app.log.errors.2026-11-26T04-02-26.123Z",
        "",
    };
    struct archive a;

    for (u32 i = 0; i < ARRAY_LEN(names); i++)
        CHECK(!archive_parse(FILE_NAME, str_of(names[i]), &a));
}

static void the_oldest_go_by_number_and_by_age(void)
{
    struct archive list[4] = {
        { .at_ms = 1000 }, { .at_ms = 2000 }, { .at_ms = 3000 }, { .at_ms = 4000 }
    };

    CHECK_EQ(archive_surplus(list, 4, 0, 0, 99999), 0);
    CHECK_EQ(archive_surplus(list, 4, 10, 0, 99999), 0);
    CHECK_EQ(archive_surplus(list, 4, 3, 0, 99999), 1);
    CHECK_EQ(archive_surplus(list, 4, 1, 0, 99999), 3);
    CHECK_EQ(archive_surplus(list, 4, 0, 2 * NS_PER_S, 4500), 2);
    CHECK_EQ(archive_surplus(list, 4, 3, 2 * NS_PER_S, 4500), 2);
    CHECK_EQ(archive_surplus(list, 4, 1, 2 * NS_PER_S, 4500), 3);
    CHECK_EQ(archive_surplus(list, 4, 0, NS_PER_S, 99999), 4);
    CHECK_EQ(archive_surplus(list, 0, 1, NS_PER_S, 99999), 0);
}

static void a_path_is_split(void)
{
    char folder[ARCHIVE_FOLDER_MAX];
    struct str name;

    CHECK(archive_split("a.log", folder, &name));
    CHECK_STR(str_of(folder), ".");
    CHECK_STR(name, "a.log");
    CHECK(archive_split("/a.log", folder, &name));
    CHECK_STR(str_of(folder), "/");
    CHECK(archive_split("logs/b/a.log", folder, &name));
    CHECK_STR(str_of(folder), "logs/b");
    CHECK_STR(name, "a.log");
    CHECK(!archive_split("logs/", folder, &name));
    CHECK(!archive_split("", folder, &name));
}

int main(void)
{
    TEST(a_name_holds_the_time_and_is_read_back);
    TEST(other_files_are_no_archives);
    TEST(the_oldest_go_by_number_and_by_age);
    TEST(a_path_is_split);
    return tap_done();
}
