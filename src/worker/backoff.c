/* worker/backoff.c -- how long to wait before something that ended is started again */
#include "worker/backoff.h"

u64 backoff_failed(struct backoff *b, u64 good_ns, const struct backoff_pace *pace, u64 now_ns)
{
    u64 first_ns = pace->first_ns ? pace->first_ns : BACKOFF_FIRST_NS;

    if (good_ns >= (pace->good_ns ? pace->good_ns : BACKOFF_GOOD_NS))
        *b = (struct backoff){ 0 };
    if (b->failures++ == 0) {
        b->first_ns = now_ns;
        return 0;
    }
    if (b->pause_ns == 0)
        b->pause_ns = min(first_ns, pace->max_ns);
    else if (good_ns < 4 * b->pause_ns)
        b->pause_ns = min(2 * b->pause_ns, pace->max_ns);
    return b->pause_ns;
}

u64 backoff_ended(struct backoff *b, u64 lived_ns)
{
    if (lived_ns >= BACKOFF_GOOD_NS)
        *b = (struct backoff){ 0 };
    /* What is killed as soon as it is there must not become a storm of processes. */
    return lived_ns >= NS_PER_S ? 0 : BACKOFF_FIRST_NS;
}

bool backoff_is_loop(struct backoff *b, u64 now_ns, u64 *within_ns)
{
    if (b->named || b->failures < BACKOFF_LOOP)
        return false;
    b->named = true;
    *within_ns = now_ns - b->first_ns;
    return true;
}
