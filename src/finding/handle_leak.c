/* finding/handle_leak.c -- whether a process opens more than it closes */
#include "finding/handle_leak.h"

#include "base/clock.h"
#include "metrics/uptrend.h"

enum {
    N = HANDLE_LEAK_WINDOWS,
    QUARTER = N / 4,
    PAIRS_LEAST = N * (N - 1) / 2 / 5, /* of pairs that can be compared */
    LOAD_SLACK = 8,
};
static const double TAU_LEAST = 0.8;

/* The windows in order of time. */
struct series {
    u64 floor[N], top[N], load[N];
};

static void series_take(struct series *s, const struct handle_leak *h)
{
    for (u32 i = 0; i < N; i++) {
        u32 at = (h->windows + i) % N;

        s->floor[i] = h->floors[at];
        s->top[i] = h->tops[at];
        s->load[i] = h->loads[at];
    }
}

static u64 most(const u64 *value, u32 count)
{
    u64 m = 0;

    for (u32 i = 0; i < count; i++)
        m = max(m, value[i]);
    return m;
}

static u64 least(const u64 *value, u32 count)
{
    u64 m = UINT64_MAX;

    for (u32 i = 0; i < count; i++)
        m = min(m, value[i]);
    return m;
}

/* Each quarter has its share of the growth: neither a step nor a pool that has filled. */
static bool is_steady(const struct series *s, double grown)
{
    for (u32 q = 1; q < 4; q++) {
        double before = (double)uptrend_median(s->floor + (q - 1) * QUARTER, QUARTER);
        double after = (double)uptrend_median(s->floor + q * QUARTER, QUARTER);

        if (after - before < 0.4 * grown / 3)
            return false;
    }
    return true;
}

static bool grows(const struct series *s)
{
    u64 base = uptrend_median(s->floor, QUARTER), now = least(s->floor + N - QUARTER, QUARTER);
    double grown;
    u32 pairs;

    /* Higher than it ever was, rare bursts aside; and than the load explains. */
    if (now <= most(s->floor, N / 2) || now <= uptrend_median(s->top, N / 2) ||
        now <= 2 * most(s->load, N) + LOAD_SLACK)
        return false;
    grown = uptrend_slope(s->floor, N) * (N - 1);
    if (grown < HANDLE_LEAK_LEAST || grown < (double)base / 20)
        return false;
    if (uptrend_tau(s->floor, s->load, N, &pairs) < TAU_LEAST || pairs < PAIRS_LEAST)
        return false;
    return is_steady(s, grown);
}

static void window_begin(struct handle_leak *h, u64 ends_ns)
{
    h->window_ends = ends_ns;
    h->floor = UINT64_MAX;
    h->top = h->load = 0;
}

static void window_close(struct handle_leak *h)
{
    u32 at = h->windows++ % N;

    h->floors[at] = h->floor;
    h->tops[at] = h->top;
    h->loads[at] = h->load;
}

static void growth_of(struct handle_growth *out, const struct series *s, u64 window_ns)
{
    *out = (struct handle_growth){
        .from = uptrend_median(s->floor, QUARTER),
        .to = uptrend_median(s->floor + N - QUARTER, QUARTER),
        .over_ns = (N - QUARTER) * window_ns,
        .per_hour =
            (u64)(uptrend_slope(s->floor, N) * (double)(3600 * NS_PER_S) / (double)window_ns),
    };
}

/* A window has closed. */
static enum handle_verdict judge(struct handle_leak *h, u64 after_ns, u64 now_ns,
                                 struct handle_growth *out)
{
    struct series s;

    if (h->windows < N)
        return HANDLES_FINE;
    series_take(&s, h);
    if (h->suspect_ns) {
        if (now_ns - h->suspect_ns < after_ns / HANDLE_LEAK_CONFIRM)
            return HANDLES_FINE;
        h->suspect_ns = 0;
        if (!grows(&s))
            return HANDLES_ENDED;
        growth_of(out, &s, after_ns / N);
        return HANDLES_LEAK;
    }
    if ((h->judged_ns && now_ns - h->judged_ns < after_ns) || !grows(&s))
        return HANDLES_FINE;
    h->suspect_ns = h->judged_ns = now_ns;
    return HANDLES_SUSPECT;
}

enum handle_verdict handle_leak_add(struct handle_leak *h, u64 after_ns, u64 now_ns, u64 count,
                                    u64 load, struct handle_growth *out)
{
    enum handle_verdict verdict = HANDLES_FINE;
    u64 window_ns = max(after_ns / N, 1ull);

    if (h->begun_ns == 0) {
        h->begun_ns = now_ns;
        window_begin(h, now_ns + after_ns / 5 + window_ns);
    }
    if (now_ns - h->begun_ns < after_ns / 5)
        return HANDLES_FINE;
    if (now_ns >= h->window_ends && h->floor != UINT64_MAX) {
        window_close(h);
        window_begin(h, max(h->window_ends + window_ns, now_ns));
        verdict = judge(h, after_ns, now_ns, out);
    }
    h->floor = min(h->floor, count);
    h->top = max(h->top, count);
    h->load = max(h->load, load);
    return verdict;
}
