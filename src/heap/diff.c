/* heap/diff.c -- classes of both side by side, objects by id, clusters by dominator */
#include "heap/diff.h"

#include "base/pages.h"
#include "heap/align.h"
#include "heap/idmap.h"

enum { BEFORE, AFTER, STRANGERS_SHARE = 4 };

/* One of the two snapshots. */
struct side {
    const struct analysis *a;
    u32 *class_of;  /* [classes]: index of diff.class */
    u8 *stays;      /* [node_count]: its id is in the other one too */
    u32 *holder_of; /* [node_count]: the nearest dominator that people would call an object */
};

struct comparison {
    struct diff *d;
    struct side side[2];
    struct idmap ids; /* of BEFORE */
    u8 *matched;      /* [nodes of BEFORE]: the same object of the same class is in AFTER */
    u32 *slot;        /* of clusters: 1 + index, open addressing */
    u32 slots;
};

/* Makes room for one more. */
static bool room(void *array, u32 count, u32 *cap, size_t size)
{
    u32 more = *cap ? *cap * 2 : 256;
    void *bigger;

    if (count < *cap)
        return true;
    bigger = more > *cap ? realloc(*(void **)array, more * size) : NULL;
    if (!bigger)
        return false;
    *(void **)array = bigger;
    *cap = more;
    return true;
}

/* ---- classes ---- */

/* V8's own behind objects: "(array)", "(system)", "system / Context". Texts are people's. */
static bool is_inside(struct str name)
{
    static const char *const insides[] = { "(array)",        "(system)", "(compiled code)",
                                           "(object shape)", "(number)", "(synthetic)",
                                           "(code)",         "(hidden)" };

    for (u32 i = 0; i < ARRAY_LEN(insides); i++)
        if (str_eq(name, str_of(insides[i])))
            return true;
    return str_starts(name, STR("system / "));
}

/* Classes are the same when their names and places are. */
static void key_of(struct buf *key, const struct analysis *a, u32 class)
{
    const struct class *c = &a->c.class[class];
    const struct place *p = c->place ? &a->g.places[c->place - 1] : NULL;

    buf_clear(key);
    if (p)
        buf_addf(key, "%u,%u,%u", p->script, p->line, p->column);
    buf_addc(key, ',');
    buf_add(key, classes_name(&a->c, class));
}

static int classes_join(struct comparison *c, u32 which, struct names *keys)
{
    struct diff *d = c->d;
    struct side *s = &c->side[which];
    const struct classes *classes = &s->a->c;
    AUTO(buf_done) struct buf key = { 0 };

    s->class_of = malloc((classes->count + 1) * sizeof(u32));
    if (!s->class_of)
        return -ENOMEM;
    for (u32 i = 0; i < classes->count; i++) {
        struct str name = classes_name(classes, i);
        u32 at;

        key_of(&key, s->a, i);
        at = key.failed ? NAMES_FAILED : names_intern(keys, buf_str(&key));
        if (at == NAMES_FAILED || !room(&d->class, d->classes, &d->class_cap, sizeof(*d->class)))
            return -ENOMEM;
        if (at == d->classes) {
            d->class[d->classes++] = (struct diff_class){ .name = names_intern(&d->names, name),
                                                          .class = { DIFF_NONE, DIFF_NONE },
                                                          .inside = is_inside(name) };
            if (d->class[at].name == NAMES_FAILED)
                return -ENOMEM;
            if (classes->class[i].place) {
                d->class[at].has_place = true;
                d->class[at].place = s->a->g.places[classes->class[i].place - 1];
            }
        }
        d->class[at].class[which] = i;
        d->class[at].sum[which] = classes->class[i];
        s->class_of[i] = at;
    }
    return 0;
}

static struct diff_class *class_of(const struct comparison *c, u32 which, u32 node)
{
    const struct side *s = &c->side[which];

    return &c->d->class[s->class_of[classes_of(&s->a->c, node)]];
}

/* ---- objects ---- */

/* What became of one that is in both by its id: false when it is to be counted as added, for it has
 * another class now. */
static bool match(struct comparison *c, u32 old, u32 node)
{
    const struct graph *before = &c->side[BEFORE].a->g, *after = &c->side[AFTER].a->g;
    struct diff_class *class = class_of(c, AFTER, node);

    c->side[BEFORE].stays[old] = c->side[AFTER].stays[node] = 1;
    c->d->common++;
    if (class_of(c, BEFORE, old) != class) {
        c->d->changed++;
        return false;
    }
    if (!before->self[old] || !after->self[node] || c->matched[old])
        return false;
    c->matched[old] = 1;
    class->change.grown_bytes += (i64)(graph_self_size(after, node) - graph_self_size(before, old));
    return true;
}

static void objects_compare(struct comparison *c)
{
    const struct graph *before = &c->side[BEFORE].a->g, *after = &c->side[AFTER].a->g;

    for (u32 i = 0; i < after->node_count; i++) {
        u32 old = idmap_find(&c->ids, after->id[i]);

        if ((old == IDMAP_NONE || !match(c, old, i)) && after->self[i]) {
            struct diff_change *change = &class_of(c, AFTER, i)->change;

            change->added++;
            change->added_bytes += graph_self_size(after, i);
        }
    }
    for (u32 i = 0; i < before->node_count; i++)
        if (!c->matched[i] && before->self[i]) {
            struct diff_change *change = &class_of(c, BEFORE, i)->change;

            change->removed++;
            change->removed_bytes += graph_self_size(before, i);
        }
}

/* ---- clusters ---- */

static u64 cluster_hash(u32 holder_id, u32 class)
{
    u64 x = ((u64)holder_id << 32 | class) * 0x9e3779b97f4a7c15ull;

    return x ^ x >> 29;
}

static bool slots_grow(struct comparison *c)
{
    const struct diff *d = c->d;
    u32 slots = c->slots ? c->slots * 2 : 1024, *slot;

    if (d->clusters < c->slots / 2)
        return true;
    slot = calloc(slots, sizeof(u32));
    if (!slot)
        return false;
    for (u32 i = 0; i < d->clusters; i++) {
        u32 at = (u32)cluster_hash(d->cluster[i].holder_id, d->cluster[i].class) & (slots - 1);

        while (slot[at])
            at = (at + 1) & (slots - 1);
        slot[at] = i + 1;
    }
    free(c->slot);
    c->slot = slot;
    c->slots = slots;
    return true;
}

/* The cluster of this holder and class, new or known; NULL: out of memory. */
static struct diff_cluster *cluster_of(struct comparison *c, u32 holder_id, u32 class)
{
    struct diff *d = c->d;
    u32 at;

    if (!slots_grow(c) || !room(&d->cluster, d->clusters, &d->cluster_cap, sizeof(*d->cluster)))
        return NULL;
    for (at = (u32)cluster_hash(holder_id, class) & (c->slots - 1); c->slot[at];
         at = (at + 1) & (c->slots - 1)) {
        struct diff_cluster *known = &d->cluster[c->slot[at] - 1];

        if (known->holder_id == holder_id && known->class == class)
            return known;
    }
    d->cluster[d->clusters] = (struct diff_cluster){ .holder_id = holder_id,
                                                     .holder = { DIFF_NONE, DIFF_NONE },
                                                     .class = class };
    c->slot[at] = d->clusters + 1;
    return &d->cluster[d->clusters++];
}

static void holders_find(struct comparison *c, u32 which)
{
    struct side *s = &c->side[which];
    const struct dominators *d = &s->a->d;

    s->stays[d->root] = 1;
    s->holder_of[d->root] = d->root;
    for (u32 i = 1; i < d->node_count; i++) {
        u32 node = d->order[i], above = d->dominator[node];

        s->holder_of[node] =
            above == d->root || !class_of(c, which, above)->inside ? above : s->holder_of[above];
    }
}

/* The topmost objects that only this side has, under the object that both have. */
static int clusters_count(struct comparison *c, u32 which)
{
    const struct side *s = &c->side[which];
    const struct graph *g = &s->a->g;

    for (u32 i = 0; i < g->node_count; i++) {
        struct diff_class *class = class_of(c, which, i);
        u32 holder = s->holder_of[i];
        struct diff_cluster *to;

        if (s->stays[i] || class->inside || !s->stays[holder])
            continue;
        to = cluster_of(c, g->id[holder], (u32)(class - c->d->class));
        if (!to)
            return -ENOMEM;
        to->holder[which] = holder;
        if (which == AFTER) {
            to->change.added++;
            to->change.added_bytes += s->a->d.retained[i];
        } else {
            to->change.removed++;
            to->change.removed_bytes += s->a->d.retained[i];
        }
    }
    return 0;
}

/* Objects in both that are of another size now, with their insides: a table that grew, a text. */
static int clusters_grown(struct comparison *c)
{
    const struct graph *before = &c->side[BEFORE].a->g, *after = &c->side[AFTER].a->g;

    for (u32 i = 0; i < after->node_count; i++) {
        u32 old = c->side[AFTER].stays[i] ? idmap_find(&c->ids, after->id[i]) : IDMAP_NONE;
        struct diff_cluster *to;
        u64 size = graph_self_size(after, i);

        if (old == IDMAP_NONE || class_of(c, AFTER, i)->inside ||
            size == graph_self_size(before, old))
            continue;
        to = cluster_of(c, after->id[i], DIFF_NONE);
        if (!to)
            return -ENOMEM;
        to->holder[BEFORE] = old;
        to->holder[AFTER] = i;
        to->change.grown_bytes = (i64)(size - graph_self_size(before, old));
    }
    return 0;
}

/* A holder is known on both sides, even where nothing came or went. */
static void clusters_complete(struct comparison *c, const struct idmap *after)
{
    for (u32 i = 0; i < c->d->clusters; i++) {
        struct diff_cluster *to = &c->d->cluster[i];

        if (to->holder[BEFORE] == DIFF_NONE)
            to->holder[BEFORE] = idmap_find(&c->ids, to->holder_id);
        if (to->holder[AFTER] == DIFF_NONE)
            to->holder[AFTER] = idmap_find(after, to->holder_id);
    }
}

static int clusters_find(struct comparison *c)
{
    AUTO(idmap_done) struct idmap after = { 0 };
    int r = 0;

    for (u32 i = 0; i < 2 && !r; i++) {
        struct side *s = &c->side[i];
        u64 bytes = (u64)s->a->g.node_count * sizeof(u32);

        s->holder_of = pages_take(bytes);
        if (!s->holder_of)
            return -ENOMEM;
        holders_find(c, i);
        r = clusters_count(c, i);
        pages_give(s->holder_of, bytes);
        s->holder_of = NULL;
    }
    if (!r)
        r = clusters_grown(c);
    if (!r)
        r = idmap_build(&after, c->side[AFTER].a->g.id, c->side[AFTER].a->g.node_count);
    if (!r)
        clusters_complete(c, &after);
    return r;
}

/* ---- both ---- */

static int by_growth(const struct diff_change *x, const struct diff_change *y)
{
    i64 a = diff_bytes(x), b = diff_bytes(y);

    if (a != b)
        return a > b ? -1 : 1;
    return x->added_bytes != y->added_bytes ? (x->added_bytes > y->added_bytes ? -1 : 1) : 0;
}

static int by_class_growth(const void *a, const void *b, void *ctx)
{
    const struct diff *d = ctx;
    const struct diff_class *x = a, *y = b;
    struct str s = diff_class_name(d, x), t = diff_class_name(d, y);
    int r = by_growth(&x->change, &y->change);

    if (!r)
        r = memcmp(s.ptr, t.ptr, min(s.len, t.len));
    return r ? r : s.len != t.len ? (s.len < t.len ? -1 : 1) : 0;
}

static int by_cluster_growth(const void *a, const void *b)
{
    const struct diff_cluster *x = a, *y = b;
    int r = by_growth(&x->change, &y->change);

    return r ? r : x->holder_id != y->holder_id ? (x->holder_id < y->holder_id ? -1 : 1) : 0;
}

/* Sorted; what points into the list of classes follows. */
static int sort(struct diff *d)
{
    AUTO(freep) u32 *to = malloc((d->classes + 1) * sizeof(u32));

    if (!to)
        return -ENOMEM;
    for (u32 i = 0; i < d->classes; i++)
        d->class[i].was = i;
    if (d->classes)
        qsort_r(d->class, d->classes, sizeof(*d->class), by_class_growth, d);
    for (u32 i = 0; i < d->classes; i++)
        to[d->class[i].was] = i;
    for (u32 i = 0; i < d->clusters; i++)
        if (d->cluster[i].class != DIFF_NONE)
            d->cluster[i].class = to[d->cluster[i].class];
    if (d->clusters)
        qsort(d->cluster, d->clusters, sizeof(*d->cluster), by_cluster_growth);
    return 0;
}

static int compare(struct comparison *c)
{
    AUTO(names_done) struct names keys = { 0 };
    const struct graph *before = &c->side[BEFORE].a->g, *after = &c->side[AFTER].a->g;
    int r;

    c->side[BEFORE].stays = pages_take_zeroed(before->node_count);
    c->side[AFTER].stays = pages_take_zeroed(after->node_count);
    c->matched = pages_take_zeroed(before->node_count);
    if (!c->side[BEFORE].stays || !c->side[AFTER].stays || !c->matched)
        return -ENOMEM;
    r = classes_join(c, AFTER, &keys);
    if (!r)
        r = classes_join(c, BEFORE, &keys);
    if (!r)
        r = idmap_build(&c->ids, before->id, before->node_count);
    if (r)
        return r;
    objects_compare(c);
    r = clusters_find(c);
    return r ? r : sort(c->d);
}

int diff_compare(struct diff *d, const struct analysis *before, const struct analysis *after)
{
    struct comparison c = { .d = d, .side = { { .a = before }, { .a = after } } };
    int r;

    assert(before->g.id && after->g.id);
    *d = (struct diff){ 0 };
    r = compare(&c);
    for (u32 i = 0; i < 2; i++) {
        struct side *s = &c.side[i];

        free(s->class_of);
        pages_give(s->stays, s->a->g.node_count);
        pages_give(s->holder_of, (u64)s->a->g.node_count * sizeof(u32));
    }
    pages_give(c.matched, before->g.node_count);
    idmap_done(&c.ids);
    free(c.slot);
    return r;
}

void diff_done(struct diff *d)
{
    names_done(&d->names);
    free(d->class);
    free(d->cluster);
    *d = (struct diff){ 0 };
}

bool diff_is_of_strangers(const struct diff *d, const struct analysis *before)
{
    return d->common < before->g.node_count / STRANGERS_SHARE ||
           d->changed > d->common / STRANGERS_SHARE;
}

int diff_match_places(struct analysis *before, const struct analysis *after, bool *alike)
{
    u64 bytes = (u64)before->g.node_count * sizeof(u32);
    u32 *partner = pages_take(bytes), matched = 0;
    int r = partner ? align_find(&before->g, &after->g, partner, &matched) : -ENOMEM;

    for (u32 i = 0; !r && i < before->g.node_count; i++)
        before->g.id[i] = partner[i] == ALIGN_NONE ? UINT32_MAX - i : after->g.id[partner[i]];
    *alike = matched >= before->g.node_count / 2;
    pages_give(partner, bytes);
    return r;
}
