/* test/unit/worker_side_test.c -- side processes: workers that are not Node */
#include "worker/side.h"

#include "base/clock.h"

#include "tap.h"

static void what_is_not_node_is_ready_after_a_second(void)
{
    CHECK(!side_is_ready(true, false, NS_PER_S - 1));
    CHECK(side_is_ready(true, false, NS_PER_S));
}

static void what_may_start_node_has_ten(void)
{
    CHECK(!side_is_ready(false, false, 10 * NS_PER_S - 1));
    CHECK(side_is_ready(false, false, 10 * NS_PER_S));
}

static void node_itself_is_never_ready_without_its_agent(void)
{
    CHECK(!side_is_ready(false, true, 1000 * NS_PER_S));
    CHECK(!side_is_ready(true, true, 1000 * NS_PER_S)); /* a command that turned out to be node */
}

int main(void)
{
    TEST(what_is_not_node_is_ready_after_a_second);
    TEST(what_may_start_node_has_ten);
    TEST(node_itself_is_never_ready_without_its_agent);
    return tap_done();
}
