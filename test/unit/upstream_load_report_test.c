/* test/unit/upstream_load_report_test.c -- the field in which a fettle tells of its loops */
#include "upstream/load_report.h"

#include "tap.h"

static bool parse(const char *text, u32 idle, u32 queue)
{
    struct load_report r = { 77, 77 };

    if (!load_report_parse(str_of(text), &r)) {
        CHECK(r.idle == 77 && r.queue == 77);
        return false;
    }
    CHECK_EQ(r.idle, idle);
    CHECK_EQ(r.queue, queue);
    return true;
}

static void what_one_writes_another_reads(void)
{
    struct load_report r = { 3, 12 }, again = { 0 };
    char text[LOAD_REPORT_TEXT_MAX];

    CHECK_STR(load_report_text(&r, text), "idle=3, queue=12");
    CHECK(parse("idle=3, queue=12", 3, 12));
    CHECK(load_report_unpack(load_report_pack(&r), &again));
    CHECK(again.idle == 3 && again.queue == 12);
    CHECK(!load_report_unpack(0, &again));
    r = (struct load_report){ UINT32_MAX, UINT32_MAX };
    CHECK_STR(load_report_text(&r, text), "idle=999999, queue=999999");
}

static void members_come_in_any_order_and_unknown_ones_are_skipped(void)
{
    CHECK(parse("queue=1,idle=2", 2, 1));
    CHECK(parse("workers=8, idle=2, eu=\"x\"", 2, 0));
    CHECK(parse("idle=0;age=5", 0, 0));
    CHECK(parse("idle=1, idle=4", 4, 0)); /* RFC 9651 section 3.2: the last one counts */
}

static void what_is_none_is_refused(void)
{
    CHECK(!parse("", 0, 0));
    CHECK(!parse("queue=3", 0, 0));
    CHECK(!parse("idle", 0, 0));
    CHECK(!parse("idle=", 0, 0));
    CHECK(!parse("idle=-1", 0, 0));
    CHECK(!parse("idle=3x", 0, 0));
    CHECK(!parse("idle=1, queue=many", 0, 0));
}

static void great_numbers_are_clamped(void)
{
    CHECK(parse("idle=18446744073709551615, queue=1000000", LOAD_REPORT_MAX, LOAD_REPORT_MAX));
    CHECK(!parse("idle=18446744073709551616", 0, 0));
}

int main(void)
{
    TEST(what_one_writes_another_reads);
    TEST(members_come_in_any_order_and_unknown_ones_are_skipped);
    TEST(what_is_none_is_refused);
    TEST(great_numbers_are_clamped);
    return tap_done();
}
