/* profile/calltree.c -- merging, measuring, leaving out, putting in order */
#include "profile/calltree.h"

struct branch {
    u32 parent, frame;
    u32 child, sibling; /* lists of what is kept; PROFILE_NONE: the end */
    u64 self, total;
};

struct building {
    struct calltree *t;
    const struct profile *p;
    struct branch *branch; /* parents before their children */
    u32 branches;
    u32 *slot, slots; /* 1 + index, by parent and frame */
    u32 *list;        /* room to sort the children of one in */
    u32 idle;         /* the frame of idle time */
    u32 kept;
};

/* Bins of a size each 1/16 larger than the one before: a bound that keeps few enough. */
enum { BIN_BITS = 4, BINS = 64 << BIN_BITS };

static u32 hash_of(u32 parent, u32 frame)
{
    u64 x = ((u64)parent << 32 | frame) * 0x9e3779b97f4a7c15ull;

    return (u32)(x >> 32);
}

/* The branch of a call, new or known. */
static u32 branch_of(struct building *b, u32 parent, u32 frame)
{
    u32 at = hash_of(parent, frame) & (b->slots - 1);

    for (; b->slot[at]; at = (at + 1) & (b->slots - 1)) {
        const struct branch *x = &b->branch[b->slot[at] - 1];

        if (x->parent == parent && x->frame == frame)
            return b->slot[at] - 1;
    }
    b->branch[b->branches] = (struct branch){ parent, frame, PROFILE_NONE, PROFILE_NONE, 0, 0 };
    b->slot[at] = ++b->branches;
    return b->branches - 1;
}

static u32 idle_frame(const struct profile *p)
{
    struct str package;

    for (u32 i = 0; i < p->frames; i++)
        if (hotspots_kind(profile_name(p, i), profile_url(p, i), &package) == HOTSPOT_IDLE)
            return i;
    return PROFILE_NONE;
}

static bool merge(struct building *b, const struct calltree_conf *conf)
{
    const struct profile *p = b->p;
    u32 *becomes = malloc((p->nodes + 1ull) * sizeof(u32));

    for (b->slots = 16; b->slots < p->nodes * 2ull && b->slots < 1u << 31;)
        b->slots *= 2;
    b->slot = calloc(b->slots, sizeof(u32));
    b->branch = malloc((p->nodes + 1ull) * sizeof(*b->branch));
    for (u32 i = 0; becomes && b->slot && b->branch && i < p->nodes; i++) {
        u32 parent = p->node[i].parent;

        /* What has no parent hangs on the root, which is first. */
        parent = parent != PROFILE_NONE ? becomes[parent] : i ? 0 : PROFILE_NONE;
        becomes[i] = branch_of(b, parent, p->node[i].frame);
        if (p->node[i].frame == b->idle)
            b->t->idle += p->node[i].hits;
        if (p->node[i].frame != b->idle || !conf->without_idle)
            b->branch[becomes[i]].self += p->node[i].hits;
    }
    free(becomes);
    return becomes && b->slot && b->branch;
}

static u32 bin_of(u64 n)
{
    u32 log = n ? 63 - (u32)__builtin_clzll(n) : 0;

    return log < BIN_BITS ? (u32)n
                          : log << BIN_BITS | (u32)(n >> (log - BIN_BITS) & (BIT(BIN_BITS) - 1));
}

/* The least total that leaves no more than calls_max. */
static u64 least_of(const struct building *b, const struct calltree_conf *conf)
{
    u64 whole = b->branches ? b->branch[0].total : 0;
    double share = conf->least_share * (double)(whole - (conf->without_idle ? 0 : b->t->idle));
    u64 least = max((u64)1, (u64)share), count = 0;
    u32 bin[BINS] = { 0 }, at = BINS;

    for (u32 i = 0; i < b->branches; i++)
        bin[bin_of(b->branch[i].total)]++;
    while (at > 1 && count + bin[at - 1] <= conf->calls_max)
        count += bin[--at];
    while (bin_of(least) < at && least < whole)
        least += max((u64)1, least >> (BIN_BITS + 1));
    return least;
}

static void measure(struct building *b, const struct calltree_conf *conf)
{
    for (u32 i = 0; i < b->branches; i++)
        b->branch[i].total = b->branch[i].self;
    for (u32 i = b->branches; i-- > 1;)
        b->branch[b->branch[i].parent].total += b->branch[i].total;
    b->t->least = least_of(b, conf);
    for (u32 i = b->branches; i-- > 1;) {
        struct branch *x = &b->branch[i], *above = &b->branch[x->parent];

        if (x->total < b->t->least) {
            b->t->left_out += x->total > 0;
            continue;
        }
        x->sibling = above->child;
        above->child = i;
        b->kept++;
    }
}

static int by_total(const void *a, const void *b, void *arg)
{
    const struct building *of = arg;
    u32 i = *(const u32 *)a, k = *(const u32 *)b;
    const struct branch *x = &of->branch[i], *y = &of->branch[k];

    if (x->total != y->total)
        return x->total > y->total ? -1 : 1;
    return i < k ? -1 : i > k;
}

/* Puts the children of a call in order; returns what of its total they are. */
static u64 sort(struct building *b, u32 at)
{
    u32 n = 0;
    u64 sum = 0;

    for (u32 i = b->branch[at].child; i != PROFILE_NONE; i = b->branch[i].sibling) {
        sum += b->branch[i].total;
        b->list[n++] = i;
    }
    qsort_r(b->list, n, sizeof(u32), by_total, b);
    for (u32 i = 0; i < n; i++)
        b->branch[b->list[i]].sibling = i + 1 < n ? b->list[i + 1] : PROFILE_NONE;
    if (n)
        b->branch[at].child = b->list[0];
    return sum;
}

/* What has been left out below a call, as one: shown behind the others when that is wide enough. */
static void small_add(struct building *b, u32 depth, u64 hits, u32 small)
{
    struct calltree *t = b->t;

    if (hits < t->least || !small)
        return;
    t->call[t->calls++] = (struct calltree_call){ CALLTREE_SMALL, depth, small, 0, hits };
    t->depth_max = max(t->depth_max, depth);
}

/* How many calls each one has that are left out, in the array. */
static void small_count(const struct building *b, u32 *small)
{
    for (u32 i = 1; i < b->branches; i++)
        small[b->branch[i].parent] += b->branch[i].total && b->branch[i].total < b->t->least;
}

static int in_order(struct building *b)
{
    struct calltree *t = b->t;
    u32 at = b->branches ? 0 : PROFILE_NONE, depth = 0;
    u32 *small = calloc(b->branches + 1ull, sizeof(u32));
    u64 *rest = malloc((b->branches + 1ull) * sizeof(u64)); /* of each: what is left out of it */

    b->list = malloc((b->kept + 1ull) * sizeof(u32));
    t->call = malloc((b->kept + 1ull) * 2 * sizeof(*t->call));
    if (small && rest && b->list && t->call)
        small_count(b, small);
    else
        at = PROFILE_NONE;
    while (at != PROFILE_NONE) {
        const struct branch *x = &b->branch[at];

        t->call[t->calls++] = (struct calltree_call){ x->frame, depth, 0, x->self, x->total };
        t->depth_max = max(t->depth_max, depth);
        rest[at] = x->total - x->self - sort(b, at);
        if (x->child != PROFILE_NONE) {
            at = x->child;
            depth++;
            continue;
        }
        for (;; depth--) {
            small_add(b, depth + 1, rest[at], small[at]);
            if (b->branch[at].sibling != PROFILE_NONE || at == 0) {
                at = at ? b->branch[at].sibling : PROFILE_NONE;
                break;
            }
            at = b->branch[at].parent;
        }
    }
    free(small);
    free(rest);
    free(b->list);
    return small && rest && b->list && t->call ? 0 : -ENOMEM;
}

int calltree_build(struct calltree *t, const struct profile *p, const struct calltree_conf *conf)
{
    struct building b = { .t = t, .p = p, .idle = idle_frame(p) };
    int err = -ENOMEM;

    *t = (struct calltree){ 0 };
    if (merge(&b, conf)) {
        measure(&b, conf);
        err = in_order(&b);
    }
    free(b.branch);
    free(b.slot);
    return err;
}

void calltree_done(struct calltree *t)
{
    free(t->call);
    *t = (struct calltree){ 0 };
}
