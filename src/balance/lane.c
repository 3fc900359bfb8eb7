/* balance/lane.c -- which kinds of requests are slow, and how many workers they may block */
#include "balance/lane.h"

#include <math.h>

/* How much of a loop's time a lane may be loaded with, so that waiting in it stays short. */
static const double fast_load_max = 0.6, slow_load_max = 0.75;
/* What a request is taken to block at least, where nothing was seen of it. */
#define LEAST_NS 100000.0
/* A cut stays while it is nearly as good as the best one and still worth half the ratio. */
static const double near_best = 0.97, keep_best = 0.8;

/* ---- what was seen lately ---- */

static double grown(u64 now, u64 before)
{
    return now > before ? (double)(now - before) : 0;
}

static void fade(struct lane *l, const struct lane_reading *r)
{
    double passed_ns = grown(r->now_ns, l->last.now_ns);
    double left = exp2(-passed_ns / (double)LANE_HALF_LIFE_NS);

    l->elapsed_ns = l->elapsed_ns * left + passed_ns;
    l->busy_ns = l->busy_ns * left + grown(r->busy_ns, l->last.busy_ns);
    for (u32 i = 0; i < LANE_OCTAVES; i++) {
        l->requests[i] = l->requests[i] * left + grown(r->requests[i], l->last.requests[i]);
        l->block_ns[i] = l->block_ns[i] * left + grown(r->block_ns[i], l->last.block_ns[i]);
    }
}

/* ---- where to cut ---- */

struct sides {
    double fast, slow; /* requests */
    double fast_ns, slow_ns;
    double slow_square; /* sum of their lengths squared */
};

/* Octaves from `cut` on are slow. */
static struct sides sides_of(const struct lane *l, u32 cut)
{
    struct sides s = { 0 };

    for (u32 i = 0; i < LANE_OCTAVES; i++) {
        double n = l->requests[i], ns = l->block_ns[i];

        if (i < cut) {
            s.fast += n;
            s.fast_ns += ns;
        } else {
            s.slow += n;
            s.slow_ns += ns;
            s.slow_square += n > 0 ? ns * ns / n : 0;
        }
    }
    return s;
}

static double gain_of(const struct lane *l, u32 cut, double ratio)
{
    struct sides s = sides_of(l, cut);

    if (s.fast < LANE_FAST_MIN || s.slow < LANE_SLOW_MIN ||
        s.slow_ns < s.slow * (double)LANE_SLOW_NS ||
        s.slow_ns / s.slow < ratio * fmax(s.fast_ns / s.fast, LEAST_NS))
        return 0;
    return s.fast * s.slow_square;
}

/* The first slow octave of the best cut; 0: none is worth it. */
static u32 cut_find(const struct lane *l)
{
    const u32 least = lane_octave(LANE_SLOW_NS) + 1; /* all of it is longer than that */
    double best = 0, gain;
    u32 from = 0, to = 0;

    for (u32 cut = least; cut < LANE_OCTAVES; cut++)
        best = fmax(best, gain_of(l, cut, LANE_RATIO));
    gain = l->cut ? gain_of(l, l->cut, LANE_RATIO / 2.0) : 0;
    if (gain > 0 && gain >= keep_best * best)
        return l->cut;
    for (u32 cut = least; cut < LANE_OCTAVES && best > 0; cut++) {
        if (gain_of(l, cut, LANE_RATIO) < near_best * best)
            continue;
        from = from ? from : cut;
        to = cut;
    }
    return (from + to + 1) / 2;
}

/* ---- how many workers ---- */

static u32 workers_for(double load, double load_max)
{
    return max((u32)ceil(load / load_max), 1u);
}

static u32 kept_find(const struct lane *l, const struct lane_reading *r)
{
    struct sides s = sides_of(l, l->cut);
    double slow_load = s.slow_ns / l->elapsed_ns;
    double fast_load = fmax(l->busy_ns / l->elapsed_ns - slow_load, 0);
    u32 others = r->workers - 1; /* either lane has at least one worker */
    u32 need = min(workers_for(slow_load, slow_load_max), others);
    u32 slow = min(max(need, r->cpus), others);
    u32 fast = min(workers_for(fast_load, fast_load_max), others);

    /* What the fast ones need comes before what the slow ones might use, after what they need. */
    return max(min(fast, r->workers - need), r->workers - slow);
}

struct lane_plan lane_reading(struct lane *l, const struct lane_reading *r)
{
    struct lane_plan plan = { 0 };

    if (l->begun)
        fade(l, r);
    l->begun = true;
    l->last = *r;
    l->cut = r->workers > 1 && l->elapsed_ns > 0 ? cut_find(l) : 0;
    if (l->cut) {
        plan.slow_ns = 1ull << (l->cut - 1);
        plan.kept = kept_find(l, r);
    }
    return plan;
}
