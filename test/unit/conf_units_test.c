/* test/unit/conf_units_test.c -- numbers with a unit */
#include "conf/units.h"

#include "base/clock.h"
#include "tap.h"

static u64 size_of(const char *s)
{
    u64 n = 77;

    return units_size_parse(str_of(s), &n) ? n : (u64)-1;
}

static u64 duration_of(const char *s)
{
    u64 n = 77;

    return units_duration_parse(str_of(s), &n) ? n : (u64)-1;
}

static void sizes_are_powers_of_1024(void)
{
    CHECK_EQ(size_of("300"), 300);
    CHECK_EQ(size_of("0"), 0);
    CHECK_EQ(size_of("8K"), 8192);
    CHECK_EQ(size_of("512M"), 512ll << 20);
    CHECK_EQ(size_of("1.5G"), 3ll << 29);
    CHECK_EQ(size_of("2t"), 2ll << 40);
    CHECK_EQ(size_of("8kb"), 8192);
    CHECK_EQ(size_of("8KiB"), 8192);
    CHECK_EQ(size_of("5b"), 5);
    CHECK_EQ(size_of("8 M"), 8 << 20);
}

static void what_is_no_size_is_refused(void)
{
    static const char *const wrong[] = { "",
                                         "K",
                                         "-1",
                                         "+1",
                                         "1Q",
                                         "1.5",
                                         "1.K",
                                         "1..5K",
                                         "0x10",
                                         "1K1",
                                         "1KK",
                                         "1KiBB",
                                         "iB",
                                         ".5M",
                                         "1,5G",
                                         "1e3",
                                         "99999999999999999999",
                                         "16777216T" };

    for (u32 i = 0; i < ARRAY_LEN(wrong); i++)
        if (size_of(wrong[i]) != (u64)-1) {
            CHECK(!"a size was taken");
            printf("# %s\n", wrong[i]);
        }
}

static void durations_need_a_unit(void)
{
    CHECK_EQ(duration_of("10s"), 10 * NS_PER_S);
    CHECK_EQ(duration_of("500ms"), 500 * NS_PER_MS);
    CHECK_EQ(duration_of("2m"), 120 * NS_PER_S);
    CHECK_EQ(duration_of("1.5h"), 5400 * NS_PER_S);
    CHECK_EQ(duration_of("7d"), 7 * 86400 * NS_PER_S);
    CHECK_EQ(duration_of("100us"), 100000);
    CHECK_EQ(duration_of("0"), 0);
    CHECK_EQ(duration_of("0.0"), 0);
    CHECK_EQ(duration_of("5"), -1);
    CHECK_EQ(duration_of("5 parsecs"), -1);
    CHECK_EQ(duration_of(""), -1);
    CHECK_EQ(duration_of("-5s"), -1);
    CHECK_EQ(duration_of("300000000d"), -1);
}

static void texts_use_the_largest_unit_that_is_exact(void)
{
    static const struct {
        u64 n;
        const char *size, *duration;
    } cases[] = {
        { 0, "0", "0" },
        { 1024, "1K", "1024ns" },
        { 1500000000, "1500000000", "1500ms" },
        { 512ull << 20, "512M", "536870912ns" },
        { 60 * NS_PER_S, "58593750K", "1m" },
        { 90 * NS_PER_S, "90000000000", "90s" },
        { UINT64_MAX, "18446744073709551615", "18446744073709551615ns" },
    };

    for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf b = { 0 };
        u64 back;

        units_size_text(cases[i].n, &b);
        CHECK(units_size_parse(buf_str(&b), &back) && back == cases[i].n);
        if (i != 4 && i != 5)
            CHECK_STR(buf_str(&b), cases[i].size);
        buf_clear(&b);
        units_duration_text(cases[i].n, &b);
        CHECK_STR(buf_str(&b), cases[i].duration);
        CHECK(units_duration_parse(buf_str(&b), &back) && back == cases[i].n);
        buf_done(&b);
    }
}

int main(void)
{
    TEST(sizes_are_powers_of_1024);
    TEST(what_is_no_size_is_refused);
    TEST(durations_need_a_unit);
    TEST(texts_use_the_largest_unit_that_is_exact);
    return tap_done();
}
