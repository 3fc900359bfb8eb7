/* upstream/lease.c -- how long what DNS has said holds, and when it is asked again */
#include "upstream/lease.h"

/* Up to a tenth less. */
static u64 jittered(u64 ns, u64 random)
{
    return ns - random % (ns / 10);
}

bool lease_good(struct lease *l, u64 ttl_ns, u64 random, u64 now_ns)
{
    bool is_news = l->failures > 0;

    l->ttl_ns = min(max(ttl_ns, (u64)LEASE_TTL_LEAST_NS), (u64)LEASE_TTL_MOST_NS);
    l->good_ns = max(now_ns, (u64)1);
    l->failures = 0;
    l->ask_ns = now_ns + jittered(l->ttl_ns, random);
    return is_news;
}

bool lease_bad(struct lease *l, u64 random, u64 now_ns)
{
    u64 wait_ns = LEASE_RETRY_NS;

    for (u32 i = 0; i < l->failures && wait_ns < LEASE_RETRY_MOST_NS; i++)
        wait_ns *= 2;
    l->ask_ns = now_ns + jittered(min(wait_ns, (u64)LEASE_RETRY_MOST_NS), random);
    return l->failures++ == 0;
}

bool lease_is_stale(const struct lease *l, u64 now_ns)
{
    return l->good_ns && now_ns > l->good_ns + l->ttl_ns;
}
