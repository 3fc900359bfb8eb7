#include "profile/compare.h"

#include "tap.h"

#include <math.h>

/* A profile of functions right under the root. */
struct made {
    const char *name, *url;
    int32_t line;
    u32 hits;
};

static struct profile profile[8];
static u32 profiles;

static const struct profile *profile_make(const struct made *f, double ms)
{
    AUTO(buf_done) struct buf text = { 0 };
    struct problem problem = { 0 };
    u32 n = 0;

    while (f[n].name)
        n++;
    buf_addf(&text,
             "{\"startTime\":0,\"endTime\":%g,\"nodes\":[{\"id\":1,\"hitCount\":0,"
             "\"callFrame\":{\"functionName\":\"(root)\",\"url\":\"\"},\"children\":[",
             ms * 1000);
    for (u32 i = 0; i < n; i++)
        buf_addf(&text, "%s%u", i ? "," : "", i + 2);
    buf_add(&text, STR("]}"));
    for (u32 i = 0; i < n; i++)
        buf_addf(
            &text,
            ",{\"id\":%u,\"hitCount\":%u,\"callFrame\":{\"functionName\":\"%s\",\"url\":\"%s\","
            "\"lineNumber\":%d,\"columnNumber\":0}}",
            i + 2, f[i].hits, f[i].name, f[i].url, f[i].line);
    buf_add(&text, STR("]}"));
    CHECK_EQ(profile_read(&profile[profiles], buf_str(&text), &problem), 0);
    return &profile[profiles++];
}

static struct comparison c;

static int compare(const struct made *before, double before_ms, const struct made *after,
                   double after_ms, enum compare_unit unit)
{
    const struct profile *a, *b;

    compare_done(&c);
    while (profiles)
        profile_done(&profile[--profiles]);
    a = profile_make(before, before_ms);
    b = profile_make(after, after_ms);
    return compare_profiles(&c, (struct compare_side[2]){ { a, 1 }, { b, 1 } }, unit, 0.01);
}

/* The function whose line before or after is this one. */
static const struct compared *function(const char *name, u32 side, int32_t line)
{
    for (u32 i = 0; i < c.functions; i++)
        if (str_eq(c.function[i].name, str_of(name)) && c.function[i].line[side] == line)
            return &c.function[i];
    return NULL;
}

#define END              \
    {                    \
        NULL, NULL, 0, 0 \
    }

static bool near(double got, double want)
{
    return fabs(got - want) < 1e-6 * max(1.0, fabs(want));
}

static void a_function_that_has_moved_is_the_same(void)
{
    CHECK_EQ(
        compare((struct made[]){ { "f", "file:///a.js", 3, 500 }, { "g", "/b.js", 1, 500 }, END },
                1000, (struct made[]){ { "f", "/a.js", 17, 1000 }, { "g", "/b.js", 1, 500 }, END },
                1500, COMPARE_RUN),
        0);
    CHECK_EQ(c.functions, 2);
    CHECK_STR(c.function[0].name, "f");
    CHECK_STR(c.function[0].file, "/a.js");
    CHECK_EQ(c.function[0].line[0], 3);
    CHECK_EQ(c.function[0].line[1], 17);
    CHECK(near(c.function[0].self[0], 500) && near(c.function[0].self[1], 1000));
    CHECK(c.function[0].adjusted < 1e-6);
    CHECK(c.function[1].adjusted > 0.5);
    CHECK(near(c.total.self[0], 1000) && near(c.total.self[1], 1500));
    CHECK(near(c.total.change.ratio, 1.5));
}

static void functions_of_one_name_are_matched_in_order(void)
{
    CHECK_EQ(compare((struct made[]){ { "", "/a.js", 3, 100 }, { "", "/a.js", 9, 200 }, END }, 300,
                     (struct made[]){ { "", "/a.js", 5, 100 }, { "", "/a.js", 11, 200 }, END }, 300,
                     COMPARE_RUN),
             0);
    CHECK_EQ(c.functions, 2);
    CHECK_EQ(function("", 0, 3)->line[1], 5);
    CHECK_EQ(function("", 0, 9)->line[1], 11);
}

static void one_more_of_a_name_is_new_where_the_others_stayed(void)
{
    CHECK_EQ(
        compare((struct made[]){ { "", "/a.js", 3, 100 }, { "", "/a.js", 9, 200 }, END }, 300,
                (struct made[]){
                    { "", "/a.js", 3, 100 }, { "", "/a.js", 6, 50 }, { "", "/a.js", 9, 200 }, END },
                350, COMPARE_RUN),
        0);
    CHECK_EQ(c.functions, 3);
    CHECK_EQ(function("", 0, 9)->line[1], 9);
    CHECK_EQ(function("", 1, 6)->line[0], -1);
    CHECK(isinf(function("", 1, 6)->change.ratio));
    CHECK_EQ(function("", 1, 6)->places, 1);
}

static void several_that_moved_with_one_more_are_taken_together(void)
{
    CHECK_EQ(compare((struct made[]){ { "", "/a.js", 3, 100 }, { "", "/a.js", 9, 200 }, END }, 300,
                     (struct made[]){ { "", "/a.js", 4, 100 },
                                      { "", "/a.js", 6, 50 },
                                      { "", "/a.js", 19, 200 },
                                      END },
                     350, COMPARE_RUN),
             0);
    CHECK_EQ(c.functions, 1);
    CHECK_EQ(c.function[0].places, 3);
    CHECK(near(c.function[0].self[0], 300) && near(c.function[0].self[1], 350));
}

static void idle_time_is_nobodys_and_the_unit_says_what_is_compared(void)
{
    static const struct made before[] = { { "f", "/a.js", 1, 100 },
                                          { "(idle)", "", -1, 900 },
                                          END },
                             after[] = { { "f", "/a.js", 1, 200 },
                                         { "(idle)", "", -1, 1800 },
                                         END };

    CHECK_EQ(compare(before, 1000, after, 2000, COMPARE_RUN), 0);
    CHECK_EQ(c.functions, 1);
    CHECK(near(c.function[0].change.ratio, 2));
    CHECK_EQ(compare(before, 1000, after, 2000, COMPARE_SECOND), 0);
    CHECK(near(c.function[0].self[0], 100) && near(c.function[0].self[1], 100));
    CHECK(near(c.function[0].change.ratio, 1));
    CHECK_EQ(compare(before, 1000, after, 2000, COMPARE_BUSY), 0);
    CHECK(near(c.function[0].self[0], 100) && near(c.function[0].change.ratio, 1));
    CHECK(near(c.busy_ms[0], 100) && near(c.duration_ms[1], 2000));
}

static void samples_of_another_interval_are_worth_what_they_last(void)
{
    CHECK_EQ(compare((struct made[]){ { "f", "/a.js", 1, 1000 }, END }, 1000,
                     (struct made[]){ { "f", "/a.js", 1, 10000 }, END }, 1000, COMPARE_RUN),
             0);
    CHECK(near(c.function[0].change.ratio, 1));
    CHECK(c.function[0].change.p > 0.9);
}

static void a_profile_without_time_or_work_cannot_be_compared(void)
{
    static const struct made f[] = { { "f", "/a.js", 1, 10 }, END },
                             idle[] = { { "(idle)", "", -1, 10 }, END };

    CHECK_EQ(compare(f, 0, f, 10, COMPARE_RUN), -EINVAL);
    CHECK_EQ(compare(f, 10, idle, 10, COMPARE_RUN), -EINVAL);
}

static void a_profile_that_saw_the_start_is_one_of_a_run(void)
{
    static const struct made start[] = { { "", "node:internal/main/run_main_module", 0, 0 },
                                         { "f", "/a.js", 1, 10 },
                                         END },
                             window[] = { { "f", "/a.js", 1, 10 }, END };

    CHECK_EQ(compare(start, 10, window, 10, COMPARE_RUN), 0);
    CHECK(compare_saw_start(&profile[0]));
    CHECK(!compare_saw_start(&profile[1]));
}

int main(void)
{
    TEST(a_function_that_has_moved_is_the_same);
    TEST(functions_of_one_name_are_matched_in_order);
    TEST(one_more_of_a_name_is_new_where_the_others_stayed);
    TEST(several_that_moved_with_one_more_are_taken_together);
    TEST(idle_time_is_nobodys_and_the_unit_says_what_is_compared);
    TEST(samples_of_another_interval_are_worth_what_they_last);
    TEST(a_profile_without_time_or_work_cannot_be_compared);
    TEST(a_profile_that_saw_the_start_is_one_of_a_run);
    compare_done(&c);
    while (profiles)
        profile_done(&profile[--profiles]);
    return tap_done();
}
