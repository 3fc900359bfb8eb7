/* test/unit/proxy_span_test.c -- which traces are sampled */
#include "proxy/span.h"

#include "base/random.h"
#include "tap.h"

static u32 share(u32 sample)
{
    struct random random = { 1 };
    u32 n = 0;

    for (u32 i = 0; i < 100000; i++) {
        u8 trace[16];
        u64 id = random_u64(&random);

        memset(trace, 0, sizeof(trace));
        memcpy(trace + 8, &id, 8);
        n += span_ratio(trace, sample);
    }
    return n;
}

static void as_many_as_the_setting_says_are_sampled(void)
{
    CHECK_EQ(share(0), 0);
    CHECK_EQ(share(100000), 100000);
    CHECK(share(1000) > 900 && share(1000) < 1100);
    CHECK(share(10000) > 9700 && share(10000) < 10300);
    CHECK(share(99999) > 99900);
}

static void what_a_lower_share_samples_a_higher_one_does_too(void)
{
    u8 trace[16] = { 0 };

    for (u32 i = 0; i < 256; i++) {
        bool was = false;

        trace[9] = (u8)i;
        for (u32 sample = 0; sample <= 100000; sample += 1000) {
            CHECK(!was || span_ratio(trace, sample));
            was = span_ratio(trace, sample);
        }
    }
}

int main(void)
{
    TEST(as_many_as_the_setting_says_are_sampled);
    TEST(what_a_lower_share_samples_a_higher_one_does_too);
    return tap_done();
}
