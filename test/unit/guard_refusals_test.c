/* test/unit/guard_refusals_test.c -- refused until the time that was said, and not a moment longer
 */
#include "base/clock.h"
#include "guard/refusals.h"

#include "tap.h"

static struct refusals r;

static void a_refusal_holds_until_another_can_be_admitted(void)
{
    struct rate_verdict v = { .retry_ns = 300, .reset_ns = 1000 }, found;

    refusals_note(&r, 7, &v, 5000);
    CHECK(refusals_find(&r, 7, 5100, &found));
    CHECK(!found.admitted);
    CHECK_EQ(found.retry_ns, 200);
    CHECK_EQ(found.reset_ns, 900);
    CHECK(refusals_find(&r, 7, 5299, &found));
    CHECK(!refusals_find(&r, 7, 5300, &found));
}

static void others_are_not_refused_by_it(void)
{
    struct rate_verdict v = { .retry_ns = 300 }, found;

    refusals_note(&r, 7, &v, 5000);
    CHECK(!refusals_find(&r, 8, 5100, &found));
    CHECK(!refusals_find(&r, 7 + REFUSALS_MAX, 5100, &found));
    CHECK(!refusals_find(&r, 0, 5100, &found));
    refusals_note(&r, 7 + REFUSALS_MAX, &v, 5000);
    CHECK(!refusals_find(&r, 7, 5100, &found)); /* forgotten: asked about again */
}

int main(void)
{
    TEST(a_refusal_holds_until_another_can_be_admitted);
    TEST(others_are_not_refused_by_it);
    return tap_done();
}
