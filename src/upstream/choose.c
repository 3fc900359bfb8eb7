/* upstream/choose.c -- which endpoint of an upstream group gets a request */
#include "upstream/choose.h"

#include "upstream/peak_ewma.h"

#include <math.h>

/* Some of the endpoints, and what they weigh. */
struct set {
    u32 n;
    u32 index[CHOOSE_MAX];
    u64 weight; /* sum */
};

struct chooser {
    const struct choose_endpoint *endpoints;
    const struct choose_rules *rules;
    u64 now_ns;
    struct random *random;
};

static u64 weight_of(const struct choose_endpoint *e)
{
    return max((u64)e->weight * e->ramp, (u64)1);
}

static void set_add(struct set *s, const struct choose_endpoint *endpoints, u32 i)
{
    s->index[s->n++] = i;
    s->weight += weight_of(&endpoints[i]);
}

/* Its place in the set, as the weights have it, but for place `without` (set->n: none is left out).
 */
static u32 draw(const struct chooser *c, const struct set *s, u32 without)
{
    u64 weight = s->weight, at;
    u32 last = without;

    if (without < s->n)
        weight -= weight_of(&c->endpoints[s->index[without]]);
    at = random_u64(c->random) % max(weight, (u64)1);
    for (u32 i = 0; i < s->n; i++) {
        u64 own = weight_of(&c->endpoints[s->index[i]]);

        if (i == without)
            continue;
        last = i;
        if (at < own)
            break;
        at -= own;
    }
    return last;
}

/* What is expected of an endpoint that nothing is known of: as much as of the best one. */
static u64 latency_least(const struct chooser *c, const struct set *s)
{
    u64 least = 0;

    for (u32 i = 0; i < s->n; i++) {
        u64 ns = c->endpoints[s->index[i]].latency_ns;

        if (ns && (!least || ns < least))
            least = ns;
    }
    return max(least, (u64)CHOOSE_LATENCY_LEAST_NS);
}

static double cost(const struct chooser *c, const struct choose_endpoint *e, u64 expected_ns,
                   u64 unit)
{
    u64 ns = peak_ewma_at(e->latency_ns, e->latency_at_ns, expected_ns, c->now_ns);

    ns = max(ns, (u64)CHOOSE_LATENCY_LEAST_NS);
    return (double)ns * (1 + (double)e->in_flight * (double)unit / (double)weight_of(e));
}

/* Whether a costs more than `worth` times as much as b. */
static bool costs_more(const struct chooser *c, const struct choose_endpoint *a,
                       const struct choose_endpoint *b, u64 expected_ns, double worth)
{
    /* A request in flight counts for one where the lesser of the two weights is. */
    u64 unit = (u64)min(a->weight, b->weight) * CHOOSE_RAMP_ALL;

    return cost(c, a, expected_ns, unit) > cost(c, b, expected_ns, unit) * worth;
}

/* The better one of two; its index. */
static u32 better_of_two(const struct chooser *c, const struct set *s)
{
    u32 first = draw(c, s, s->n), second;
    const struct choose_endpoint *a, *b;
    u64 weight, other_weight;

    if (s->n == 1)
        return s->index[0];
    second = draw(c, s, first);
    a = &c->endpoints[s->index[first]], b = &c->endpoints[s->index[second]];
    if (!costs_more(c, a, b, latency_least(c, s), CHOOSE_WORTH))
        return s->index[first];
    /* With weights w and their sum W, this way round was drawn with w(a) w(b) / (W − w(a)), the
     * other with w(a) w(b) / (W − w(b)). */
    weight = s->weight - weight_of(a), other_weight = s->weight - weight_of(b);
    if (random_unit(c->random) * (double)other_weight >= (double)weight)
        return s->index[first];
    return s->index[second];
}

/* Those of whom nobody says that all their loops run; all, when only such are left as cannot take
 * everything. */
static void narrow_to_idle(const struct chooser *c, struct set *s)
{
    struct set idle;
    bool can_take = false;

    idle.n = 0, idle.weight = 0;
    for (u32 i = 0; i < s->n; i++) {
        const struct choose_endpoint *e = &c->endpoints[s->index[i]];

        if (e->idle == 0)
            continue;
        set_add(&idle, c->endpoints, s->index[i]);
        can_take |= e->ramp >= CHOOSE_RAMP_ALL;
    }
    if (can_take && idle.n < s->n)
        *s = idle;
}

static bool is_overloaded(const struct choose_endpoint *e)
{
    return e->idle == CHOOSE_IDLE_UNKNOWN ? e->in_flight > 1 : e->idle == 0;
}

/* Whether a request that would go to `near` is better sent to `far`, in another zone. */
static bool spills(const struct chooser *c, const struct set *nears, u32 near,
                   const struct set *fars, u32 far)
{
    const struct choose_endpoint *a = &c->endpoints[near], *b = &c->endpoints[far];

    if (a->idle == 0 && b->idle != 0 && b->idle != CHOOSE_IDLE_UNKNOWN)
        return true;
    return costs_more(c, a, b, min(latency_least(c, nears), latency_least(c, fars)), CHOOSE_SPILL);
}

/* Whom the key sticks to: the greatest of a number for each, drawn by key and address, of which the
 * weights have it how great it is likely to be. */
static u32 rendezvous(const struct chooser *c, const struct set *s)
{
    double greatest = -INFINITY;
    u32 found = s->index[0];

    for (u32 i = 0; i < s->n; i++) {
        const struct choose_endpoint *e = &c->endpoints[s->index[i]];
        struct random own = { c->rules->key ^ e->id };
        double score = log(random_unit(&own) + 0x1p-54) / e->weight;

        if (score > greatest)
            greatest = score, found = s->index[i];
    }
    return found;
}

/* `carries`: the part of the requests that the own zone can take. */
static u32 choose_zone(const struct chooser *c, struct set *nears, struct set *fars, double carries)
{
    u32 near, far;

    if (c->rules->key)
        return rendezvous(c, nears->n ? nears : fars);
    narrow_to_idle(c, nears);
    narrow_to_idle(c, fars);
    if (fars->n == 0)
        return better_of_two(c, nears);
    if (nears->n == 0 || random_unit(c->random) >= carries)
        return better_of_two(c, fars);
    near = better_of_two(c, nears);
    if (!is_overloaded(&c->endpoints[near]))
        return near;
    far = better_of_two(c, fars);
    return spills(c, nears, near, fars, far) ? far : near;
}

/* Those of one priority, or of all. */
struct level {
    u32 from, to;
    u64 all, up; /* weights */
    u64 near_all,
        near_up; /* of them, those in the own zone, the latter as far as slow start lets them */
};

static bool level_has(const struct level *l, const struct choose_endpoint *e)
{
    return e->weight > 0 && e->priority >= l->from && e->priority <= l->to;
}

static void level_sum(struct level *l, const struct choose_endpoint *endpoints, u32 n)
{
    for (u32 i = 0; i < n; i++) {
        const struct choose_endpoint *e = &endpoints[i];
        u64 weight = (u64)e->weight * CHOOSE_RAMP_ALL;

        if (!level_has(l, e))
            continue;
        l->all += weight;
        l->up += e->down ? 0 : weight;
        l->near_all += e->far ? 0 : weight;
        l->near_up += e->far || e->down ? 0 : (u64)e->weight * e->ramp;
    }
}

/* The next one from priority `from` on; false: there is none. */
static bool level_next(struct level *l, const struct choose_endpoint *endpoints, u32 n, u64 from)
{
    bool found = false;
    u32 priority = UINT32_MAX;

    for (u32 i = 0; i < n; i++) {
        const struct choose_endpoint *e = &endpoints[i];

        if (e->weight == 0 || e->priority < from)
            continue;
        priority = min(priority, e->priority);
        found = true;
    }
    *l = (struct level){ .from = priority, .to = priority };
    level_sum(l, endpoints, n);
    return found;
}

/* Chooses among those of a level that may have the request; false: there are none. *full: some
 * would, but have all they may have. */
static bool level_choose(const struct chooser *c, u32 n, const struct level *l,
                         struct choose_found *found, bool *full)
{
    struct set nears, fars;
    u64 near_up = found->panic ? l->near_all : l->near_up;

    nears.n = fars.n = 0;
    nears.weight = fars.weight = 0;
    for (u32 i = 0; i < n; i++) {
        const struct choose_endpoint *e = &c->endpoints[i];

        if (!level_has(l, e) || (e->down && !found->panic) || (e->tried && !found->again))
            continue;
        *full |= e->full;
        if (!e->full)
            set_add(e->far ? &fars : &nears, c->endpoints, i);
    }
    if (nears.n + fars.n == 0)
        return false;
    found->index = choose_zone(
        c, &nears, &fars, CHOOSE_ZONE_MORE * (double)near_up / (double)max(l->near_all, (u64)1));
    found->spilled = l->near_all > 0 && c->endpoints[found->index].far;
    return true;
}

/* The first priority that is not in panic and has one for the request; else, when there is panic,
 * any of all. */
static bool levels_choose(const struct chooser *c, u32 n, struct choose_found *found, bool *full)
{
    struct level l;

    found->panic = false;
    for (u64 from = 0; level_next(&l, c->endpoints, n, from); from = (u64)l.to + 1) {
        if (l.up == 0 || l.up * CHOOSE_SHARE_ALL < l.all * c->rules->panic)
            found->panic = true;
        else {
            struct choose_found one = { .again = found->again };

            if (level_choose(c, n, &l, &one, full)) {
                *found = one;
                return true;
            }
        }
    }
    l = (struct level){ .to = UINT32_MAX };
    level_sum(&l, c->endpoints, n);
    return found->panic && level_choose(c, n, &l, found, full);
}

enum choose_verdict choose(const struct choose_endpoint *endpoints, u32 n,
                           const struct choose_rules *rules, u64 now_ns, struct random *random,
                           struct choose_found *found)
{
    struct chooser c = { endpoints, rules, now_ns, random };
    bool full = false;

    *found = (struct choose_found){ 0 };
    if (levels_choose(&c, n, found, &full))
        return CHOOSE_FOUND;
    found->again = true;
    if (levels_choose(&c, n, found, &full))
        return CHOOSE_FOUND;
    return full ? CHOOSE_FULL : CHOOSE_NOBODY;
}

u32 choose_ramp(u64 since_ns, u64 slow_start_ns, u64 now_ns)
{
    u64 passed_ns = now_ns > since_ns ? now_ns - since_ns : 0;

    if (since_ns == 0 || passed_ns >= slow_start_ns)
        return CHOOSE_RAMP_ALL;
    return max((u32)((double)passed_ns / (double)slow_start_ns * CHOOSE_RAMP_ALL),
               (u32)CHOOSE_RAMP_LEAST);
}
