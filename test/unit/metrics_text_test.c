#include "metrics/text.h"
#include "tap.h"

static struct buf out;
static struct text text = { .out = &out };

static struct str begun(void)
{
    buf_clear(&out);
    text_family(&text, "a_total", TEXT_COUNTER, "Help.");
    return buf_str(&out);
}

static struct str last_line(void)
{
    struct str all = buf_str(&out), line = { 0 };

    while (all.len)
        line = str_cut(all, '\n', &all);
    return line;
}

static void a_family_begins_with_help_and_type(void)
{
    CHECK_STR(begun(), "# HELP a_total Help.\n# TYPE a_total counter\n");
}

static void a_sample_without_labels_has_no_braces(void)
{
    begun();
    text_u64(&text, NO_LABELS, UINT64_MAX);
    CHECK_STR(last_line(), "a_total 18446744073709551615");
}

static void an_empty_label_is_left_out(void)
{
    begun();
    text_u64(&text, LABELS({ "a", STR("") }, { "b", STR("x") }, { "c", STR("") }), 1);
    CHECK_STR(last_line(), "a_total{b=\"x\"} 1");
    text_u64(&text, LABELS({ "a", STR("") }), 2);
    CHECK_STR(last_line(), "a_total 2");
}

static void label_values_are_escaped(void)
{
    begun();
    text_u64(&text, LABELS({ "a", STR("q\"b\\n\nt\tx\x7f") }), 1);
    CHECK_STR(last_line(), "a_total{a=\"q\\\"b\\\\n\\nt?x?\"} 1");
}

static void bytes_that_are_not_utf8_become_question_marks(void)
{
    begun();
    text_u64(&text, LABELS({ "a", STR("caf\xc3\xa9 \xc3 \xff\xf0\x9f\x98\x80 \xed\xa0\x80") }), 1);
    CHECK_STR(last_line(), "a_total{a=\"caf\xc3\xa9 ? ?\xf0\x9f\x98\x80 ???\"} 1");
}

static void seconds_are_exact(void)
{
    char room[TEXT_SECONDS_MAX];

    CHECK_STR(text_of_seconds(0, room), "0");
    CHECK_STR(text_of_seconds(1, room), "0.000000001");
    CHECK_STR(text_of_seconds(10500000, room), "0.0105");
    CHECK_STR(text_of_seconds(3000000000, room), "3");
    CHECK_STR(text_of_seconds(10000000000, room), "10");
    CHECK_STR(text_of_seconds(UINT64_MAX, room), "18446744073.709551615");
}

static void ratios_have_six_places(void)
{
    begun();
    text_millionths(&text, NO_LABELS, 1000000);
    CHECK_STR(last_line(), "a_total 1.000000");
    text_millionths(&text, NO_LABELS, 25);
    CHECK_STR(last_line(), "a_total 0.000025");
}

static void a_histogram_has_buckets_sum_and_count(void)
{
    static const u64 le[] = { 5000000, 1000000000 };
    static const u64 cumulative[] = { 1, 3, 4 };

    buf_clear(&out);
    text_family(&text, "h", TEXT_HISTOGRAM, "H.");
    text_histogram(&text, LABELS({ "k", STR("v") }), le, 2, cumulative, 2500000000);
    CHECK_STR(buf_str(&out), "# HELP h H.\n# TYPE h histogram\n"
                             "h_bucket{k=\"v\",le=\"0.005\"} 1\n"
                             "h_bucket{k=\"v\",le=\"1\"} 3\n"
                             "h_bucket{k=\"v\",le=\"+Inf\"} 4\n"
                             "h_sum{k=\"v\"} 2.5\n"
                             "h_count{k=\"v\"} 4\n");
}

int main(void)
{
    TEST(a_family_begins_with_help_and_type);
    TEST(a_sample_without_labels_has_no_braces);
    TEST(an_empty_label_is_left_out);
    TEST(label_values_are_escaped);
    TEST(bytes_that_are_not_utf8_become_question_marks);
    TEST(seconds_are_exact);
    TEST(ratios_have_six_places);
    TEST(a_histogram_has_buckets_sum_and_count);
    buf_done(&out);
    return tap_done();
}
