/* guard/codel.c -- whether a queue of requests has become too long */
#include "guard/codel.h"

#include "base/clock.h"

/* A pause longer than this says that nobody was there, or everything stood still. */
#define GAP_MOST_NS (10 * NS_PER_S)
enum { GAP_MEMORY = 16 };

void codel_look(struct codel *c, const struct codel_rules *rules, u32 waiting, u64 oldest_wait_ns,
                u64 now_ns)
{
    bool few = waiting < (c->overloaded_ns ? rules->few / 2 : rules->few);

    if (few || rules->target_ns == 0)
        *c = (struct codel){ 0 };
    else if (c->overloaded_ns)
        return;
    else if (oldest_wait_ns <= rules->target_ns)
        c->above_ns = 0;
    else if (c->above_ns == 0)
        c->above_ns = now_ns;
    else if (now_ns > c->above_ns && now_ns - c->above_ns >= rules->interval_ns)
        c->overloaded_ns = now_ns;
}

void codel_drained(struct codel_drain *d, u64 now_ns)
{
    u64 gap_ns = d->last_ns && now_ns > d->last_ns ? now_ns - d->last_ns : 0;

    if (d->last_ns && gap_ns < GAP_MOST_NS)
        d->gap_ns = d->gap_ns ? (d->gap_ns * (GAP_MEMORY - 1) + gap_ns) / GAP_MEMORY : gap_ns;
    d->last_ns = now_ns;
}

u32 codel_retry_after_s(u64 gap_ns, u32 waiting, u64 nth)
{
    u64 most_ns = CODEL_RETRY_MOST_S * NS_PER_S;
    u64 wait_ns = gap_ns && waiting > most_ns / gap_ns ? most_ns : gap_ns * waiting;
    u64 least_s = max((wait_ns + NS_PER_S - 1) / NS_PER_S, (u64)1);

    return (u32)min(least_s + nth % (least_s + 1), (u64)CODEL_RETRY_MOST_S);
}
