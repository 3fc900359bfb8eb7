/* heap/growth.c -- what there is more of in each of three snapshots of one process
 *
 * Everything is indexed by the nodes of the last snapshot; of the earlier ones only their nodes'
 * retained sizes are kept, by id.
 */
#include "heap/growth.h"

#include "base/hash.h"
#include "base/pages.h"
#include "heap/align.h"
#include "heap/browse.h"
#include "heap/groups.h"

enum { STRANGERS_SHARE = 20, BEHIND_MAX = 1000 };
enum { NONE = UINT32_MAX, EARLIER = BIT(0) | BIT(1) };

/* Retained bytes: `plain` without shapes and code; `store` is the part that is the object's own
 * backing store, whose capacity comes and goes by halves and doubles. */
struct weight {
    i64 plain, store, all;
};

/* What a node of one snapshot weighs; `objects` is how many it retains, texts and stores left out:
 * V8 keeps one and the same text in one piece or in several. */
struct load {
    struct weight weight;
    u32 objects;
};

/* How much a node's dominated memory grew, and how much of that its old children explain. */
struct grown {
    struct weight size[3]; /* in each snapshot; the earlier ones only when it is in them */
    i64 passed[3];         /* plain in each step, all in both: to be taken off */
    u32 objects[3];        /* that it retains, in each snapshot */
};

struct growth {
    const struct graph *g;
    const struct dominators *d;
    struct grown *grown; /* by node */
    u8 *seen;            /* by node: BIT(number) of the snapshots that have it */
    u8 *holds;           /* by node: it is a holder */
    u32 *place, mask;    /* ids: open addressing, 1 + node */
    u32 seed;
    u64 total[3];
    bool by_place; /* ids are of no use */
};

static bool is_old(const struct growth *w, u32 node)
{
    return (w->seen[node] & EARLIER) == EARLIER;
}

/* Murmur3's finalizer, with a seed: whoever makes a file must not be able to aim at one place. */
static u32 id_hash(const struct growth *w, u32 id)
{
    u32 h = id ^ w->seed;

    h = (h ^ h >> 16) * 0x85EBCA6Bu;
    h = (h ^ h >> 13) * 0xC2B2AE35u;
    return h ^ h >> 16;
}

static u32 node_of_id(const struct growth *w, u32 id)
{
    for (u32 i = id_hash(w, id) & w->mask; w->place[i]; i = (i + 1) & w->mask)
        if (w->g->id[w->place[i] - 1] == id)
            return w->place[i] - 1;
    return NONE;
}

static int ids_build(struct growth *w)
{
    u32 cap = 16;

    while (cap < (u64)w->g->node_count * 2)
        cap *= 2;
    w->mask = cap - 1;
    w->place = pages_take_zeroed((u64)cap * sizeof(u32));
    if (!w->place)
        return -ENOMEM;
    for (u32 n = 0; n < w->g->node_count; n++) {
        u32 i = id_hash(w, w->g->id[n]) & w->mask;

        while (w->place[i] && w->g->id[w->place[i] - 1] != w->g->id[n])
            i = (i + 1) & w->mask;
        if (!w->place[i])
            w->place[i] = n + 1;
    }
    return 0;
}

static void ids_done(struct growth *w)
{
    pages_give(w->place, ((u64)w->mask + 1) * sizeof(u32));
    w->place = NULL;
}

static bool is_object(enum node_type type)
{
    return type == NODE_OBJECT || type == NODE_CLOSURE || type == NODE_NATIVE;
}

static void loads_sum(const struct graph *g, const struct dominators *d, struct load *out)
{
    for (u32 i = g->node_count; i-- > 0;) {
        u32 n = d->order[i];
        enum node_type type = graph_type(g, n);
        i64 self = (i64)graph_self_size(g, n);
        struct load *up = &out[d->dominator[n]];

        if (type != NODE_CODE && type != NODE_SHAPE)
            out[n].weight.plain += self;
        if (type == NODE_ARRAY)
            out[n].weight.store += self;
        out[n].weight.all = (i64)d->retained[n];
        out[n].objects += is_object(type);
        if (n == g->root)
            continue;
        up->weight.plain += out[n].weight.plain;
        up->weight.store += type == NODE_ARRAY ? self : 0;
        up->objects += out[n].objects;
    }
}

/* Whom to ask which node of the last snapshot one of an earlier one is. */
struct partners {
    const u32 *by_place; /* heap/align.h; NULL: by id */
    u32 of, other;       /* ids in both, and those of them that stand for another type */
};

static u32 partner_of(const struct growth *w, const struct graph *g, u32 n, struct partners *p)
{
    u32 node = g == w->g ? n : p->by_place ? p->by_place[n] : node_of_id(w, g->id[n]);

    if (node == NONE)
        return NONE;
    p->of++;
    if (graph_type(g, n) == graph_type(w->g, node))
        return node;
    p->other++;
    return NONE;
}

static int sizes_take(struct growth *w, u32 number, const struct graph *g,
                      const struct dominators *d, struct partners *p)
{
    u64 bytes = (u64)g->node_count * sizeof(struct load);
    struct load *load = pages_take_zeroed(bytes);

    if (!load)
        return -ENOMEM;
    loads_sum(g, d, load);
    for (u32 n = 0; n < g->node_count; n++) {
        u32 node = partner_of(w, g, n, p);

        if (node == NONE)
            continue;
        w->grown[node].size[number] = load[n].weight;
        w->grown[node].objects[number] = load[n].objects;
        w->seen[node] |= BIT(number);
    }
    w->total[number] = d->retained[g->root];
    pages_give(load, bytes);
    return 0;
}

int growth_new(struct growth **out, const struct graph *last, const struct dominators *d)
{
    struct growth *w = calloc(1, sizeof(*w));
    struct partners p = { 0 };
    struct hash_key key;
    int r = -ENOMEM;

    if (!w)
        return r;
    hash_key_random(&key);
    *w = (struct growth){ .g = last, .d = d, .seed = (u32)key.k0 };
    w->grown = pages_take_zeroed((u64)last->node_count * sizeof(*w->grown));
    w->seen = pages_take_zeroed(last->node_count);
    w->holds = pages_take_zeroed(last->node_count);
    if (w->grown && w->seen && w->holds)
        r = ids_build(w);
    if (!r)
        r = sizes_take(w, 2, last, d, &p);
    if (r)
        growth_free(w);
    else
        *out = w;
    return r;
}

void growth_free(struct growth *w)
{
    u64 n;

    if (!w)
        return;
    n = w->g->node_count;
    ids_done(w);
    pages_give(w->grown, n * sizeof(*w->grown));
    pages_give(w->seen, n);
    pages_give(w->holds, n);
    free(w);
}

/* Takes back what was taken by ids that mean nothing. */
static void seen_clear(struct growth *w, u32 number)
{
    for (u32 n = 0; n < w->g->node_count; n++)
        w->seen[n] &= (u8)~BIT(number);
}

static int before_by_place(struct growth *w, u32 number, const struct graph *g,
                           const struct dominators *d)
{
    u64 bytes = (u64)g->node_count * sizeof(u32);
    u32 *partner = pages_take(bytes), matched = 0;
    struct partners p = { .by_place = partner };
    int r = partner ? align_find(g, w->g, partner, &matched) : -ENOMEM;

    if (!r)
        r = matched < g->node_count / 2 ? -ENOENT : sizes_take(w, number, g, d, &p);
    pages_give(partner, bytes);
    return r;
}

int growth_before(struct growth *w, u32 number, const struct graph *g, const struct dominators *d)
{
    struct partners p = { 0 };
    int r = 0;

    assert(number < 2);
    if (!w->by_place)
        r = sizes_take(w, number, g, d, &p);
    /* An id is for life; after that, or in another process, it stands for something else. */
    if (r || (!w->by_place && p.other <= p.of / STRANGERS_SHARE))
        return r;
    w->by_place = true;
    seen_clear(w, number);
    return before_by_place(w, number, g, d);
}

bool growth_by_place(const struct growth *w)
{
    return w->by_place;
}

u64 growth_total_bytes(const struct growth *w, u32 number)
{
    return w->total[number];
}

/* ---- holders ---- */

/* The growth of an old node that is not that of holders below it. */
struct own {
    i64 step[2], all;
};

static struct own own_growth(const struct growth *w, u32 node)
{
    const struct grown *s = &w->grown[node];

    return (struct own){
        .step = { s->size[1].plain - s->size[0].plain - s->passed[0],
                  s->size[2].plain - s->size[1].plain - s->passed[1] },
        .all = s->size[2].all - s->size[0].all - s->passed[2],
    };
}

/* Without ids nobody sees that entries are others each time, so more is asked for. */
static i64 bytes_min(const struct growth *w)
{
    return w->by_place ? GROWTH_BYTES_MIN_BY_PLACE : GROWTH_BYTES_MIN;
}

static bool grows(const struct growth *w, const struct own *own)
{
    return own->step[0] >= bytes_min(w) && own->step[1] >= bytes_min(w) &&
           own->step[1] >= own->step[0] / GROWTH_SLOWER;
}

/* From the leaves up: a holder keeps its growth, everybody else passes it on. */
static void holder_mark(struct growth *w, u32 node)
{
    struct grown *s = &w->grown[node], *up = &w->grown[w->d->dominator[node]];
    struct own own = own_growth(w, node);

    w->holds[node] = is_old(w, node) && grows(w, &own);
    if (node == w->g->root)
        return;
    if (!w->holds[node]) {
        for (u32 i = 0; i < 3; i++)
            up->passed[i] += s->passed[i];
        return;
    }
    up->passed[0] += s->size[1].plain - s->size[0].plain;
    up->passed[1] += s->size[2].plain - s->size[1].plain;
    up->passed[2] += s->size[2].all - s->size[0].all;
}

static void holders_mark(struct growth *w)
{
    for (u32 i = w->g->node_count; i-- > 0;)
        holder_mark(w, w->d->order[i]);
    w->holds[w->g->root] = 1;
}

/* ---- items ---- */

static void item_add(const struct growth *w, struct group *group, u32 node)
{
    u32 step = is_old(w, node) ? 0 : w->seen[node] & BIT(1) ? 1 : 2;

    group->count[step]++;
    group->held[step] += w->d->retained[node];
    if (step == 0)
        return;
    groups_sample(group, node);
    group->bytes += w->d->retained[node];
}

/* An old object with as many objects below it as before: those that are new have taken the place of
 * others, as in a cache that is full. */
static bool replaces(const struct growth *w, u32 node)
{
    const u32 *objects = w->grown[node].objects;

    return is_old(w, node) && objects[2] > 1 &&
           (objects[1] <= objects[0] || objects[2] <= objects[1]);
}

/* Counts what is below order[at]: of the visible objects the topmost new ones and old ones next to
 * them, or with `nested` all. Other holders count for themselves. */
static int items_count(const struct growth *w, u32 at, bool nested, struct groups *out)
{
    const struct dominators *d = w->d;

    groups_clear(out);
    for (u32 i = at + 1, step; i < at + d->size[at]; i += step) {
        u32 node = d->order[i];
        struct group *group;

        step = w->holds[node] ? d->size[i] : 1;
        if (w->holds[node] || !browse_is_visible(w->g, node))
            continue;
        if (replaces(w, node))
            step = d->size[i];
        group = groups_of(out, w->g, node);
        if (!group)
            return -ENOMEM;
        item_add(w, group, node);
        if (!nested && !is_old(w, node))
            step = d->size[i];
    }
    return 0;
}

static bool group_grows(const struct group *group)
{
    return group->count[1] >= GROWTH_ITEMS_MIN && group->count[2] >= GROWTH_ITEMS_MIN &&
           group->count[2] >= group->count[1] / GROWTH_SLOWER;
}

static const struct group *largest(const struct groups *s, bool growing)
{
    const struct group *found = NULL;

    for (u32 i = 0; i < s->count; i++)
        if ((!growing || group_grows(&s->list[i])) && (!found || s->list[i].bytes > found->bytes))
            found = &s->list[i];
    return found;
}

static void holder_fill(struct growth_holder *h, const struct group *group)
{
    h->before = group->count[0];
    h->added[0] = group->count[1];
    h->added[1] = group->count[2];
    h->sample_count = group->sample_count;
    memcpy(h->samples, group->samples, sizeof(h->samples));
}

void growth_holders_keep(struct growth_holders *out, const struct growth_holder *h)
{
    u32 i = out->count;

    if (out->count == GROWTH_HOLDERS_MAX) {
        out->dropped++;
        if (out->list[--i].growth_bytes >= h->growth_bytes)
            return;
        out->count--;
    }
    for (; i > 0 && out->list[i - 1].growth_bytes < h->growth_bytes; i--)
        out->list[i] = out->list[i - 1];
    out->list[i] = *h;
    out->count++;
}

/* Objects that were added in the same number belong together: a socket, its parser, its streams. */
static bool is_same_number(const struct group *a, const struct group *b)
{
    for (u32 i = 1; i < 3; i++) {
        u32 more = max(a->count[i], b->count[i]), less = min(a->count[i], b->count[i]);

        if (more - less > max(2u, more / 8))
            return false;
    }
    return true;
}

static bool is_root_item(const struct growth *w, const struct group *group)
{
    enum node_type type = w->g->meta.node_type_of[group->type];

    return (type == NODE_OBJECT || type == NODE_CLOSURE) && group_grows(group) &&
           min(group->count[1], group->count[2]) >= GROWTH_ROOT_ITEMS_MIN;
}

/* The others of the same number, into *h; taken out of the list. */
static void company_take(struct groups *s, struct group *first, struct growth_holder *h)
{
    h->growth_bytes = (i64)first->bytes;
    for (u32 i = 0; i < s->count; i++) {
        struct group *group = &s->list[i];
        u64 sum = 0;

        if (group != first && !is_same_number(group, first))
            continue;
        for (u32 k = 0; k < 3; k++)
            h->retained_bytes[k] += sum += group->held[k];
        if (group == first)
            continue;
        h->growth_bytes += (i64)group->bytes;
        if (h->company_count < GROWTH_COMPANY)
            h->company[h->company_count++] = group->samples[0];
        group->count[1] = 0;
    }
    first->count[1] = 0;
}

/* What hangs under the root has no common holder: a suspect for each class. */
static void roots_keep(const struct growth *w, u32 at, struct groups *s, struct growth_holders *out)
{
    for (;;) {
        struct growth_holder h = { .how = GROWTH_ROOTS, .at = at };
        struct group *first = NULL;

        for (u32 i = 0; i < s->count; i++)
            if (is_root_item(w, &s->list[i]) && (!first || s->list[i].bytes > first->bytes))
                first = &s->list[i];
        if (!first)
            return;
        holder_fill(&h, first);
        company_take(s, first, &h);
        if (h.growth_bytes >= GROWTH_ROOT_BYTES_MIN)
            growth_holders_keep(out, &h);
    }
}

/* V8's own nodes, and the global object, which holds everything of somebody else's. */
static bool is_root(const struct growth *w, u32 node)
{
    const struct graph *g = w->g;

    /* What V8 has behind an object is the object's. */
    for (u32 i = 0; i < BEHIND_MAX && node != g->root && !browse_is_visible(g, node) &&
                    !browse_is_context(g, node) && graph_type(g, node) != NODE_SYNTHETIC;
         i++)
        node = w->d->dominator[node];
    if (graph_type(g, node) == NODE_SYNTHETIC)
        return true;
    for (u32 e = g->first_edge[g->root]; e < g->first_edge[g->root + 1]; e++)
        if (graph_edge_type(g->edge[e]) == EDGE_SHORTCUT && graph_target(g->edge[e]) == node)
            return true;
    return false;
}

/* No items side by side: one that holds the next one, or a single value. `s` is what is below the
 * holder. *found: whether it is one of these. */
static int value_look(struct growth *w, u32 at, struct groups *s, struct growth_holder *h,
                      bool *found)
{
    const struct group *group = largest(s, false);
    struct group value = group ? *group : (struct group){ 0 };
    int r = group ? items_count(w, at, true, s) : 0;

    *found = false;
    if (r)
        return r;
    group = group ? groups_find(s, value.type, value.name) : NULL;
    if (group && group_grows(group)) {
        h->how = GROWTH_CHAIN;
        holder_fill(h, group);
        *found = true;
        return 0;
    }
    h->how = GROWTH_VALUE;
    holder_fill(h, &value);
    *found = min(h->bytes[0], h->bytes[1]) >= GROWTH_VALUE_MIN;
    return 0;
}

/* How many old ones lie beside the new ones, not deeper or elsewhere below the holder. */
static void before_count(const struct growth *w, u32 at, struct growth_holder *h)
{
    u32 item = h->samples[h->sample_count - 1], beside = w->d->dominator[item];

    h->before = 0;
    for (u32 i = at + 1, step; i < at + w->d->size[at]; i += step) {
        u32 node = w->d->order[i];

        step = w->holds[node] ? w->d->size[i] : 1;
        h->before +=
            w->d->dominator[node] == beside && is_old(w, node) &&
            w->g->type[node] == w->g->type[item] &&
            (w->g->name[node] == w->g->name[item] || graph_type(w->g, node) != NODE_OBJECT);
    }
}

/* More and more objects, where items are objects: others that take the place of as many are none.
 */
static bool objects_grow(const struct grown *grown, const struct group *group)
{
    i64 step[2];

    if (!is_object(group->type))
        return true;
    for (u32 i = 0; i < 2; i++) {
        step[i] = (i64)grown->objects[i + 1] - grown->objects[i];
        if (step[i] < GROWTH_ITEMS_MIN)
            return false;
    }
    return step[1] >= step[0] / GROWTH_SLOWER;
}

/* Whether the items grow on balance: without the backing store, and by more than what a busy cache
 * is up or down from one moment to another. */
static bool items_grow(const struct growth *w, const struct grown *grown, const struct own *own,
                       const struct group *group)
{
    const struct weight *size = grown->size;
    i64 step[2];

    if (!objects_grow(grown, group))
        return false;

    for (u32 i = 0; i < 2; i++) {
        step[i] = own->step[i] - (size[i + 1].store - size[i].store);
        if (step[i] < bytes_min(w) || step[i] < (i64)group->held[i + 1] / GROWTH_CHURN)
            return false;
    }
    return step[1] >= step[0] / GROWTH_SLOWER && group->bytes >= (u64)(step[0] + step[1]) / 4;
}

/* Looks below order[at], which grows. */
static int holder_look(struct growth *w, u32 at, struct groups *s, struct growth_holders *out)
{
    const struct grown *grown = &w->grown[w->d->order[at]];
    struct own own = own_growth(w, w->d->order[at]);
    struct growth_holder h = { .at = w->d->order[at],
                               .bytes = { own.step[0], own.step[1] },
                               .growth_bytes = own.all };
    const struct group *group;
    bool found;
    int r = items_count(w, at, false, s);

    if (r)
        return r;
    if (is_root(w, h.at)) {
        roots_keep(w, h.at, s, out);
        return 0;
    }
    for (u32 i = 0; i < 3; i++)
        h.retained_bytes[i] = (u64)grown->size[i].all;
    group = largest(s, true);
    found = group && items_grow(w, grown, &own, group);
    if (group && !found)
        return 0;
    if (found) {
        holder_fill(&h, group);
        before_count(w, at, &h);
    } else {
        r = value_look(w, at, s, &h, &found);
    }
    if (!r && found)
        growth_holders_keep(out, &h);
    return r;
}

int growth_find(struct growth *w, struct growth_holders *out)
{
    AUTO(groups_done) struct groups s = { 0 };
    int r = 0;

    *out = (struct growth_holders){ 0 };
    ids_done(w);
    holders_mark(w);
    for (u32 i = 0; !r && i < w->g->node_count; i++)
        if (w->holds[w->d->order[i]])
            r = holder_look(w, i, &s, out);
    return r;
}
