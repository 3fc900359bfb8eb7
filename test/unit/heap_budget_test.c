/* budget: limits as people write them, and what fits into them */
#include "heap/budget.h"
#include "heap_made.h"
#include "tap.h"

static struct budget added(enum budget_kind kind, const char *text)
{
    struct budgets b = { 0 };
    struct problem p = { 0 };

    CHECK_EQ(budget_add(&b, kind, str_of(text), &p), 0);
    CHECK_EQ(b.count, 1);
    return b.list[0];
}

static void a_limit_is_of_a_class_or_of_the_whole_heap(void)
{
    struct budget b = added(BUDGET_RETAINED, "Session=5M");

    CHECK(str_eq(b.class, STR("Session")));
    CHECK_EQ(b.limit, 5 << 20);
    b = added(BUDGET_COUNT, "{a=b}=7"); /* the last = counts */
    CHECK(str_eq(b.class, STR("{a=b}")));
    CHECK_EQ(b.limit, 7);
    b = added(BUDGET_TOTAL, "500M");
    CHECK_EQ(b.class.len, 0);
    CHECK_EQ(b.limit, 500ull << 20);
    b = added(BUDGET_GROWTH, "1.5%");
    CHECK(b.percent);
    CHECK_EQ(b.limit, 1500);
    b = added(BUDGET_GROWTH, "Session=1M");
    CHECK(!b.percent);
    CHECK(str_eq(b.class, STR("Session")));
}

static void what_is_no_limit_is_said(void)
{
    static const struct {
        enum budget_kind kind;
        const char *text;
    } bad[] = {
        { BUDGET_TOTAL, "lots" },    { BUDGET_TOTAL, "Session=5M" },
        { BUDGET_TOTAL, "" },        { BUDGET_RETAINED, "5M" },
        { BUDGET_RETAINED, "=5M" },  { BUDGET_RETAINED, "Session=" },
        { BUDGET_COUNT, "Map=1.5" }, { BUDGET_COUNT, "Map=5%" },
        { BUDGET_GROWTH, "1.%" },    { BUDGET_GROWTH, "%" },
        { BUDGET_GROWTH, "=1%" },
    };

    for (u32 i = 0; i < ARRAY_LEN(bad); i++) {
        struct budgets b = { 0 };
        struct problem p = { 0 };

        CHECK_EQ(budget_add(&b, bad[i].kind, str_of(bad[i].text), &p), -EINVAL);
        CHECK(strstr(p.text, budget_name(bad[i].kind)));
        CHECK_EQ(b.count, 0);
    }
}

static void there_is_a_limit_of_limits(void)
{
    struct budgets b = { 0 };
    struct problem p = { 0 };

    for (u32 i = 0; i < BUDGETS_MAX; i++)
        CHECK_EQ(budget_add(&b, BUDGET_TOTAL, STR("1M"), &p), 0);
    CHECK_EQ(budget_add(&b, BUDGET_TOTAL, STR("1M"), &p), -EINVAL);
}

static void what_is_just_the_limit_fits(void)
{
    struct budget b = added(BUDGET_RETAINED, "Session=100");
    struct budget_sum now = { 1, 100 };

    CHECK(budget_judge(&b, NULL, &now).fits);
    now.retained = 101;
    CHECK(!budget_judge(&b, NULL, &now).fits);
    b = added(BUDGET_COUNT, "Session=1");
    CHECK(budget_judge(&b, NULL, &now).fits);
    now.count = 2;
    CHECK(!budget_judge(&b, NULL, &now).fits);
}

static void growth_is_from_the_first_to_the_last_and_less_is_no_growth(void)
{
    struct budget share = added(BUDGET_GROWTH, "10%"), size = added(BUDGET_GROWTH, "50");
    struct budget_sum first = { 1, 1000 }, now = { 1, 1100 }, none = { 0 };

    CHECK(budget_judge(&share, &first, &now).fits);
    CHECK_EQ(budget_judge(&share, &first, &now).limit, 100);
    CHECK(!budget_judge(&size, &first, &now).fits);
    now.retained = 1101;
    CHECK(!budget_judge(&share, &first, &now).fits);
    now.retained = 10;
    CHECK(budget_judge(&share, &first, &now).fits);
    CHECK_EQ(budget_judge(&size, &first, &now).value, -990);
    CHECK(!budget_judge(&share, &none, &now).fits); /* any share of nothing is nothing */
    CHECK(budget_judge(&share, &none, &none).fits);
}

/* Ten nested sessions of 100 bytes, and one Map beside them. */
static void a_pattern_is_one_sum_with_each_byte_once(void)
{
    struct made *m = made_new();
    struct budgets b = { 0 };
    struct budget_sum sums[BUDGETS_MAX];
    struct analysis a;
    struct problem p = { 0 };
    u32 above = 2;

    for (u32 i = 0; i < 10; i++) {
        u32 node = made_node(m, MADE_OBJECT, i % 2 ? "Session" : "Shape", 101 + 2 * i, 100);

        made_link(m, above, MADE_PROPERTY, "next", node);
        above = node;
    }
    made_link(m, 2, MADE_PROPERTY, "map", made_node(m, MADE_OBJECT, "Map", 301, 40));
    made_write(m);
    assert(!analysis_run(&a, &m->in, 1, 0, NULL, &p));
    CHECK_EQ(budget_add(&b, BUDGET_RETAINED, STR("S*=1"), &p), 0);
    CHECK_EQ(budget_add(&b, BUDGET_RETAINED, STR("Session=1"), &p), 0);
    CHECK_EQ(budget_add(&b, BUDGET_RETAINED, STR("Session|Map=1"), &p), 0);
    CHECK_EQ(budget_add(&b, BUDGET_TOTAL, STR("1"), &p), 0);
    CHECK_EQ(budget_add(&b, BUDGET_COUNT, STR("Sesion=1"), &p), 0);
    CHECK_EQ(budget_measure(&b, &a, sums), 0);
    CHECK_EQ(sums[0].count, 10);
    CHECK_EQ(sums[0].retained, 1000);
    CHECK_EQ(sums[1].count, 5);
    CHECK_EQ(sums[1].retained, 900);
    CHECK_EQ(sums[2].retained, 940);
    CHECK_EQ(sums[3].retained, a.s.total);
    CHECK_EQ(sums[4].count, 0);
    analysis_done(&a);
    made_free(m);
}

int main(void)
{
    TEST(a_limit_is_of_a_class_or_of_the_whole_heap);
    TEST(what_is_no_limit_is_said);
    TEST(there_is_a_limit_of_limits);
    TEST(what_is_just_the_limit_fits);
    TEST(growth_is_from_the_first_to_the_last_and_less_is_no_growth);
    TEST(a_pattern_is_one_sum_with_each_byte_once);
    return tap_done();
}
