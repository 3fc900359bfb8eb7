/* test/unit/http_traceparent_test.c -- W3C Trace Context */
#include "http/traceparent.h"

#include "tap.h"

#define TRACE "0af7651916cd43dd8448eb211c80319c"
#define SPAN "b7ad6b7169203331"

static bool parses(const char *text)
{
    struct traceparent t;

    return traceparent_parse(str_of(text), &t);
}

static void a_traceparent_is_read_and_written_back(void)
{
    struct traceparent t;
    char text[TRACEPARENT_LEN];

    CHECK(traceparent_parse(STR("00-" TRACE "-" SPAN "-01"), &t));
    CHECK_EQ(t.trace[0], 0x0a);
    CHECK_EQ(t.trace[15], 0x9c);
    CHECK_EQ(t.span[7], 0x31);
    CHECK_EQ(t.flags, TRACEPARENT_SAMPLED);
    traceparent_text(&t, text);
    CHECK_STR(str_make(text, sizeof(text)), "00-" TRACE "-" SPAN "-01");
}

static void what_the_recommendation_calls_invalid_is_invalid(void)
{
    CHECK(!parses(""));
    CHECK(!parses("00-" TRACE "-" SPAN));
    CHECK(!parses("00-" TRACE "-" SPAN "-0"));
    CHECK(!parses("00-" TRACE "-" SPAN "-01-"));
    CHECK(!parses("00-" TRACE "-" SPAN "-01-more"));
    CHECK(!parses("ff-" TRACE "-" SPAN "-01"));
    CHECK(!parses("0g-" TRACE "-" SPAN "-01"));
    CHECK(!parses("00-0AF7651916CD43DD8448EB211C80319C-" SPAN "-01"));
    CHECK(!parses("00-00000000000000000000000000000000-" SPAN "-01"));
    CHECK(!parses("00-" TRACE "-0000000000000000-01"));
    CHECK(!parses("00_" TRACE "-" SPAN "-01"));
    CHECK(!parses("00-" TRACE "-" SPAN "-0x"));
    CHECK(!parses("00-0af7651916cd43dd8448eb211c80319-" SPAN "-010"));
}

static void a_later_version_is_read_as_far_as_it_is_known(void)
{
    struct traceparent t;

    CHECK(parses("01-" TRACE "-" SPAN "-01"));
    CHECK(parses("01-" TRACE "-" SPAN "-01-what-comes-later"));
    CHECK(!parses("01-" TRACE "-" SPAN "-01what"));
    CHECK(traceparent_parse(STR("cc-" TRACE "-" SPAN "-ff"), &t));
    CHECK_EQ(t.flags, TRACEPARENT_SAMPLED | TRACEPARENT_RANDOM);
}

static void tracestate_keeps_to_its_limits(void)
{
    char many[33 * 8] = "", wide[600] = "a=";
    size_t len = 0;

    CHECK(tracestate_valid(STR("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE")));
    CHECK(tracestate_valid(STR("fw529a3039@dt=FfAwYQoAAQ , a_b-c*d/e=x y")));
    CHECK(tracestate_valid(STR("1a@dd=x")));
    CHECK(!tracestate_valid(STR("@dd=x")));
    CHECK(!tracestate_valid(STR("")));
    CHECK(!tracestate_valid(STR(" , ")));
    CHECK(!tracestate_valid(STR("Rojo=1")));
    CHECK(!tracestate_valid(STR("rojo")));
    CHECK(!tracestate_valid(STR("rojo=")));
    CHECK(!tracestate_valid(STR("=x")));
    CHECK(!tracestate_valid(STR("a=1,a=2")));
    CHECK(!tracestate_valid(STR("a=1=2")));
    CHECK(!tracestate_valid(STR("a=\x01")));
    for (int i = 0; i < 33; i++)
        len += (size_t)snprintf(many + len, sizeof(many) - len, "k%d=v,", i);
    CHECK(!tracestate_valid(str_make(many, len)));
    CHECK(tracestate_valid(str_make(many, len - 6)));
    memset(wide + 2, 'x', 597);
    CHECK(!tracestate_valid(str_make(wide, 300)));
}

int main(void)
{
    TEST(a_traceparent_is_read_and_written_back);
    TEST(what_the_recommendation_calls_invalid_is_invalid);
    TEST(a_later_version_is_read_as_far_as_it_is_known);
    TEST(tracestate_keeps_to_its_limits);
    return tap_done();
}
