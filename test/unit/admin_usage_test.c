#include "admin/usage.h"

#include "tap.h"

static struct usage usage;

static void this_process_has_figures(void)
{
    CHECK_EQ(usage_read(&usage, (u32)getpid()), 0);
    CHECK(usage.rss_bytes > 100000);
    CHECK(usage.heap_bytes > 10000);
    CHECK(usage.faults_minor > 10);
}

static void switches_of_this_process_rise(void)
{
    u64 before;

    CHECK_EQ(usage_read(&usage, (u32)getpid()), 0);
    before = usage.switches_voluntary;
    usleep(1000);
    CHECK_EQ(usage_read(&usage, (u32)getpid()), 0);
    CHECK(usage.switches_voluntary > before);
}

static void a_process_that_is_not_there_is_an_error(void)
{
    struct usage before = usage;

    CHECK(usage_read(&usage, 2000000000) < 0);
    CHECK(usage_read(&usage, 0) < 0);
    CHECK(memcmp(&before, &usage, sizeof(usage)) == 0);
}

int main(void)
{
    TEST(this_process_has_figures);
    TEST(switches_of_this_process_rise);
    TEST(a_process_that_is_not_there_is_an_error);
    return tap_done();
}
