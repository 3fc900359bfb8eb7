/* test/unit/app_table_test.c */
#include "app/brief.h"
#include "app/table.h"

#include "tap.h"

static const struct table_column columns[] = {
    { .title = "app", .shorten = 6 },
    { .title = "loop", .right = true },
    { .title = "memory", .right = true, .drop = 2 },
    { .title = "uptime", .right = true, .drop = 1 },
    { .title = "state", .shorten = 7 },
};

static void write_to(struct buf *out, u32 width)
{
    struct table t = { .column = columns, .columns = ARRAY_LEN(columns) };
    static const char *const cells[] = { "shop",          "12%", "52M",  "3h",    "running",
                                         "a-longer-name", "3%",  "1.2G", "12m5s", "crash loop" };

    for (u32 i = 0; i < ARRAY_LEN(cells); i++)
        table_add(&t, str_of(cells[i]));
    table_write(&t, width, false, out);
    table_done(&t);
}

static void without_a_terminal_everything_is_shown(void)
{
    AUTO(buf_done) struct buf out = { 0 };

    write_to(&out, 0);
    CHECK_STR(buf_str(&out), "app            loop  memory  uptime  state\n"
                             "shop            12%     52M      3h  running\n"
                             "a-longer-name    3%    1.2G   12m5s  crash loop\n");
}

static void what_may_be_shortened_is_when_that_is_enough(void)
{
    AUTO(buf_done) struct buf out = { 0 };

    write_to(&out, 44);
    CHECK_STR(buf_str(&out), "app            loop  memory  uptime  state\n"
                             "shop            12%     52M      3h  running\n"
                             "a-longer-name    3%    1.2G   12m5s  crash …\n");
}

static void columns_leave_in_their_order(void)
{
    AUTO(buf_done) struct buf out = { 0 };

    write_to(&out, 34);
    CHECK_STR(buf_str(&out), "app          loop  uptime  state\n"
                             "shop          12%      3h  running\n"
                             "a-longer-n…    3%   12m5s  crash …\n");
}

static void a_line_is_never_longer_than_the_terminal(void)
{
    for (u32 width = 22; width < 60; width++) {
        AUTO(buf_done) struct buf out = { 0 };
        struct str rest;

        write_to(&out, width);
        for (rest = buf_str(&out); rest.ptr;)
            CHECK(table_columns_of(str_cut(rest, '\n', &rest)) <= width);
    }
}

static void control_characters_cannot_break_the_table(void)
{
    AUTO(buf_done) struct buf out = { 0 };
    struct table t = { .column = columns, .columns = 1 };

    table_add(&t, STR("a\nb\033[2Jc"));
    table_write(&t, 0, false, &out);
    CHECK_STR(buf_str(&out), "app\na?b?[2Jc\n");
    table_done(&t);
}

static void check(void (*fn)(struct buf *out, double n), double n, const char *want)
{
    AUTO(buf_done) struct buf out = { 0 };

    fn(&out, n);
    CHECK_STR(buf_str(&out), want);
}

static void age(u64 ms, const char *want)
{
    AUTO(buf_done) struct buf out = { 0 };

    brief_age(&out, ms);
    CHECK_STR(buf_str(&out), want);
}

static void numbers_have_few_digits_and_a_unit(void)
{
    check(brief_bytes, 0, "0B");
    check(brief_bytes, 52.3 * 1024 * 1024, "52M");
    check(brief_bytes, 1.23 * 1024 * 1024 * 1024, "1.2G");
    check(brief_bytes, 1023.0 * 1024 * 1024, "1G");
    check(brief_time, 5.84, "5.8ms");
    check(brief_time, 120.4, "120ms");
    check(brief_time, 0.04, "0ms");
    check(brief_time, 2400, "2.4s");
    check(brief_time, 999.9, "1s");
    check(brief_number, 0.31, "0.3");
    check(brief_number, 512.4, "512");
    check(brief_number, 12345, "12k");
    check(brief_number, 9999.7, "10k");
    age(45000, "45s");
    age(5 * 60000 + 3000, "5m3s");
    age(12 * 60000 + 3000, "12m");
    age(3 * 3600000ull + 12 * 60000, "3h12m");
    age(98 * 3600000ull, "4d2h");
}

int main(void)
{
    TEST(without_a_terminal_everything_is_shown);
    TEST(what_may_be_shortened_is_when_that_is_enough);
    TEST(columns_leave_in_their_order);
    TEST(a_line_is_never_longer_than_the_terminal);
    TEST(control_characters_cannot_break_the_table);
    TEST(numbers_have_few_digits_and_a_unit);
    return tap_done();
}
