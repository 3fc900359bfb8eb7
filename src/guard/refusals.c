/* guard/refusals.c -- what was refused lately, and until when nothing else can come of it */
#include "guard/refusals.h"

static u64 index_of(u64 key)
{
    return key % REFUSALS_MAX;
}

void refusals_note(struct refusals *r, u64 key, const struct rate_verdict *v, u64 asked_ns)
{
    struct refusal *one = &r->of[index_of(key)];

    /* It was decided after asked_ns, so the time that it says ends no earlier than this. */
    *one = (struct refusal){ key, asked_ns + v->retry_ns, asked_ns + v->reset_ns };
}

bool refusals_find(const struct refusals *r, u64 key, u64 now_ns, struct rate_verdict *v)
{
    const struct refusal *one = &r->of[index_of(key)];

    if (key == 0 || one->key != key || now_ns >= one->until_ns)
        return false;
    *v = (struct rate_verdict){ .retry_ns = one->until_ns - now_ns,
                                .reset_ns = one->whole_ns > now_ns ? one->whole_ns - now_ns : 0 };
    return true;
}
