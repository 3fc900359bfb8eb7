/* test/unit/cache_condition_test.c -- dates, tags, conditions and ranges of RFC 9110 */
#include "cache/condition.h"

#include "cache/httpdate.h"

#include "tap.h"

#define NOW_S 784111777ull

static void the_three_forms_of_a_date_are_read(void)
{
    u64 s = 0;

    CHECK(httpdate_parse(STR("Sun, 06 Nov 1994 08:49:37 GMT"), NOW_S, &s));
    CHECK_EQ(s, 784111777);
    s = 0;
    CHECK(httpdate_parse(STR("Sunday, 06-Nov-94 08:49:37 GMT"), NOW_S, &s));
    CHECK_EQ(s, 784111777);
    s = 0;
    CHECK(httpdate_parse(STR("Sun Nov  6 08:49:37 1994"), NOW_S, &s));
    CHECK_EQ(s, 784111777);
    CHECK(httpdate_parse(STR("Thu, 29 Feb 2024 00:00:00 GMT"), NOW_S, &s));
    CHECK_EQ(s, 1709164800);
}

static void what_is_no_date_is_refused(void)
{
    static const char *const bad[] = {
        "",
        "0",
        "-1",
        "Sun",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 32 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "1994-11-06T08:49:37Z",
    };
    u64 s = 5;

    for (u32 i = 0; i < ARRAY_LEN(bad); i++)
        CHECK(!httpdate_parse(str_of(bad[i]), NOW_S, &s));
    CHECK_EQ(s, 5);
}

static void a_date_with_two_digits_is_never_far_ahead(void)
{
    u64 s;

    CHECK(httpdate_parse(STR("Sunday, 06-Nov-44 08:49:37 GMT"), NOW_S, &s)); /* 1944 */
    CHECK_EQ(s, 0);
    CHECK(httpdate_parse(STR("Saturday, 06-Nov-04 08:49:37 GMT"), 1700000000, &s));
    CHECK_EQ(s, 1099730977);
}

static void a_date_that_is_written_is_read_again(void)
{
    for (u64 s = 0; s < 5000000000ull; s += 86400 * 17 + 4711) {
        char text[HTTPDATE_LEN];
        u64 got = 1;

        httpdate_write(s, text);
        CHECK(httpdate_parse(str_make(text, sizeof(text)), s, &got));
        CHECK_EQ(got, s);
    }
}

static void tags_are_compared_weakly_for_If_None_Match(void) /* RFC 9110 13.1.2 */
{
    struct str tag = STR("\"a,b\"");

    CHECK(condition_etag_listed(STR("*"), tag));
    CHECK(condition_etag_listed(STR("\"a,b\""), tag));
    CHECK(condition_etag_listed(STR("\"x\", W/\"a,b\""), tag));
    CHECK(condition_etag_listed(STR("\"x\" ,\"a,b\""), tag));
    CHECK(!condition_etag_listed(STR("\"a\", \"b\""), tag));
    CHECK(!condition_etag_listed(STR(""), tag));
    CHECK(!condition_etag_listed(STR("\"a,b"), tag));
    CHECK(condition_etag_listed(STR("\"v\""), STR("W/\"v\"")));
    CHECK(!condition_etag_listed(STR("\"v\""), (struct str){ 0 }));
}

static void a_date_says_what_is_news(void) /* RFC 9111 4.3.2 */
{
    struct condition_stored s = { .last_modified = STR("Sun, 06 Nov 1994 08:49:37 GMT") };

    CHECK(condition_unmodified_since(&s, STR("Sun, 06 Nov 1994 08:49:37 GMT"), NOW_S));
    CHECK(condition_unmodified_since(&s, STR("Sun, 06 Nov 1994 08:49:38 GMT"), NOW_S));
    CHECK(!condition_unmodified_since(&s, STR("Sun, 06 Nov 1994 08:49:36 GMT"), NOW_S));
    CHECK(!condition_unmodified_since(&s, STR("yesterday"), NOW_S));
    s = (struct condition_stored){ .date = STR("Sun, 06 Nov 1994 08:49:37 GMT") };
    CHECK(condition_unmodified_since(&s, STR("Sun, 06 Nov 1994 08:49:37 GMT"), NOW_S));
    s = (struct condition_stored){ .etag = STR("\"a\"") };
    CHECK(!condition_unmodified_since(&s, STR("Sun, 06 Nov 1994 08:49:37 GMT"), NOW_S));
}

static void If_Range_wants_the_very_same(void) /* RFC 9110 13.1.5 */
{
    struct condition_stored s = { .etag = STR("\"a\""),
                                  .last_modified = STR("Sun, 06 Nov 1994 08:49:37 GMT") };

    CHECK(condition_range_holds(&s, STR("\"a\"")));
    CHECK(!condition_range_holds(&s, STR("W/\"a\"")));
    CHECK(!condition_range_holds(&s, STR("\"b\"")));
    CHECK(condition_range_holds(&s, STR("Sun, 06 Nov 1994 08:49:37 GMT")));
    CHECK(!condition_range_holds(&s, STR("Sun, 06 Nov 1994 08:49:38 GMT")));
}

struct range {
    const char *text;
    u64 bytes;
    enum byterange_verdict verdict;
    u64 from, len;
};

static void ranges_are_as_RFC_9110_14_says(void)
{
    static const struct range rows[] = {
        { "bytes=0-0", 10, BYTERANGE_PART, 0, 1 },
        { "bytes=2-4", 10, BYTERANGE_PART, 2, 3 },
        { "bytes=2-", 10, BYTERANGE_PART, 2, 8 },
        { "bytes=2-99999999999999999999999", 10, BYTERANGE_PART, 2, 8 },
        { "bytes=-3", 10, BYTERANGE_PART, 7, 3 },
        { "bytes=-30", 10, BYTERANGE_PART, 0, 10 },
        { "BYTES = 1-2", 10, BYTERANGE_PART, 1, 2 },
        { "bytes=10-", 10, BYTERANGE_NONE, 0, 0 },
        { "bytes=-0", 10, BYTERANGE_NONE, 0, 0 },
        { "bytes=0-0", 0, BYTERANGE_NONE, 0, 0 },
        { "bytes=4-2", 10, BYTERANGE_ALL, 0, 0 },
        { "bytes=a-2", 10, BYTERANGE_ALL, 0, 0 },
        { "bytes=", 10, BYTERANGE_ALL, 0, 0 },
        { "bytes=-", 10, BYTERANGE_ALL, 0, 0 },
        { "bytes=1", 10, BYTERANGE_ALL, 0, 0 },
        { "items=1-2", 10, BYTERANGE_ALL, 0, 0 },
        { "bytes=0-1,4-5", 10, BYTERANGE_ALL, 0, 0 },
    };

    for (u32 i = 0; i < ARRAY_LEN(rows); i++) {
        u64 from = 0, len = 0;

        CHECK_EQ(condition_range(str_of(rows[i].text), rows[i].bytes, &from, &len),
                 rows[i].verdict);
        CHECK_EQ(from, rows[i].from);
        CHECK_EQ(len, rows[i].len);
    }
}

int main(void)
{
    TEST(the_three_forms_of_a_date_are_read);
    TEST(what_is_no_date_is_refused);
    TEST(a_date_with_two_digits_is_never_far_ahead);
    TEST(a_date_that_is_written_is_read_again);
    TEST(tags_are_compared_weakly_for_If_None_Match);
    TEST(a_date_says_what_is_news);
    TEST(If_Range_wants_the_very_same);
    TEST(ranges_are_as_RFC_9110_14_says);
    return tap_done();
}
