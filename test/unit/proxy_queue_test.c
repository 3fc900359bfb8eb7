/* test/unit/proxy_queue_test.c -- the one central queue
 *
 * Proxy and threads are faked as far as queue.c looks at them: shared memory with
 * workers whose loops the test moves by hand, and threads with a mailbox each.
 */
#include "proxy/queue.h"

#include "proxy/thread.h"

#include "tap.h"

#include <poll.h>
#include <sys/eventfd.h>

enum { THREADS = 4, LISTENER = 0 };

static struct settings_request settings; /* what holds for all that is asked */
static struct proxy *p;

/* What waits: stands for an exchange. */
struct asker {
    struct ticket ticket;
    u32 number;
    u32 called;
    u64 block_ns; /* expected */
};

static u32 order[1000], order_n;

static void given(struct ticket *t)
{
    struct asker *a = container_of(t, struct asker, ticket);

    CHECK(t->claim.slot != NULL);
    a->called++;
    order[order_n++] = a->number;
}

static void loop_waits(u32 slot)
{
    struct shm_loop *l = &p->shm->slot[slot].loop;

    l->seen_before = atomic_load(&l->seen);
    l->seen = atomic_load(&p->shm->slot[slot].dispatched);
    l->waits_since_ns = clock_now_ns();
    l->busy_since_ns = 0;
}

/* A turn that blocks: it began long ago. */
static void loop_runs(u32 slot)
{
    struct shm_loop *l = &p->shm->slot[slot].loop;

    l->seen_before = atomic_load(&l->seen);
    l->seen = atomic_load(&p->shm->slot[slot].dispatched);
    l->busy_since_ns = clock_now_ns() - 50 * NS_PER_MS;
    l->waits_since_ns = 0;
}

static void begin(u32 workers, enum settings_balance_by by)
{
    if (p) {
        for (u32 i = 0; i < THREADS; i++) {
            close(p->threads[i].mail.fd);
            loop_free(p->threads[i].loop);
        }
        free(p->threads);
        free(p->shm);
        free(p);
    }
    p = calloc(1, sizeof(*p));
    p->shm = calloc(1, sizeof(*p->shm));
    p->threads = calloc(THREADS, sizeof(*p->threads));
    assert(p->shm && p->threads);
    p->threads_n = THREADS;
    settings = (struct settings_request){ .balance.by = by, .queue_max = 100 };
    queue_init(&p->queue);
    p->shm->slots_used = workers;
    for (u32 i = 0; i < THREADS; i++) {
        p->threads[i].proxy = p;
        p->threads[i].index = i;
        p->threads[i].mail.fd = eventfd(0, EFD_NONBLOCK);
        CHECK_EQ(loop_new(&p->threads[i].loop), 0);
    }
    for (u32 i = 0; i < workers; i++) {
        p->shm->slot[i].state = SHM_READY;
        p->shm->slot[i].generation = 1;
        p->shm->slot[i].worker = i + 1;
        p->shm->slot[i].listening = BIT(LISTENER);
        loop_waits(i);
    }
    order_n = 0;
}

static u32 in_flight(void)
{
    u32 n = 0;

    for (u32 i = 0; i < SHM_SLOTS_MAX; i++)
        n += p->shm->slot[i].in_flight + p->shm->slot[i].streams;
    return n;
}

static enum queue_verdict ask_for(struct asker *a, u32 thread, u32 app, u32 listener)
{
    struct queue_want want = {
        .app = app, .listener = listener, .is = &settings, .key = a->number, .block_ns = a->block_ns
    };

    return queue_ask(&p->threads[thread], &a->ticket, &want, given);
}

static enum queue_verdict ask(struct asker *a, u32 thread)
{
    return ask_for(a, thread, 0, LISTENER);
}

static bool poked(u32 thread)
{
    struct pollfd mail = { .fd = p->threads[thread].mail.fd, .events = POLLIN };
    u64 count;

    return poll(&mail, 1, 0) == 1 && read(mail.fd, &count, sizeof(count)) == sizeof(count);
}

static void empty_at_the_end(void)
{
    CHECK_EQ(in_flight(), 0);
    CHECK_EQ(queue_length(&p->queue), 0);
    CHECK_EQ(p->shm->waiters, 0);
    CHECK_EQ(p->shm->proxy.queued, 0);
}

static void a_loop_that_waits_is_taken_at_once(void)
{
    struct asker a = { 0 }, b = { 0 }, c = { 0 };

    begin(2, SETTINGS_BALANCE_IDLE_FIRST);
    CHECK_EQ(ask(&a, 0), QUEUE_TAKEN);
    CHECK_EQ(ask(&b, 1), QUEUE_TAKEN);
    CHECK(a.ticket.claim.slot != b.ticket.claim.slot);
    CHECK_EQ(in_flight(), 2);
    CHECK_EQ(a.ticket.queued_ns, 0);
    CHECK_EQ(ask(&c, 0), QUEUE_WAITS); /* both have something they have not seen */
    CHECK_EQ(p->shm->waiters, 1);
    queue_leave(&c.ticket);
    claim_release(&a.ticket.claim);
    claim_release(&b.ticket.claim);
    CHECK(a.called + b.called + c.called == 0);
    empty_at_the_end();
}

static void a_claim_counts_once_and_is_released_once(void)
{
    struct asker a = { 0 };

    begin(1, SETTINGS_BALANCE_IDLE_FIRST);
    CHECK_EQ(ask(&a, 0), QUEUE_TAKEN);
    CHECK_EQ(p->shm->slot[0].dispatched, 1);
    claim_to_stream(&a.ticket.claim);
    CHECK_EQ(p->shm->slot[0].in_flight, 0);
    CHECK_EQ(p->shm->slot[0].streams, 1);
    claim_to_stream(&a.ticket.claim);
    CHECK_EQ(p->shm->slot[0].streams, 1);
    claim_release(&a.ticket.claim);
    claim_release(&a.ticket.claim);
    CHECK(a.ticket.claim.slot == NULL);
    empty_at_the_end();
}

static void the_slot_of_a_new_process_is_not_charged_for_the_old_one(void)
{
    struct asker a = { 0 }, b = { 0 };

    begin(1, SETTINGS_BALANCE_IDLE_FIRST);
    CHECK_EQ(ask(&a, 0), QUEUE_TAKEN);
    p->shm->slot[0].generation = 2; /* the supervisor gave the slot away */
    p->shm->slot[0].in_flight = 0;
    loop_waits(0);
    CHECK_EQ(ask(&b, 0), QUEUE_TAKEN);
    CHECK_EQ(in_flight(), 1);
    claim_release(&a.ticket.claim);
    CHECK_EQ(in_flight(), 1);
    claim_to_stream(&a.ticket.claim);
    claim_release(&b.ticket.claim);
    empty_at_the_end();
}

static void first_come_first_served_over_all_threads(void)
{
    struct asker a[20] = { 0 };

    begin(1, SETTINGS_BALANCE_IDLE_FIRST);
    loop_runs(0);
    for (u32 i = 0; i < 20; i++) {
        a[i].number = i;
        CHECK_EQ(ask(&a[i], i * 7 % THREADS), QUEUE_WAITS);
    }
    CHECK_EQ(p->shm->waiters, 20);
    for (u32 i = 0; i < 20; i++) {
        u32 owner = i * 7 % THREADS;

        loop_waits(0);
        queue_serve(&p->threads[i % THREADS]);        /* whoever heard of it */
        CHECK_EQ(poked(owner), owner != i % THREADS); /* its own thread needs no letter */
        loop_turn(p->threads[i % THREADS].loop, 0);
        for (u32 t = 0; t < THREADS; t++)
            queue_take_given(&p->threads[t]);
        CHECK_EQ(order_n, i + 1);
        CHECK_EQ(order[i], i);
        CHECK_EQ(a[i].called, 1);
        CHECK(a[i].ticket.queued_ns > 0);
        queue_serve(&p->threads[0]); /* it has not seen the last one: nothing more */
        CHECK_EQ(p->shm->waiters, 19 - i);
        loop_runs(0);
        claim_release(&a[i].ticket.claim);
    }
    empty_at_the_end();
}

static void nobody_passes_those_who_wait(void)
{
    struct asker a = { .number = 1 }, b = { .number = 2 };

    begin(1, SETTINGS_BALANCE_IDLE_FIRST);
    loop_runs(0);
    CHECK_EQ(ask(&a, 0), QUEUE_WAITS);
    loop_waits(0);
    CHECK_EQ(ask(&b, 1), QUEUE_WAITS); /* the loop is free, but it is not b's turn */
    queue_take_given(&p->threads[0]);
    queue_take_given(&p->threads[1]);
    CHECK_EQ(order_n, 1);
    CHECK_EQ(order[0], 1);
    claim_release(&a.ticket.claim);
    queue_leave(&b.ticket);
    empty_at_the_end();
}

static void an_app_whose_loops_are_busy_holds_up_no_other(void)
{
    struct asker a = { .number = 1 }, b = { .number = 2 };

    begin(2, SETTINGS_BALANCE_IDLE_FIRST);
    p->shm->slot[1].app = 1;
    p->shm->slot[1].listening = BIT(LISTENER + 1);
    loop_runs(0);
    CHECK_EQ(ask(&a, 0), QUEUE_WAITS);
    CHECK_EQ(ask_for(&b, 0, 1, LISTENER + 1), QUEUE_TAKEN);
    CHECK(b.ticket.claim.slot == &p->shm->slot[1]);
    CHECK_EQ(p->shm->lanes[0].queued, 1); /* what scales an app's workers is its own */
    CHECK_EQ(p->shm->lanes[1].queued, 0);
    queue_doubt(&a.ticket);
    CHECK_EQ(p->shm->lanes[0].queued, 1);
    claim_release(&b.ticket.claim);
    queue_leave(&a.ticket);
    CHECK_EQ(p->shm->lanes[0].queued, 0);
    empty_at_the_end();
}

static void several_loops_that_come_free_take_several(void)
{
    struct asker a[5] = { 0 };

    begin(3, SETTINGS_BALANCE_IDLE_FIRST);
    for (u32 i = 0; i < 3; i++)
        loop_runs(i);
    for (u32 i = 0; i < 5; i++) {
        a[i].number = i;
        CHECK_EQ(ask(&a[i], 0), QUEUE_WAITS);
    }
    for (u32 i = 0; i < 3; i++)
        loop_waits(i);
    queue_serve(&p->threads[1]);
    queue_take_given(&p->threads[0]);
    CHECK_EQ(order_n, 3);
    CHECK_EQ(in_flight(), 3);
    CHECK(a[0].ticket.claim.slot != a[1].ticket.claim.slot);
    CHECK(a[1].ticket.claim.slot != a[2].ticket.claim.slot);
    for (u32 i = 0; i < 5; i++) {
        queue_leave(&a[i].ticket);
        claim_release(&a[i].ticket.claim);
    }
    empty_at_the_end();
}

static void the_queue_has_an_end(void)
{
    struct asker a[12] = { 0 };

    begin(1, SETTINGS_BALANCE_IDLE_FIRST);
    settings.queue_max = 10;
    loop_runs(0);
    for (u32 i = 0; i < 10; i++)
        CHECK_EQ(ask(&a[i], i % THREADS), QUEUE_WAITS);
    CHECK_EQ(ask(&a[10], 0), QUEUE_FULL);
    queue_leave(&a[10].ticket); /* harmless */
    queue_leave(&a[3].ticket);
    CHECK_EQ(ask(&a[11], 0), QUEUE_WAITS);
    for (u32 i = 0; i < 12; i++)
        queue_leave(&a[i].ticket);
    empty_at_the_end();
}

static void without_room_in_the_queue_a_free_loop_still_serves(void)
{
    struct asker a = { 0 }, b = { 0 };

    begin(1, SETTINGS_BALANCE_IDLE_FIRST);
    settings.queue_max = 0;
    CHECK_EQ(ask(&a, 0), QUEUE_TAKEN);
    CHECK_EQ(ask(&b, 0), QUEUE_FULL);
    claim_release(&a.ticket.claim);
    empty_at_the_end();
}

static void a_ticket_may_leave_in_each_of_its_states(void)
{
    struct asker a = { 0 }, b = { 0 };

    begin(1, SETTINGS_BALANCE_IDLE_FIRST);
    queue_leave(&a.ticket); /* never asked */
    loop_runs(0);
    CHECK_EQ(ask(&a, 0), QUEUE_WAITS); /* while it waits */
    queue_leave(&a.ticket);
    queue_leave(&a.ticket);
    empty_at_the_end();
    CHECK_EQ(ask(&a, 0), QUEUE_WAITS); /* when it is given, before its owner knows */
    loop_waits(0);
    queue_serve(&p->threads[1]);
    CHECK_EQ(in_flight(), 1);
    queue_leave(&a.ticket);
    empty_at_the_end();
    queue_take_given(&p->threads[0]);
    CHECK_EQ(a.called, 0);
    loop_waits(0);
    CHECK_EQ(ask(&b, 0), QUEUE_TAKEN); /* when it has been taken */
    queue_leave(&b.ticket);
    claim_release(&b.ticket.claim);
    empty_at_the_end();
}

/* The loop waits and will not look again: nothing was sent to it. */
static void a_claim_that_was_never_used_does_not_keep_the_loop_from_others(void)
{
    struct asker a = { 0 }, b = { 0 };

    begin(1, SETTINGS_BALANCE_IDLE_FIRST);
    loop_runs(0);
    CHECK_EQ(ask(&a, 0), QUEUE_WAITS);
    loop_waits(0);
    queue_serve(&p->threads[0]);
    queue_leave(&a.ticket);
    CHECK_EQ(ask(&b, 0), QUEUE_TAKEN);
    claim_release(&b.ticket.claim);
    queue_leave(&b.ticket);
    empty_at_the_end();
}

static void when_one_leaves_the_next_gets_its_claim(void)
{
    struct asker a = { .number = 1 }, b = { .number = 2 };

    begin(1, SETTINGS_BALANCE_IDLE_FIRST);
    loop_runs(0);
    CHECK_EQ(ask(&a, 0), QUEUE_WAITS);
    CHECK_EQ(ask(&b, 1), QUEUE_WAITS);
    loop_waits(0);
    queue_serve(&p->threads[2]);
    queue_leave(&a.ticket); /* given, and its client is gone */
    queue_serve(&p->threads[2]);
    queue_take_given(&p->threads[1]);
    CHECK_EQ(b.called, 1);
    claim_release(&b.ticket.claim);
    empty_at_the_end();
}

static void workers_that_drain_or_listen_elsewhere_get_nothing(void)
{
    struct asker a = { 0 };

    for (int round = 0; round < 4; round++) {
        begin(2, SETTINGS_BALANCE_LEAST_CONN);
        for (u32 i = 0; i < 2; i++) {
            if (round == 0)
                p->shm->slot[i].state = SHM_DRAINING;
            else if (round == 1)
                p->shm->slot[i].listening = BIT(LISTENER + 1);
            else if (round == 2)
                p->gone[i] = 1; /* it refused a connection */
            else
                p->shm->slot[i].state = SHM_FREE;
        }
        CHECK_EQ(ask(&a, 0), QUEUE_WAITS);
        p->shm->slot[1].state = SHM_READY;
        p->shm->slot[1].listening = BIT(LISTENER);
        p->gone[1] = 0;
        queue_serve(&p->threads[0]);
        queue_take_given(&p->threads[0]);
        CHECK(a.ticket.claim.slot == &p->shm->slot[1]);
        claim_release(&a.ticket.claim);
        a.called = 0;
        empty_at_the_end();
    }
}

static void who_may_have_gone_is_served_when_nobody_else_waits(void)
{
    struct asker a = { .number = 1 }, b = { .number = 2 }, c = { .number = 3 };

    begin(1, SETTINGS_BALANCE_IDLE_FIRST);
    queue_doubt(&a.ticket); /* in any state */
    loop_runs(0);
    CHECK_EQ(ask(&a, 0), QUEUE_WAITS);
    CHECK_EQ(ask(&b, 1), QUEUE_WAITS);
    CHECK_EQ(ask(&c, 2), QUEUE_WAITS);
    queue_doubt(&a.ticket);
    queue_doubt(&a.ticket);
    CHECK_EQ(p->shm->waiters, 3);
    queue_doubt(&c.ticket);
    for (int i = 0; i < 3; i++) {
        loop_waits(0);
        queue_serve(&p->threads[3]);
        for (u32 t = 0; t < THREADS; t++)
            queue_take_given(&p->threads[t]);
        loop_runs(0);
    }
    CHECK_EQ(order_n, 3);
    CHECK(order[0] == 2 && order[1] == 1 && order[2] == 3);
    claim_release(&a.ticket.claim);
    claim_release(&b.ticket.claim);
    claim_release(&c.ticket.claim);
    empty_at_the_end();
    CHECK_EQ(ask(&a, 0), QUEUE_WAITS);
    queue_doubt(&a.ticket);
    queue_leave(&a.ticket);
    empty_at_the_end();
}

static void one_listener_does_not_hold_up_another(void)
{
    struct asker a = { 0 }, b = { 0 };

    begin(2, SETTINGS_BALANCE_IDLE_FIRST);
    p->shm->slot[0].listening = BIT(5);
    p->shm->slot[1].listening = BIT(9);
    loop_runs(0);
    CHECK_EQ(ask_for(&a, 0, 0, 5), QUEUE_WAITS);
    CHECK_EQ(ask_for(&b, 1, 0, 9), QUEUE_WAITS);
    queue_take_given(&p->threads[1]);
    CHECK_EQ(b.called, 1);
    CHECK_EQ(a.called, 0);
    claim_release(&b.ticket.claim);
    queue_leave(&a.ticket);
    empty_at_the_end();
}

static void other_policies_never_queue_while_there_is_a_worker(void)
{
    static const enum settings_balance_by by[] = {
        SETTINGS_BALANCE_LEAST_CONN, SETTINGS_BALANCE_ROUND_ROBIN, SETTINGS_BALANCE_HASH_IP,
        SETTINGS_BALANCE_HASH_COOKIE, SETTINGS_BALANCE_HASH_HEADER
    };

    for (u32 i = 0; i < ARRAY_LEN(by); i++) {
        struct asker a[30] = { 0 };

        begin(3, by[i]);
        for (u32 k = 0; k < 3; k++)
            loop_runs(k);
        for (u32 k = 0; k < 30; k++) {
            a[k].number = i >= 2 ? 42 : k; /* the same key sticks to the same worker */
            CHECK_EQ(ask(&a[k], k % THREADS), QUEUE_TAKEN);
            if (i >= 2)
                CHECK(a[k].ticket.claim.slot == a[0].ticket.claim.slot);
        }
        for (u32 k = 0; i < 2 && k < 3; k++)
            CHECK(p->shm->slot[k].in_flight >= 10 - THREADS && /* each thread has its own turn */
                  p->shm->slot[k].in_flight <= 10 + THREADS);
        for (u32 k = 0; k < 30; k++)
            claim_release(&a[k].ticket.claim);
        empty_at_the_end();
    }
}

/* ---- many threads ---- */

static _Atomic bool over;
static _Atomic u32 served, left, refused;

struct mt_asker {
    struct ticket ticket;
    bool got;
};

static void mt_given(struct ticket *t)
{
    container_of(t, struct mt_asker, ticket)->got = true;
}

/* One thread of the proxy: asks, waits for a while, now and then gives up. */
static void *asks(void *arg)
{
    struct thread *t = arg;
    u64 seed = t->index + 1, count;

    for (u32 i = 0; i < 3000; i++) {
        struct mt_asker a = { 0 };
        struct pollfd mail = { .fd = t->mail.fd, .events = POLLIN };
        u32 patience;

        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
        patience = (seed >> 33) % 4 ? 1000 : (seed >> 40) % 3;
        struct queue_want want = { .listener = LISTENER, .is = &settings, .key = i };

        switch (queue_ask(t, &a.ticket, &want, mt_given)) {
        case QUEUE_TAKEN:
            a.got = true;
            break;
        case QUEUE_FULL:
            refused++;
            continue;
        case QUEUE_WAITS:
            break;
        }
        for (u32 n = 0; !a.got && n < patience; n++) {
            if (poll(&mail, 1, 10) == 1 && read(mail.fd, &count, sizeof(count)) < 0)
                continue;
            queue_take_given(t);
            if (!a.got)
                queue_serve(t);
            if (!a.got && n == 1 && i % 5 == 0)
                queue_doubt(&a.ticket);
        }
        queue_leave(&a.ticket);
        if (a.got)
            served++;
        else
            left++;
        claim_release(&a.ticket.claim);
    }
    return NULL;
}

/* The loops of all workers: take what they were given, and wait again. */
static void *loops(void *arg)
{
    while (!over) {
        for (u32 i = 0; i < 3; i++) {
            struct shm_slot *s = &p->shm->slot[i];

            if (s->dispatched != s->loop.seen) {
                loop_runs(i);
                loop_waits(i);
                if (p->shm->waiters)
                    queue_serve(&p->threads[THREADS - 1]);
            }
        }
        usleep(20);
    }
    return arg;
}

static void no_claim_leaks_among_threads(void)
{
    pthread_t askers[THREADS - 1], workers;

    begin(3, SETTINGS_BALANCE_IDLE_FIRST);
    settings.queue_max = 2;
    over = false;
    served = left = refused = 0;
    CHECK(pthread_create(&workers, NULL, loops, NULL) == 0);
    for (u32 i = 0; i < THREADS - 1; i++)
        CHECK(pthread_create(&askers[i], NULL, asks, &p->threads[i]) == 0);
    for (u32 i = 0; i < THREADS - 1; i++)
        pthread_join(askers[i], NULL);
    over = true;
    pthread_join(workers, NULL);
    CHECK_EQ(served + left + refused, 3000 * (THREADS - 1));
    CHECK(served > 0);
    CHECK(left > 0);
    for (u32 i = 0; i < THREADS; i++)
        CHECK(list_empty(&p->queue.given[i]));
    empty_at_the_end();
}

/* ---- lanes ---- */

static void lanes(u32 kept)
{
    p->shm->lanes[0].slow_ns = 10 * NS_PER_MS;
    p->shm->lanes[0].kept = kept;
}

static void slow_kinds_never_get_a_kept_worker_and_wait_beside_it(void)
{
    struct asker slow[3] = { { .block_ns = 50 * NS_PER_MS, .number = 1 },
                             { .block_ns = 50 * NS_PER_MS, .number = 2 },
                             { .block_ns = 50 * NS_PER_MS, .number = 3 } };
    struct asker fast = { .number = 4 };

    begin(3, SETTINGS_BALANCE_IDLE_FIRST);
    lanes(1);
    CHECK_EQ(ask(&slow[0], 0), QUEUE_TAKEN);
    CHECK_EQ(ask(&slow[1], 0), QUEUE_TAKEN);
    CHECK(slow[0].ticket.claim.slot != &p->shm->slot[0]);
    CHECK(slow[1].ticket.claim.slot != &p->shm->slot[0]);
    CHECK_EQ(ask(&slow[2], 0), QUEUE_WAITS);
    CHECK_EQ(ask(&fast, 0), QUEUE_TAKEN); /* past the slow one that waits */
    CHECK(fast.ticket.claim.slot == &p->shm->slot[0]);
    CHECK_EQ(p->shm->lanes[0].requests[0], 1);
    CHECK_EQ(p->shm->lanes[0].requests[1], 2);
    claim_release(&fast.ticket.claim);
    loop_waits(0);
    queue_serve(&p->threads[0]);
    CHECK_EQ(p->queue.slow_count[0], 1);
    claim_release(&slow[0].ticket.claim);
    loop_waits(1);
    loop_waits(2);
    queue_serve(&p->threads[0]);
    queue_take_given(&p->threads[0]);
    CHECK_EQ(slow[2].called, 1);
    claim_release(&slow[1].ticket.claim);
    claim_release(&slow[2].ticket.claim);
    empty_at_the_end();
    CHECK_EQ(p->shm->slot[1].slow_in_flight + p->shm->slot[2].slow_in_flight, 0);
    CHECK_EQ(
        p->shm->slot[0].expected_ns + p->shm->slot[1].expected_ns + p->shm->slot[2].expected_ns, 0);
}

static void a_route_may_say_in_which_lane_it_is(void)
{
    struct asker a = { .block_ns = 50 * NS_PER_MS }, b = { 0 }, c = { .block_ns = 50 * NS_PER_MS };

    begin(2, SETTINGS_BALANCE_IDLE_FIRST);
    lanes(1);
    settings.lane = SETTINGS_LANE_FAST; /* though it blocks */
    CHECK_EQ(ask(&a, 0), QUEUE_TAKEN);
    CHECK(!a.ticket.slow);
    settings.lane = SETTINGS_LANE_SLOW; /* though it does not */
    CHECK_EQ(ask(&b, 0), QUEUE_TAKEN);
    CHECK(b.ticket.slow && b.ticket.claim.slot == &p->shm->slot[1]);
    claim_release(&a.ticket.claim);
    claim_release(&b.ticket.claim);
    settings =
        (struct settings_request){ .balance.by = SETTINGS_BALANCE_LEAST_CONN, .queue_max = 9 };
    CHECK_EQ(ask(&c, 0), QUEUE_TAKEN); /* lanes are of the other way to balance */
    CHECK(!c.ticket.slow);
    claim_release(&c.ticket.claim);
    empty_at_the_end();
}

static void a_slow_kind_that_has_waited_too_long_goes_anywhere(void)
{
    struct asker slow = { .block_ns = 50 * NS_PER_MS };

    begin(2, SETTINGS_BALANCE_IDLE_FIRST);
    lanes(1);
    loop_runs(1);
    CHECK_EQ(ask(&slow, 0), QUEUE_WAITS);
    queue_serve(&p->threads[0]);
    CHECK_EQ(p->queue.slow_count[0], 1);
    slow.ticket.queued_ns -= NS_PER_S;
    queue_serve(&p->threads[0]);
    queue_take_given(&p->threads[0]);
    CHECK_EQ(slow.called, 1);
    CHECK(slow.ticket.claim.slot == &p->shm->slot[0]);
    CHECK_EQ(p->shm->lanes[0].aged, 1);
    claim_release(&slow.ticket.claim);
    empty_at_the_end();
}

static void one_that_waited_when_the_lanes_ended_is_served_like_any_other(void)
{
    struct asker slow = { .block_ns = 50 * NS_PER_MS };

    begin(2, SETTINGS_BALANCE_IDLE_FIRST);
    lanes(1);
    loop_runs(1);
    CHECK_EQ(ask(&slow, 0), QUEUE_WAITS);
    p->shm->lanes[0].slow_ns = 0;
    p->shm->lanes[0].kept = 0;
    queue_serve(&p->threads[0]);
    queue_take_given(&p->threads[0]);
    CHECK_EQ(slow.called, 1);
    claim_release(&slow.ticket.claim);
    empty_at_the_end();
}

static void the_time_a_loop_was_blocked_is_put_down_to_who_was_there(void)
{
    struct asker a = { .block_ns = 50 * NS_PER_MS }, b = { .number = 1 };
    struct shm_loop *l;
    u64 now_ns = clock_now_ns(), first, second;

    begin(1, SETTINGS_BALANCE_LEAST_CONN);
    l = &p->shm->slot[0].loop;
    l->long_ns = 7 * NS_PER_S; /* before they came */
    CHECK_EQ(ask(&a, 0), QUEUE_TAKEN);
    CHECK_EQ(ask(&b, 0), QUEUE_TAKEN);
    l->long_ns += 100 * NS_PER_MS;
    first = claim_blocked_ns(&a.ticket.claim, now_ns);
    claim_release(&a.ticket.claim);
    second = claim_blocked_ns(&b.ticket.claim, now_ns);
    claim_release(&b.ticket.claim);
    CHECK(first > 99 * NS_PER_MS && first < 100 * NS_PER_MS);
    CHECK(first + second <= 100 * NS_PER_MS && first + second > 99 * NS_PER_MS);
    CHECK_EQ(ask(&a, 0), QUEUE_TAKEN); /* the turn that runs counts too, from a millisecond on */
    l->busy_since_ns = now_ns - 40 * NS_PER_MS;
    first = claim_blocked_ns(&a.ticket.claim, now_ns);
    CHECK_EQ(first, 40 * NS_PER_MS);
    claim_release(&a.ticket.claim);
    empty_at_the_end();
}

int main(void)
{
    TEST(a_loop_that_waits_is_taken_at_once);
    TEST(a_claim_counts_once_and_is_released_once);
    TEST(the_slot_of_a_new_process_is_not_charged_for_the_old_one);
    TEST(first_come_first_served_over_all_threads);
    TEST(nobody_passes_those_who_wait);
    TEST(an_app_whose_loops_are_busy_holds_up_no_other);
    TEST(several_loops_that_come_free_take_several);
    TEST(the_queue_has_an_end);
    TEST(without_room_in_the_queue_a_free_loop_still_serves);
    TEST(a_ticket_may_leave_in_each_of_its_states);
    TEST(a_claim_that_was_never_used_does_not_keep_the_loop_from_others);
    TEST(when_one_leaves_the_next_gets_its_claim);
    TEST(workers_that_drain_or_listen_elsewhere_get_nothing);
    TEST(who_may_have_gone_is_served_when_nobody_else_waits);
    TEST(one_listener_does_not_hold_up_another);
    TEST(other_policies_never_queue_while_there_is_a_worker);
    TEST(no_claim_leaks_among_threads);
    begin(0, SETTINGS_BALANCE_IDLE_FIRST);
    TEST(slow_kinds_never_get_a_kept_worker_and_wait_beside_it);
    TEST(a_route_may_say_in_which_lane_it_is);
    TEST(a_slow_kind_that_has_waited_too_long_goes_anywhere);
    TEST(one_that_waited_when_the_lanes_ended_is_served_like_any_other);
    TEST(the_time_a_loop_was_blocked_is_put_down_to_who_was_there);
    return tap_done();
}
