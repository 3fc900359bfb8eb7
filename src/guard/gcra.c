/* guard/gcra.c -- a token bucket in one word */
#include "guard/gcra.h"

struct gcra gcra_make(u64 count, u64 period_ns, u64 burst)
{
    u64 token_ns = (period_ns + count - 1) / count;

    /* Half of the range of the clock: no sum below can overflow. */
    return (struct gcra){ token_ns, min(burst, (UINT64_MAX >> 2) / token_ns) * token_ns };
}

struct rate_verdict gcra_take(const struct gcra *g, u64 *words, u64 now_ns)
{
    u64 full_ns = max(words[0], now_ns) + g->token_ns, limit_ns = now_ns + g->depth_ns;

    if (full_ns > limit_ns)
        return (struct rate_verdict){ .reset_ns = words[0] - now_ns,
                                      .retry_ns = full_ns - limit_ns };
    words[0] = full_ns;
    return (struct rate_verdict){
        .admitted = true,
        .remaining = (u32)min((limit_ns - full_ns) / g->token_ns, (u64)UINT32_MAX),
        .reset_ns = full_ns - now_ns,
    };
}

void gcra_give(const struct gcra *g, u64 *words)
{
    words[0] -= min(words[0], g->token_ns);
}

u64 gcra_debt(const u64 *words, u64 now_ns)
{
    return words[0] > now_ns ? words[0] - now_ns : 0;
}
