#include "admin_fixture.h"

static struct shm *shm;
static struct reading r;

static struct shm_slot *begin(void)
{
    free(shm);
    shm = fixture_shm();
    return &shm->slot[0];
}

static void a_slot_is_copied(void)
{
    begin();
    reading_take(&r, shm, 0, FIXTURE_NOW);
    CHECK_EQ(r.state, SHM_READY);
    CHECK_EQ(r.worker, 1);
    CHECK_EQ(r.uptime_ns, 100 * NS_PER_S);
    CHECK_STR(str_of(r.node_version), "v20.20.2");
    CHECK_EQ(r.cpu_ns, 3 * NS_PER_S);
    CHECK_EQ(r.running_ns, 0);
    CHECK_EQ(r.busy_ns, 10 * NS_PER_S);
    CHECK_EQ(r.wait_ns, 89 * NS_PER_S + MS);
    CHECK(r.has_loop && r.has_agent);
    CHECK_EQ(r.spaces, 10);
    CHECK_EQ(r.resources, 3);
    CHECK_EQ(r.active_handles, 6);
    CHECK_EQ(r.active_requests, 1);
}

static void the_turn_that_runs_is_counted_so_far(void)
{
    struct shm_slot *s = begin();

    s->loop.waits_since_ns = 0;
    s->loop.busy_since_ns = FIXTURE_NOW - 3 * NS_PER_S;
    reading_take(&r, shm, 0, FIXTURE_NOW);
    CHECK_EQ(r.running_ns, 3 * NS_PER_S);
    CHECK_EQ(r.busy_ns, 13 * NS_PER_S);
    CHECK_EQ(r.turned_ns, 10 * NS_PER_S);
    CHECK_EQ(r.wait_ns, 89 * NS_PER_S);
}

static void times_in_the_future_or_before_the_start_are_clamped(void)
{
    struct shm_slot *s = begin();

    s->started_ns = UINT64_MAX;
    s->loop.busy_since_ns = UINT64_MAX;
    s->loop.busy_ns = UINT64_MAX;
    reading_take(&r, shm, 0, FIXTURE_NOW);
    CHECK_EQ(r.uptime_ns, 0);
    CHECK_EQ(r.running_ns, 0);
    CHECK_EQ(r.busy_ns, 0);
    s->started_ns = FIXTURE_NOW - NS_PER_S;
    s->loop.busy_since_ns = 1;
    reading_take(&r, shm, 0, FIXTURE_NOW);
    CHECK_EQ(r.running_ns, NS_PER_S);
    CHECK_EQ(r.busy_ns, NS_PER_S);
}

static void counts_and_enums_out_of_range_are_clamped(void)
{
    struct shm_slot *s = begin();

    s->state = 77;
    s->agent.spaces = UINT32_MAX;
    s->agent.resources = UINT32_MAX;
    s->in_flight = (u32)-2;
    s->agent.heap_used_bytes = UINT64_MAX;
    reading_take(&r, shm, 0, FIXTURE_NOW);
    CHECK_EQ(r.state, SHM_DEAD);
    CHECK(r.spaces <= SHM_SPACES_MAX);
    CHECK(r.resources <= SHM_RESOURCES_MAX);
    CHECK_EQ(r.in_flight, 0);
    CHECK(r.heap_used_bytes < UINT64_MAX);
}

static void names_are_bounded_printable_and_distinct(void)
{
    struct shm_slot *s = begin();

    memset(s->agent.space[0].name, 'x', sizeof(s->agent.space[0].name));
    str_to_cstr(STR("a \"b\n\xff"), s->agent.resource[0].type, 32);
    str_to_cstr(STR("Timeout"), s->agent.resource[2].type, 32);
    s->agent.resource[2].kind = 0;
    str_to_cstr(STR("old"), s->agent.space[3].name, 32);
    str_to_cstr(STR("_space"), s->agent.space[4].name, 32);
    memset(s->node_version, 'v', sizeof(s->node_version));
    reading_take(&r, shm, 0, FIXTURE_NOW);
    CHECK_EQ(strlen(r.space[0].name), 32);
    CHECK_STR(str_of(r.resource[0].type), "a??b??");
    CHECK_EQ(r.resources, 2);
    CHECK_EQ(r.resource[1].count, 3);
    CHECK_EQ(r.spaces, 8); /* without the second "old" and the one without a name */
    CHECK_EQ(strlen(r.node_version), 16);
}

static void the_longest_space_keeps_its_name(void)
{
    begin();
    reading_take(&r, shm, 0, FIXTURE_NOW);
    CHECK_STR(str_of(r.space[9].name), "shared_large_object_space");
    CHECK_STR(str_make(r.space[9].name, r.space[9].short_len), "shared_large_object");
}

int main(void)
{
    TEST(a_slot_is_copied);
    TEST(the_turn_that_runs_is_counted_so_far);
    TEST(times_in_the_future_or_before_the_start_are_clamped);
    TEST(counts_and_enums_out_of_range_are_clamped);
    TEST(names_are_bounded_printable_and_distinct);
    TEST(the_longest_space_keeps_its_name);
    free(shm);
    return tap_done();
}
