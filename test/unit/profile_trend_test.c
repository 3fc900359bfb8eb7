#include "profile/trend.h"

#include "tap.h"

static struct profile profile[8];
static u32 profiles;
static struct trend t;

/* `f` takes f_hits, `g` g_hits samples of a millisecond, beside idle time. */
static void add(u32 f_hits, u32 g_hits)
{
    AUTO(buf_done) struct buf text = { 0 };
    struct problem problem = { 0 };

    buf_addf(
        &text,
        "{\"startTime\":0,\"endTime\":%u,\"nodes\":[{\"id\":1,\"hitCount\":0,\"children\":[2,3,"
        "4],\"callFrame\":{\"functionName\":\"(root)\"}},"
        "{\"id\":2,\"hitCount\":%u,\"callFrame\":{\"functionName\":\"f\",\"url\":\"file:///a.js\","
        "\"lineNumber\":4}},"
        "{\"id\":3,\"hitCount\":%u,\"callFrame\":{\"functionName\":\"g\",\"url\":\"/a.js\","
        "\"lineNumber\":9}},"
        "{\"id\":4,\"hitCount\":50,\"callFrame\":{\"functionName\":\"(idle)\",\"url\":\"\"}}]}",
        (f_hits + g_hits + 50) * 1000, f_hits, g_hits);
    CHECK_EQ(profile_read(&profile[profiles++], buf_str(&text), &problem), 0);
}

static void clear(void)
{
    trend_done(&t);
    while (profiles)
        profile_done(&profile[--profiles]);
}

static void functions_are_rows_of_times_and_what_costs_most_next_is_first(void)
{
    const double size[] = { 4000, 1000, 2000 }; /* in any order */

    add(160, 400);
    add(10, 100);
    add(40, 200);
    CHECK_EQ(trend_find(&t, profile, size, 3), 0);
    CHECK_EQ(t.sizes, 3);
    CHECK_EQ(t.size[0], 1000);
    CHECK_EQ(t.next, 8000);
    CHECK_EQ(t.functions, 2);
    CHECK_STR(t.function[0].name, "g");
    CHECK_STR(t.function[1].name, "f");
    CHECK_STR(t.function[1].file, "/a.js");
    CHECK_EQ(t.function[1].line, 4);
    CHECK_EQ(t.function[1].point[2].ms + 0.5, 160);
    CHECK_EQ(t.function[1].fit.exponent * 100 + 0.5, 200);
    CHECK_EQ(t.function[1].fit.next_ms + 0.5, 640);
    CHECK_EQ(t.function[0].fit.next_ms + 0.5, 800);
    CHECK_EQ(t.all[0].ms + 0.5, 110);
    clear();
}

static void runs_of_one_size_are_averaged(void)
{
    const double size[] = { 1000, 1000, 2000 };

    add(10, 100);
    add(30, 100);
    add(40, 200);
    CHECK_EQ(trend_find(&t, profile, size, 3), 0);
    CHECK_EQ(t.sizes, 2);
    CHECK_EQ(t.function[1].point[0].ms + 0.5, 20);
    CHECK_EQ(t.function[1].point[0].samples, 40);
    CHECK_EQ(t.function[1].fit.exponent * 100 + 0.5, 100);
    clear();
}

static void too_little_comes_last(void)
{
    const double size[] = { 1000, 2000 };

    add(2, 100);
    add(500, 200);
    CHECK_EQ(trend_find(&t, profile, size, 2), 0);
    CHECK_STR(t.function[1].name, "f");
    CHECK_EQ(t.function[1].fit.points, 1);
    clear();
}

int main(void)
{
    TEST(functions_are_rows_of_times_and_what_costs_most_next_is_first);
    TEST(runs_of_one_size_are_averaged);
    TEST(too_little_comes_last);
    return tap_done();
}
