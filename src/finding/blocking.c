/* finding/blocking.c -- whether a turn of an event loop takes too long, while it lasts */
#include "finding/blocking.h"

#include "shm/layout.h"

enum { ASKS_MAX = 6, POSTPONED_MAX = 20 };
/* How exactly the end of a turn is known, and at most how often it is looked for. */
#define END_LEAST_NS (5 * NS_PER_MS)
#define END_MOST_NS (50 * NS_PER_MS)
/* A watcher that comes this late has not just been woken a little late. */
#define LATE_NS (20 * NS_PER_MS)
/* Between two stacks of a turn. */
#define ASK_LEAST_NS (20 * NS_PER_MS)
/* The kernel counts the time of a thread that runs this seldom, at worst. */
#define TICK_NS (10 * NS_PER_MS)

static u64 minus(u64 a, u64 b)
{
    return a > b ? a - b : 0;
}

/* Since the last look, or since the turn began. */
static u64 passed_ns(const struct blocking *b, const struct blocking_view *v)
{
    return minus(v->now_ns, max(b->at_ns, v->busy_since_ns));
}

/* ... in which it could not run. */
static u64 hold_ups_ns(const struct blocking *b, const struct blocking_view *v)
{
    u64 held_ns = b->waited_ns && v->waited_ns ? minus(v->waited_ns, b->waited_ns) : 0;

    held_ns += minus(v->inspected_ns, b->inspected_ns);
    if (v->late_ns > LATE_NS)
        held_ns = max(held_ns, v->late_ns);
    if (v->stopped)
        return passed_ns(b, v);
    return min(held_ns, passed_ns(b, v));
}

/* ... in which it may be waiting for a CPU still: the kernel counts that when it gets one. */
static u64 doubt_ns(const struct blocking *b, const struct blocking_view *v)
{
    if (!v->runnable || !b->waited_ns || !v->waited_ns || !b->cpu_ns)
        return 0;
    return minus(passed_ns(b, v), hold_ups_ns(b, v) + minus(v->cpu_ns, b->cpu_ns) + TICK_NS);
}

/* How long the turn took, as far as can be said: the loop's own sum of long turns knows it exactly,
 * unless others that were long have followed already. */
static u64 took_of(const struct blocking *b, const struct blocking_view *v)
{
    u64 most_ns =
        minus(v->busy_since_ns ? min(v->busy_since_ns, v->now_ns) : v->now_ns, b->since_ns);
    u64 summed_ns = minus(v->long_ns, b->long_ns);

    return summed_ns >= b->took_ns && summed_ns <= most_ns ? summed_ns : max(most_ns, b->took_ns);
}

static enum blocking_verdict too_long(struct blocking *b, const struct blocking_view *v,
                                      u64 *again_ns)
{
    u64 took_ns = minus(v->now_ns, v->busy_since_ns);

    if (!b->since_ns) {
        b->since_ns = v->busy_since_ns;
        b->long_ns = v->long_ns;
        b->asks = 0;
        b->ask_ns = v->now_ns;
    }
    b->took_ns = took_ns;
    *again_ns = v->now_ns + min(max(v->limit_ns / 8, END_LEAST_NS), END_MOST_NS);
    if (v->now_ns < b->ask_ns || b->asks == ASKS_MAX)
        return BLOCKING_FINE;
    b->asks++;
    b->ask_ns = v->now_ns + max(took_ns, ASK_LEAST_NS);
    return BLOCKING_ASK;
}

static void remember(struct blocking *b, const struct blocking_view *v)
{
    b->at_ns = v->now_ns;
    b->waited_ns = v->waited_ns;
    if (v->cpu_ns) /* else it has hardly run since */
        b->cpu_ns = v->cpu_ns;
    b->inspected_ns = v->inspected_ns;
    b->postponed = 0;
}

/* The turn that runs. */
static enum blocking_verdict turn_look(struct blocking *b, const struct blocking_view *v,
                                       u64 *again_ns)
{
    u64 held_ns = b->held_ns + hold_ups_ns(b, v), doubts_ns = doubt_ns(b, v);
    u64 ran_ns = minus(v->now_ns - v->busy_since_ns, held_ns);

    if (!b->since_ns && ran_ns >= v->limit_ns && minus(ran_ns, doubts_ns) < v->limit_ns &&
        b->postponed < POSTPONED_MAX) {
        b->postponed++;
        *again_ns = v->now_ns + END_LEAST_NS;
        return BLOCKING_FINE;
    }
    b->held_ns = held_ns;
    b->ran_ns += b->cpu_ns && v->cpu_ns ? min(minus(v->cpu_ns, b->cpu_ns), passed_ns(b, v))
                                        : passed_ns(b, v);
    remember(b, v);
    if (b->since_ns)
        return too_long(b, v, again_ns);
    if (ran_ns < v->limit_ns) {
        *again_ns = v->now_ns + (v->limit_ns - ran_ns);
        return BLOCKING_FINE;
    }
    return shm_turn_is_long(ran_ns, v->requests) ? too_long(b, v, again_ns) : BLOCKING_FINE;
}

enum blocking_verdict blocking_look(struct blocking *b, const struct blocking_view *v,
                                    u64 *again_ns)
{
    *again_ns = v->now_ns + (v->limit_ns ? v->limit_ns : NS_PER_S);
    if (b->since_ns && b->since_ns != v->busy_since_ns) {
        b->took_ns = took_of(b, v);
        b->turn_ns = 0;
        *again_ns = v->now_ns;
        return BLOCKING_ENDED;
    }
    if (b->turn_ns != v->busy_since_ns) {
        b->turn_ns = v->busy_since_ns;
        b->held_ns = b->ran_ns = 0;
        b->postponed = 0;
    }
    if (v->limit_ns && v->busy_since_ns && v->busy_since_ns <= v->now_ns)
        return turn_look(b, v, again_ns);
    remember(b, v);
    return BLOCKING_FINE;
}
