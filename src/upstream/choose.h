/* upstream/choose.h -- which endpoint of an upstream group gets a request
 *
 * Values in, verdict out. The caller describes each endpoint as it looks at this moment.
 *
 * Two are drawn at random, as their weights have it, and the better one gets it (the power of two
 * choices: Mitzenmacher 2001; with the cost of Finagle's and Linkerd's balancers): better is who
 * costs less, where
 *
 *     cost = peak EWMA of its latency × (1 + requests in flight, for its weight)
 *
 * The second one has to be better by CHOOSE_WORTH, and is taken with a probability that makes up
 * for how the weights had the two drawn (Metropolis and Hastings' rule). So among endpoints that do
 * equally well each gets its weight's share, one in slow start a small one, and a slow one hardly
 * anything.
 *
 * Before that, four things narrow the choice:
 * - One that is down is left alone, unless so few are up that this cannot be right, or would crush
 *   those that are left (`panic`, as Envoy has it): then all are tried.
 * - The own zone goes first, with all that its endpoints that are up can carry: CHOOSE_ZONE_MORE
 *   times their part of the zone's weight (Envoy's overprovisioning factor). When the one found
 *   there is overloaded and one elsewhere costs less than a CHOOSE_SPILL-th of it, that one gets
 * it.
 * - Where hosts report how many of their loops wait, one without any gets nothing while others have
 *   some.
 */
#pragma once

#include "base/base.h"
#include "base/random.h"

enum {
    CHOOSE_MAX = 128, /* endpoints of a group */
    CHOOSE_WEIGHT_MAX = 65535,
    CHOOSE_RAMP_ALL = 1000,    /* not in slow start */
    CHOOSE_RAMP_LEAST = 100,   /* what slow start begins with: a tenth */
    CHOOSE_SHARE_ALL = 100000, /* thousandths of a per cent */
    CHOOSE_IDLE_UNKNOWN = UINT32_MAX,
};
#define CHOOSE_WORTH 1.25
#define CHOOSE_ZONE_MORE 1.4
#define CHOOSE_SPILL 2
/* Below this a difference in latency is the network's noise. */
#define CHOOSE_LATENCY_LEAST_NS 100000ull

struct choose_endpoint {
    u64 id;        /* hash of its address */
    u32 weight;    /* 1 … CHOOSE_WEIGHT_MAX; 0: gets nothing */
    u32 priority;  /* the lowest that is not in panic gets all */
    u32 ramp;      /* of CHOOSE_RAMP_ALL: the part of its weight that slow start lets it have */
    u32 in_flight; /* requests */
    u32 idle; /* its loops that wait, as it has said, less those that were given something since;
               * CHOOSE_IDLE_UNKNOWN */
    u64 latency_ns, latency_at_ns; /* peak_ewma; 0: nothing is known */
    bool far;                      /* in another zone than we are */
    bool down;                     /* by its health */
    bool tried;                    /* this request has been there */
    bool full;                     /* has as many requests as it may have */
};

enum choose_verdict {
    CHOOSE_FOUND,
    CHOOSE_FULL,   /* those that would do have all they may have */
    CHOOSE_NOBODY, /* none has a weight */
};

struct choose_found {
    u32 index;
    bool panic;   /* so few are up that all are tried */
    bool spilled; /* another zone than our own, which has some */
    bool again;   /* it has been tried, but so have all */
};

struct choose_rules {
    u32 panic; /* when less than this share of a priority's weight is up, or none, that is panic */
    u64 key;   /* hash of what the request sticks to; 0: nothing */
};

/* `n` at most CHOOSE_MAX. With a key the same endpoint gets it as long as it may have it, and when
 * others come or go only what was theirs moves (rendezvous hashing: Thaler and Ravishankar 1998,
 * with weights), whatever they cost. */
MUST_USE enum choose_verdict choose(const struct choose_endpoint *endpoints, u32 n,
                                    const struct choose_rules *rules, u64 now_ns,
                                    struct random *random, struct choose_found *found);

/* The ramp of an endpoint that came (back) at since_ns (0: it was always there), with `slow start`
 * over slow_start_ns (0: there is none). */
u32 choose_ramp(u64 since_ns, u64 slow_start_ns, u64 now_ns);
