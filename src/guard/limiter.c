/* guard/limiter.c -- how fast one client may ask: one budget for all threads */
#include "guard/limiter.h"

void limiter_init(struct limiter *l)
{
    *l = (struct limiter){ 0 };
    hash_key_random(&l->hash_key);
}

void limiter_done(struct limiter *l)
{
    for (u32 i = 0; i < LIMITER_ALGORITHMS; i++)
        buckets_free(atomic_exchange(&l->table[i], NULL));
}

int limiter_need(struct limiter *l, enum limiter_algorithm algorithm, u64 bytes_max)
{
    static const struct {
        u32 words;
        buckets_debt_fn *debt;
    } of[LIMITER_ALGORITHMS] = {
        [LIMITER_BUCKET] = { GCRA_WORDS, gcra_debt },
        [LIMITER_WINDOW] = { WINDOW_WORDS, window_debt },
    };
    struct buckets *b;
    int err;

    if (atomic_load(&l->table[algorithm]))
        return 0;
    err = buckets_new(&b, bytes_max, of[algorithm].words, of[algorithm].debt);
    if (!err)
        atomic_store(&l->table[algorithm], b);
    return err;
}

static struct buckets *table_of(struct limiter *l, const struct limiter_rule *rule)
{
    return atomic_load_explicit(&l->table[rule->algorithm], memory_order_acquire);
}

struct rate_verdict limiter_take(struct limiter *l, const struct limiter_rule *rule, u64 key,
                                 u64 now_ns)
{
    struct buckets *b = table_of(l, rule);
    struct rate_verdict v = { .admitted = true };
    struct buckets_hold h;

    if (!b)
        return v;
    h = buckets_hold(b, key, now_ns);
    switch (rule->algorithm) {
    case LIMITER_BUCKET:
        v = gcra_take(&rule->gcra, h.words, now_ns);
        break;
    case LIMITER_WINDOW:
        v = window_take(&rule->window, h.words, now_ns);
        break;
    case LIMITER_ALGORITHMS:
        break;
    }
    buckets_release(h);
    return v;
}

void limiter_give(struct limiter *l, const struct limiter_rule *rule, u64 key, u64 now_ns)
{
    struct buckets *b = table_of(l, rule);
    struct buckets_hold h;

    if (!b)
        return;
    h = buckets_hold(b, key, now_ns);
    switch (rule->algorithm) {
    case LIMITER_BUCKET:
        gcra_give(&rule->gcra, h.words);
        break;
    case LIMITER_WINDOW:
        window_give(&rule->window, h.words);
        break;
    case LIMITER_ALGORITHMS:
        break;
    }
    buckets_release(h);
}
