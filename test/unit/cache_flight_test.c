/* test/unit/cache_flight_test.c -- who asks, who waits, and what becomes of it */
#include "cache/flight.h"

#include "tap.h"

#include <pthread.h>

static const struct digest key = { 1, 2 }, other = { 3, 4 };

static void one_asks_and_the_others_get_what_becomes_of_it(void)
{
    struct flights *fs;
    struct flyer leader, waits, elsewhere, alone;
    enum flight_outcome outcome = FLIGHT_FAILED;

    CHECK_EQ(flights_new(&fs), 0);
    CHECK_EQ(flight_join(fs, &leader, key, 0), FLIGHT_LEADS);
    CHECK(!flight_is_awaited(fs, &leader));
    CHECK_EQ(flight_join(fs, &waits, key, 0), FLIGHT_WAITS);
    CHECK_EQ(flight_join(fs, &elsewhere, key, 5), FLIGHT_WAITS);
    CHECK_EQ(flight_join(fs, &alone, other, 0), FLIGHT_LEADS);
    CHECK(flight_is_awaited(fs, &leader));
    CHECK_EQ(flight_waiters(fs), 2);
    CHECK(flight_take(fs, 0, &outcome) == NULL);
    CHECK_EQ(flight_land(fs, &leader, FLIGHT_STORED), 1 | 1 << 5);
    CHECK_EQ(flight_land(fs, &leader, FLIGHT_STORED), 0);
    CHECK(flight_take(fs, 0, &outcome) == &waits);
    CHECK_EQ(outcome, FLIGHT_STORED);
    CHECK(flight_take(fs, 0, &outcome) == NULL);
    CHECK(flight_take(fs, 5, &outcome) == &elsewhere);
    CHECK_EQ(flight_waiters(fs), 0);
    CHECK_EQ(flight_join(fs, &leader, key, 0), FLIGHT_LEADS);
    flights_free(fs);
}

static void whoever_leads_and_goes_leaves_it_to_the_others(void)
{
    struct flights *fs;
    struct flyer leader, a, b;
    enum flight_outcome outcome = FLIGHT_STORED;

    CHECK_EQ(flights_new(&fs), 0);
    CHECK_EQ(flight_join(fs, &leader, key, 0), FLIGHT_LEADS);
    CHECK_EQ(flight_join(fs, &a, key, 1), FLIGHT_WAITS);
    CHECK_EQ(flight_join(fs, &b, key, 1), FLIGHT_WAITS);
    CHECK_EQ(flight_leave(fs, &a), 0);
    CHECK_EQ(flight_leave(fs, &leader), 2);
    CHECK(flight_take(fs, 1, &outcome) == &b);
    CHECK_EQ(outcome, FLIGHT_FAILED);
    flights_free(fs);
}

static void one_that_has_landed_may_still_leave(void)
{
    struct flights *fs;
    struct flyer leader, a;
    enum flight_outcome outcome;

    CHECK_EQ(flights_new(&fs), 0);
    CHECK_EQ(flight_join(fs, &leader, key, 0), FLIGHT_LEADS);
    CHECK_EQ(flight_join(fs, &a, key, 1), FLIGHT_WAITS);
    CHECK_EQ(flight_land(fs, &leader, FLIGHT_USELESS), 2);
    CHECK_EQ(flight_leave(fs, &a), 0);
    CHECK_EQ(flight_leave(fs, &a), 0);
    CHECK(flight_take(fs, 1, &outcome) == NULL);
    CHECK_EQ(flight_waiters(fs), 0);
    flights_free(fs);
}

static void when_there_are_too_many_keys_each_asks_alone(void)
{
    static struct flyer all[FLIGHTS_MAX], more;
    struct flights *fs;

    CHECK_EQ(flights_new(&fs), 0);
    for (u32 i = 0; i < FLIGHTS_MAX; i++)
        CHECK_EQ(flight_join(fs, &all[i], (struct digest){ i, 0 }, 0), FLIGHT_LEADS);
    CHECK_EQ(flight_join(fs, &more, (struct digest){ FLIGHTS_MAX, 0 }, 0), FLIGHT_NONE);
    CHECK_EQ(flight_leave(fs, &more), 0);
    CHECK_EQ(flight_land(fs, &all[0], FLIGHT_STORED), 0);
    CHECK_EQ(flight_join(fs, &more, (struct digest){ FLIGHTS_MAX, 0 }, 0), FLIGHT_LEADS);
    flights_free(fs);
}

/* ---- threads ---- */

static struct flights *shared;
static _Atomic u32 landed, waited;

static void *flyers(void *arg)
{
    u32 thread = (u32)(uintptr_t)arg;
    enum flight_outcome outcome;

    for (u32 i = 0; i < 20000; i++) {
        static _Thread_local struct flyer f;

        switch (flight_join(shared, &f, (struct digest){ i % 7, 0 }, thread)) {
        case FLIGHT_LEADS:
            flight_land(shared, &f, FLIGHT_STORED);
            break;
        case FLIGHT_WAITS:
            waited++;
            if (i % 3 == 0) {
                flight_leave(shared, &f);
                waited--;
                break;
            }
            while (flight_take(shared, thread, &outcome) == NULL)
                if (i % 2) /* whoever leads is in its own call: it will land */
                    continue;
            landed++;
            break;
        case FLIGHT_NONE:
        case FLIGHT_LANDED:
            break;
        }
    }
    return NULL;
}

static void nobody_who_waits_is_forgotten(void)
{
    pthread_t t[4];

    CHECK_EQ(flights_new(&shared), 0);
    for (u32 i = 0; i < ARRAY_LEN(t); i++)
        CHECK_EQ(pthread_create(&t[i], NULL, flyers, (void *)(uintptr_t)i), 0);
    for (u32 i = 0; i < ARRAY_LEN(t); i++)
        CHECK_EQ(pthread_join(t[i], NULL), 0);
    CHECK_EQ(landed, waited);
    CHECK_EQ(flight_waiters(shared), 0);
    flights_free(shared);
}

int main(void)
{
    TEST(one_asks_and_the_others_get_what_becomes_of_it);
    TEST(whoever_leads_and_goes_leaves_it_to_the_others);
    TEST(one_that_has_landed_may_still_leave);
    TEST(when_there_are_too_many_keys_each_asks_alone);
    TEST(nobody_who_waits_is_forgotten);
    return tap_done();
}
