/* errands: work beside a loop */
#include "io/errand.h"

#include "tap.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

static struct loop *loop;
static struct errands *errands;
static pthread_t here;
static u32 order[200], done_count, given_up;
static _Atomic u32 idles;
static _Atomic bool held;

struct sum {
    struct errand errand;
    u32 number, result;
    bool elsewhere;
};

static void work(struct errand *e)
{
    struct sum *s = container_of(e, struct sum, errand);

    while (atomic_load(&held))
        usleep(1000);
    s->result = s->number * 2;
    s->elsewhere = !pthread_equal(pthread_self(), here);
}

static void done(struct errand *e, bool was)
{
    struct sum *s = container_of(e, struct sum, errand);

    if (!was)
        given_up++;
    else if (s->elsewhere && s->result == s->number * 2 && pthread_equal(pthread_self(), here))
        order[done_count++] = s->number;
}

static void forget(struct errand *e)
{
    (void)e;
    atomic_fetch_add(&idles, 1);
}
static struct errand idle = { .work = forget };

static void begin(void)
{
    done_count = given_up = 0;
    atomic_store(&held, false);
    CHECK_EQ(errands_new(&errands, loop, &idle, 10 * NS_PER_MS), 0);
}

static void errands_are_done_in_their_order_on_another_thread(void)
{
    struct sum sums[40];

    begin();
    for (u32 i = 0; i < 40; i++) {
        sums[i] = (struct sum){ .errand = { .work = work, .done = done }, .number = i };
        CHECK(errands_add(errands, &sums[i].errand));
    }
    while (done_count < 40)
        loop_turn(loop, -1);
    for (u32 i = 0; i < 40; i++)
        CHECK_EQ(order[i], i);
    errands_free(errands);
    CHECK_EQ(given_up, 0);
}

static void what_is_kept_is_forgotten_when_there_is_nothing_to_do(void)
{
    struct sum first = { .errand = { .work = work, .done = done }, .number = 1 }, second = first;
    u32 before;

    begin();
    before = atomic_load(&idles);
    CHECK(errands_add(errands, &first.errand));
    while (atomic_load(&idles) == before)
        loop_turn(loop, 5);
    CHECK(errands_add(errands, &second.errand)); /* and it goes on */
    while (done_count < 2)
        loop_turn(loop, -1);
    errands_free(errands);
}

static void no_more_wait_than_may_and_they_are_given_up_at_the_end(void)
{
    static struct sum sums[ERRANDS_MAX + 8];
    u32 taken = 0;

    begin();
    atomic_store(&held, true);
    for (u32 i = 0; i < ARRAY_LEN(sums); i++) {
        sums[i] = (struct sum){ .errand = { .work = work, .done = done }, .number = i };
        taken += errands_add(errands, &sums[i].errand);
    }
    CHECK(taken == ERRANDS_MAX || taken == ERRANDS_MAX + 1); /* one may be worked at */
    atomic_store(&held, false);
    errands_free(errands);
    CHECK(given_up > 0);
    CHECK(given_up + done_count == taken);
}

static void without_errands_there_is_nothing_to_end(void)
{
    begin();
    errands_free(errands);
    errands_free(NULL);
}

int main(void)
{
    here = pthread_self();
    assert(loop_new(&loop) == 0);
    TEST(errands_are_done_in_their_order_on_another_thread);
    TEST(what_is_kept_is_forgotten_when_there_is_nothing_to_do);
    TEST(no_more_wait_than_may_and_they_are_given_up_at_the_end);
    TEST(without_errands_there_is_nothing_to_end);
    loop_free(loop);
    return tap_done();
}
