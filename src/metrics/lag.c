/* metrics/lag.c -- how late an event loop is, from the lengths of its turns
 *
 * The distribution of delays is a mixture: a point at 0 (the loop waited) and, for every bucket
 * of turn lengths and for the turn that runs now, an even spread over lo … hi.
 */
#include "metrics/lag.h"

#include <math.h>

struct spread {
    double lo, hi, weight;
};

struct mixture {
    u32 count;
    double idle;  /* weight of the delay 0 */
    double total; /* all weights together */
    struct spread spread[LAG_BUCKETS_MAX + 1];
};

/* Turns of one length, and how many. */
typedef struct spread spread_fn(double length, double turns, double interval);

static struct spread timer_spread(double length, double turns, double interval)
{
    double part = min(length, interval);

    return (struct spread){ length - part, length, turns * part / interval };
}

static struct spread arrival_spread(double length, double turns, double interval)
{
    (void)interval;
    return (struct spread){ 0, length, turns * length };
}

/* The middle of a bucket is up to an eighth off; the sum of the true lengths corrects that where a
 * few long turns make most of it, which is where it matters. */
static double sharpening(const struct lag_turns *t)
{
    double sum = 0;

    for (u32 i = 0; i < t->buckets; i++)
        sum += (double)t->count[i] * ((double)t->floor_ns[i] + (double)t->floor_ns[i + 1]) / 2;
    return t->busy_ns && sum > 0 ? (double)t->busy_ns / sum : 1;
}

static double bucket_length(const struct lag_turns *t, u32 i, double scale)
{
    double lo = (double)t->floor_ns[i], hi = (double)t->floor_ns[i + 1];
    double length = (lo + hi) / 2 * scale;

    return length < lo ? lo : length > hi ? hi : length;
}

static void mixture_add(struct mixture *m, struct spread s)
{
    if (!(s.weight > 0))
        return;
    m->spread[m->count++] = s;
    m->total += s.weight;
}

static void mixture_fill(struct mixture *m, const struct lag_turns *t, spread_fn *spread,
                         double interval)
{
    double scale = sharpening(t);

    assert(t->buckets <= LAG_BUCKETS_MAX);
    m->count = 0;
    m->total = 0;
    for (u32 i = 0; i < t->buckets; i++)
        if (t->count[i])
            mixture_add(m, spread(bucket_length(t, i, scale), (double)t->count[i], interval));
    if (t->running_ns)
        mixture_add(m, spread((double)t->running_ns, 1, interval));
}

static void mixture_idle(struct mixture *m, double weight)
{
    m->idle = weight > 0 ? weight : 0;
    m->total += m->idle;
}

/* The share of the delays that are at most x. */
static double mixture_below(const struct mixture *m, double x)
{
    double sum = m->idle;

    for (u32 i = 0; i < m->count; i++) {
        const struct spread *s = &m->spread[i];

        if (x >= s->hi)
            sum += s->weight;
        else if (x > s->lo)
            sum += s->weight * (x - s->lo) / (s->hi - s->lo);
    }
    return sum / m->total;
}

static double mixture_quantile(const struct mixture *m, double q, double most)
{
    double lo = 0, hi = most;

    if (m->idle / m->total >= q)
        return 0;
    for (int i = 0; i < 44; i++) {
        double mid = (lo + hi) / 2;

        if (mixture_below(m, mid) >= q)
            hi = mid;
        else
            lo = mid;
    }
    return hi;
}

static u64 whole_ns(double ns)
{
    return ns > 0 ? ns < 1e18 ? (u64)(ns + 0.5) : (u64)1e18 : 0;
}

static void mixture_summary(const struct mixture *m, struct lag *out, u64 add_ns)
{
    double least = m->idle > 0 ? 0 : INFINITY, most = 0, mean = 0, square = 0;

    *out = (struct lag){ add_ns, add_ns, add_ns, 0, add_ns, add_ns, add_ns };
    if (!(m->total > 0))
        return;
    for (u32 i = 0; i < m->count; i++) {
        const struct spread *s = &m->spread[i];

        least = min(least, s->lo);
        most = max(most, s->hi);
        mean += s->weight * (s->lo + s->hi) / 2;
        square += s->weight * (s->lo * s->lo + s->lo * s->hi + s->hi * s->hi) / 3;
    }
    mean /= m->total;
    square = square / m->total - mean * mean;
    out->min_ns += whole_ns(least);
    out->max_ns += whole_ns(most);
    out->mean_ns += whole_ns(mean);
    out->stddev_ns = square > 0 ? whole_ns(sqrt(square)) : 0;
    out->p50_ns += whole_ns(mixture_quantile(m, 0.5, most));
    out->p90_ns += whole_ns(mixture_quantile(m, 0.9, most));
    out->p99_ns += whole_ns(mixture_quantile(m, 0.99, most));
}

void lag_of_timer(struct lag *out, const struct lag_turns *turns, u64 interval_ns)
{
    struct mixture m;
    double interval = interval_ns ? (double)interval_ns : 1, left;

    /* A record takes the interval and its delay; what the late ones leave of the window is
     * filled with punctual ones. */
    mixture_fill(&m, turns, timer_spread, interval);
    left = (double)turns->elapsed_ns;
    for (u32 i = 0; i < m.count; i++)
        left -= m.spread[i].weight * (interval + (m.spread[i].lo + m.spread[i].hi) / 2);
    mixture_idle(&m, left / interval);
    mixture_summary(&m, out, interval_ns);
}

void lag_of_arrival(struct lag *out, const struct lag_turns *turns)
{
    struct mixture m;

    mixture_fill(&m, turns, arrival_spread, 0);
    mixture_idle(&m, (double)turns->elapsed_ns - m.total);
    mixture_summary(&m, out, 0);
}
