/* test/unit/worker_slots_test.c */
#include "worker/slots.h"

#include "tap.h"

static void a_slot_comes_zeroed_with_a_new_generation(void)
{
    struct shm *shm = calloc(1, sizeof(*shm));
    struct slots *s = calloc(1, sizeof(*s));
    struct slots_user user = { .worker = 2, .pid = 77, .node_version = "v20.20.2-a-long-tail" };
    int i;

    slots_init(s, shm);
    i = slots_take(s, &user);
    CHECK_EQ(i, 0);
    CHECK_EQ(shm->slot[0].generation, 1);
    CHECK_EQ(shm->slot[0].state, SHM_STARTING);
    CHECK_STR(str_of(shm->slot[0].node_version), "v20.20.2-a-long");
    shm->slot[0].requests = 5;
    shm->slot[0].in_flight = 1;
    slots_leave(s, 0, NS_PER_S);
    CHECK_EQ(shm->slot[0].state, SHM_DEAD);
    slots_tick(s, 3 * NS_PER_S); /* the proxy still has one in it */
    CHECK_EQ(shm->slot[0].state, SHM_DEAD);
    CHECK_EQ(slots_take(s, &user), 1);
    shm->slot[0].in_flight = 0;
    slots_tick(s, 3 * NS_PER_S);
    CHECK_EQ(shm->slot[0].state, SHM_FREE);
    CHECK_EQ(slots_take(s, &user), 0);
    CHECK_EQ(shm->slot[0].generation, 2);
    CHECK_EQ(shm->slot[0].requests, 0);
    CHECK_EQ(shm->slots_used, 2);
    free(s);
    free(shm);
}

static void a_worker_that_overwrites_the_memory_confuses_nobody(void)
{
    struct shm *shm = calloc(1, sizeof(*shm));
    struct slots *s = calloc(1, sizeof(*s));
    struct slots_user user = { .worker = 1, .pid = 1 };

    slots_init(s, shm);
    CHECK_EQ(slots_take(s, &user), 0);
    memset((void *)&shm->slot[0], 0xff, sizeof(shm->slot[0]));
    CHECK_EQ(slots_in_flight(s, 0), UINT32_MAX);
    CHECK_EQ(slots_take(s, &user), 1); /* 0 is still taken */
    slots_leave(s, 0, NS_PER_S);
    slots_tick(s, 2 * NS_PER_S);
    CHECK_EQ(s->own[0].state, SHM_DEAD);
    slots_tick(s, 62 * NS_PER_S); /* but not for ever */
    CHECK_EQ(slots_take(s, &user), 0);
    CHECK_EQ(shm->slot[0].generation, 2);
    free(s);
    free(shm);
}

static void there_is_an_end_to_slots(void)
{
    struct shm *shm = calloc(1, sizeof(*shm));
    struct slots *s = calloc(1, sizeof(*s));
    struct slots_user user = { .worker = 1, .pid = (u32)getpid() };
    u64 rss_bytes = 0;

    slots_init(s, shm);
    for (int i = 0; i < SHM_SLOTS_MAX; i++)
        CHECK_EQ(slots_take(s, &user), i);
    CHECK_EQ(slots_take(s, &user), -ENOSPC);
    CHECK_EQ(slots_sample(s, 9, (u32)getpid(), true, &rss_bytes), 0);
    CHECK(rss_bytes > 0);
    CHECK_EQ(shm->slot[9].rss_bytes, rss_bytes);
    CHECK(shm->slot[9].open_fds >= 3);
    free(s);
    free(shm);
}

int main(void)
{
    TEST(a_slot_comes_zeroed_with_a_new_generation);
    TEST(a_worker_that_overwrites_the_memory_confuses_nobody);
    TEST(there_is_an_end_to_slots);
    return tap_done();
}
