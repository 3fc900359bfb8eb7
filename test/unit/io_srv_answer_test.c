/* test/unit/io_srv_answer_test.c -- SRV records out of DNS answers, hostile ones included */
#include "io/srv_answer.h"

#include "tap.h"

static struct srv_answer a;
static u8 bytes[4096];
static size_t len;

static void put(const char *text, size_t n)
{
    memcpy(bytes + len, text, n);
    len += n;
}
#define PUT(literal) put(literal, sizeof(literal) - 1)

/* "_h._tcp.a.example SRV", and so many answers to come. */
static void begin(u8 answers)
{
    len = 0;
    PUT("\x12\x34\x81\x80\0\1\0");
    put((const char *)&answers, 1);
    PUT("\0\0\0\0\2_h\4_tcp\1a\7example\0\0\x21\0\1"); /* its name is at 12, "a.example" at 20 */
}

static bool parse(void)
{
    /* Of exactly that length, for the sanitizer. */
    u8 *copy = malloc(len ? len : 1);
    bool ok;

    memcpy(copy, bytes, len);
    ok = srv_answer_parse(copy, len, &a);
    free(copy);
    return ok;
}

static void records_are_read_with_compressed_names(void)
{
    begin(2);
    PUT("\xc0\x0c\0\x21\0\1\0\0\0\x1e\0\x0a\0\1\0\2\x1f\x90\1x\xc0\x14");
    PUT("\xc0\x0c\0\x21\0\1\0\0\0\x3c\0\x11\0\0\0\5\0\x50\1y\7example\0");
    CHECK(parse());
    CHECK_EQ(a.n, 2);
    CHECK_EQ(a.ttl_s, 30);
    CHECK_EQ(a.record[0].priority, 1);
    CHECK_EQ(a.record[0].weight, 2);
    CHECK_EQ(a.record[0].port, 8080);
    CHECK_STR(str_of(a.record[0].target), "x.a.example");
    CHECK_STR(str_of(a.record[1].target), "y.example");
    CHECK_EQ(a.record[1].port, 80);
}

static void aliases_on_the_way_count_for_the_time(void)
{
    begin(2);
    PUT("\xc0\x0c\0\5\0\1\0\0\0\5\0\2\xc0\x14");
    PUT("\xc0\x14\0\x21\0\1\0\0\0\x3c\0\x0a\0\0\0\0\0\x50\1z\xc0\x14");
    CHECK(parse());
    CHECK_EQ(a.n, 1);
    CHECK_EQ(a.ttl_s, 5);
}

static void the_root_is_no_target(void)
{
    begin(1);
    PUT("\xc0\x0c\0\x21\0\1\0\0\0\x3c\0\7\0\0\0\0\0\0\0");
    CHECK(parse());
    CHECK_STR(str_of(a.record[0].target), "");
}

static void an_answer_without_any_is_empty(void)
{
    begin(0);
    CHECK(parse());
    CHECK_EQ(a.n, 0);
}

static void names_that_point_at_themselves_end(void)
{
    begin(1);
    PUT("\xc0\x27\0\x21\0\1\0\0\0\x3c\0\2\0\0"); /* at 39: itself */
    CHECK(!parse());
    begin(1);
    PUT("\xff\xff\0\x21\0\1\0\0\0\x3c\0\2\0\0");
    CHECK(!parse());
}

static void what_is_cut_off_anywhere_is_refused(void)
{
    size_t whole;

    begin(1);
    PUT("\xc0\x0c\0\x21\0\1\0\0\0\x1e\0\x0a\0\1\0\2\x1f\x90\1x\xc0\x14");
    whole = len;
    CHECK(parse());
    for (len = 0; len < whole; len++)
        CHECK(!parse());
}

static void a_name_that_is_too_long_or_odd_is_refused(void)
{
    begin(1);
    PUT("\xc0\x0c\0\x21\0\1\0\0\0\x3c\1\x47\0\0\0\0\0\0");
    for (u32 i = 0; i < 5; i++) {
        PUT("\x3f");
        for (u32 k = 0; k < 63; k++)
            PUT("a");
    }
    PUT("\0");
    CHECK(!parse());
    begin(1);
    PUT("\xc0\x0c\0\x21\0\1\0\0\0\x3c\0\x0b\0\0\0\0\0\0\3a.b\0");
    CHECK(!parse());
    begin(1);
    PUT("\xc0\x0c\0\x21\0\1\0\0\0\x3c\0\x0b\0\0\0\0\0\0\3a\nb\0");
    CHECK(!parse());
}

static void more_records_than_there_is_room_for_are_counted(void)
{
    begin(SRV_RECORDS_MAX + 3);
    for (u32 i = 0; i < SRV_RECORDS_MAX + 3; i++)
        PUT("\xc0\x0c\0\x21\0\1\0\0\0\x3c\0\x0a\0\0\0\0\0\x50\1z\xc0\x14");
    CHECK(parse());
    CHECK_EQ(a.n, SRV_RECORDS_MAX);
    CHECK_EQ(a.left_out, 3);
}

static void other_classes_and_negative_times_are_nothing(void)
{
    begin(2);
    PUT("\xc0\x0c\0\x21\0\3\0\0\0\1\0\x0a\0\0\0\0\0\x50\1z\xc0\x14");
    PUT("\xc0\x0c\0\x21\0\1\xff\xff\xff\xff\0\x0a\0\0\0\0\0\x50\1z\xc0\x14");
    CHECK(parse());
    CHECK_EQ(a.n, 1);
    CHECK_EQ(a.ttl_s, 0);
}

int main(void)
{
    TEST(records_are_read_with_compressed_names);
    TEST(aliases_on_the_way_count_for_the_time);
    TEST(the_root_is_no_target);
    TEST(an_answer_without_any_is_empty);
    TEST(names_that_point_at_themselves_end);
    TEST(what_is_cut_off_anywhere_is_refused);
    TEST(a_name_that_is_too_long_or_odd_is_refused);
    TEST(more_records_than_there_is_room_for_are_counted);
    TEST(other_classes_and_negative_times_are_nothing);
    return tap_done();
}
