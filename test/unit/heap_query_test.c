/* query, glob: what a description means, and what is none */
#include "heap/glob.h"
#include "heap/query.h"
#include "tap.h"

static struct query parsed(const char *text)
{
    struct problem p = { 0 };
    struct query q;

    if (query_parse(&q, str_of(text), &p))
        printf("# %s: %s\n", text, p.text);
    CHECK(!p.text[0]);
    return q;
}

static void conditions_have_a_field_an_operator_and_a_value(void)
{
    struct query q = parsed(" class=Session  retained>=1M !type!=closure ");

    CHECK_EQ(q.count, 3);
    CHECK_EQ(q.term[0].field, QUERY_CLASS);
    CHECK_EQ(q.term[0].op, QUERY_EQ);
    CHECK(str_eq(q.term[0].text, STR("Session")));
    CHECK_EQ(q.term[1].op, QUERY_GE);
    CHECK_EQ(q.term[1].number, 1 << 20);
    CHECK(q.term[2].opposite);
    CHECK_EQ(q.term[2].op, QUERY_NE);
    CHECK_EQ(parsed("").count, 0);
}

static void quotes_are_for_blanks_and_for_what_would_be_a_wildcard(void)
{
    struct query q = parsed("text=\"a b*\" class='{id, user}'");

    CHECK_EQ(q.count, 2);
    CHECK(q.term[0].quoted);
    CHECK(str_eq(q.term[0].text, STR("a b*")));
    CHECK(str_eq(q.term[1].text, STR("{id, user}")));
    CHECK(parsed("text=\"\"").term[0].quoted);
}

static void kinds_ids_and_percentages_are_conditions(void)
{
    struct query q = parsed("duplicated-strings !empty-collections @123 id=@7 retained>2.5%");

    CHECK_EQ(q.count, 5);
    CHECK_EQ(q.term[0].filter, FILTER_DUPLICATED_STRINGS);
    CHECK(q.term[1].opposite);
    CHECK_EQ(q.term[2].number, 123);
    CHECK_EQ(q.term[3].number, 7);
    CHECK(q.term[4].percent);
    CHECK(query_holds(&q.term[4], 26, 1000));
    CHECK(!query_holds(&q.term[4], 25, 1000));
}

static void what_is_no_condition_is_said(void)
{
    static const struct {
        const char *text, *part;
    } bad[] = {
        { "retaind>1M", "did you mean retained?" },
        { "class", "class needs =" },
        { "class>Session", "takes = and !=" },
        { "retained>", "needs a value" },
        { "retained> 1M", "needs a value" },
        { "retained>lots", "needs a size" },
        { "retained>1.%", "needs a size" },
        { "distance<x", "whole number" },
        { "id=@", "whole number" },
        { "text=\"a", "does not end" },
        { "text=\"a\"b", "blank is missing" },
        { "=5", "\"=5\" is nothing to ask for" },
        { "empty-collection", "did you mean empty-collections?" },
        { "duplicated-strings=1", "is nothing to ask for" },
    };

    for (u32 i = 0; i < ARRAY_LEN(bad); i++) {
        struct problem p = { 0 };
        struct query q;

        CHECK_EQ(query_parse(&q, str_of(bad[i].text), &p), -EINVAL);
        if (!strstr(p.text, bad[i].part))
            printf("# %s: %s\n", bad[i].text, p.text);
        CHECK(strstr(p.text, bad[i].part));
    }
}

static void there_is_a_limit_of_conditions(void)
{
    char text[QUERY_TERMS_MAX * 3 + 4] = "";
    struct problem p = { 0 };
    struct query q;

    for (u32 i = 0; i < QUERY_TERMS_MAX; i++)
        snprintf(text + 3 * i, 4, "@1 ");
    CHECK_EQ(query_parse(&q, str_of(text), &p), 0);
    snprintf(text + 3 * QUERY_TERMS_MAX, 4, "@1 ");
    CHECK_EQ(query_parse(&q, str_of(text), &p), -EINVAL);
}

static void wildcards_match_the_whole_text(void)
{
    static const struct {
        const char *pattern, *text;
        bool yes;
    } cases[] = {
        { "Session", "Session", true },
        { "Session", "Sessions", false },
        { "*ess*", "Session", true },
        { "S?ssion", "Session", true },
        { "S?ssion", "Sssion", false },
        { "Map|Set", "Set", true },
        { "Map|Set", "Sets", false },
        { "", "", true },
        { "*", "", true },
        { "?", "", false },
        { "a*b*c", "aXbXbXc", true },
        { "a*b*c", "aXbXbX", false },
        { "?", "\xc3\xa4", true }, /* one character, two bytes */
        { "|a", "", true },
        { "Detached *", "Detached <div>", true },
    };

    for (u32 i = 0; i < ARRAY_LEN(cases); i++)
        CHECK_EQ(glob_match(str_of(cases[i].pattern), str_of(cases[i].text)), cases[i].yes);
}

int main(void)
{
    TEST(conditions_have_a_field_an_operator_and_a_value);
    TEST(quotes_are_for_blanks_and_for_what_would_be_a_wildcard);
    TEST(kinds_ids_and_percentages_are_conditions);
    TEST(what_is_no_condition_is_said);
    TEST(there_is_a_limit_of_conditions);
    TEST(wildcards_match_the_whole_text);
    return tap_done();
}
