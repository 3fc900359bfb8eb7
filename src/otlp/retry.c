/* otlp/retry.c -- what becomes of a piece that was sent */
#include "otlp/retry.h"

#define PAUSE_MIN_NS NS_PER_S
#define PAUSE_MAX_NS (30 * NS_PER_S)
#define AFTER_MAX_NS (60 * NS_PER_S)

enum retry_verdict retry_decide(const struct retry_answer *a, bool divisible)
{
    if (a->status >= 200 && a->status <= 299)
        return RETRY_DONE;
    if (a->status == 413)
        return divisible ? RETRY_HALVES : RETRY_DROP;
    if (a->status == 0 || a->status == 429 || (a->status >= 502 && a->status <= 504))
        return RETRY_AGAIN;
    return RETRY_DROP;
}

u64 retry_pause_ns(const struct retry_answer *a, u32 failures, u64 random)
{
    u64 ns = PAUSE_MIN_NS << min(failures ? failures - 1 : 0, 10u);

    if (a->retry_after_ns)
        return min(a->retry_after_ns, AFTER_MAX_NS);
    ns = min(ns, PAUSE_MAX_NS);
    return ns - ns / 10 + random % (ns / 5);
}
