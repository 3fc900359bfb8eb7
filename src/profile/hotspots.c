/* profile/hotspots.c -- sums over the tree of calls */
#include "profile/hotspots.h"

#include "base/team.h"

enum { SIDE_BY_SIDE_LEAST = 100000 }; /* nodes that are worth a thread */

enum hotspot_kind hotspots_kind(struct str name, struct str url, struct str *package)
{
    static const struct str folder = STR("node_modules/");
    const char *hit = NULL;

    *package = (struct str){ 0 };
    if (!url.len) {
        if (str_eq(name, STR("(garbage collector)")))
            return HOTSPOT_GC;
        if (str_eq(name, STR("(idle)")))
            return HOTSPOT_IDLE;
        if (str_eq(name, STR("(program)")))
            return HOTSPOT_PROGRAM;
        return str_eq(name, STR("(root)")) ? HOTSPOT_ROOT : HOTSPOT_NODE;
    }
    if (str_starts(url, STR("node:")) || str_starts(url, STR("internal/")))
        return HOTSPOT_NODE;
    for (const char *p = url.ptr;
         (p = memmem(p, url.len - (size_t)(p - url.ptr), folder.ptr, folder.len)); p += folder.len)
        hit = p + folder.len;
    if (!hit)
        return HOTSPOT_APP;
    *package = str_sub(url, (size_t)(hit - url.ptr), url.len);
    for (size_t i = 0, slashes = 0; i < package->len; i++)
        if (package->ptr[i] == '/' && ++slashes == (package->ptr[0] == '@' ? 2 : 1))
            package->len = i;
    return HOTSPOT_PACKAGE;
}

/* Samples in each node and below it. */
static u64 *subtree_hits(const struct profile *p)
{
    u64 *hits = malloc((p->nodes + 1) * sizeof(u64));

    for (u32 i = 0; hits && i < p->nodes; i++)
        hits[i] = p->node[i].hits;
    for (u32 i = hits ? p->nodes : 0; i-- > 0;)
        if (p->node[i].parent != PROFILE_NONE)
            hits[p->node[i].parent] += hits[i];
    return hits;
}

/* Walks the tree and adds what is below the topmost call of each function on a stack to its total.
 */
static bool totals_add(struct hotspots *h, const struct profile *p, const u64 *hits)
{
    u32 n = p->nodes, at = n ? 0 : PROFILE_NONE;
    u32 *child = malloc((n + 1) * sizeof(u32)), *sibling = malloc((n + 1) * sizeof(u32));
    u32 *active = calloc(p->frames + 1, sizeof(u32)); /* calls on the stack */
    bool fine = child && sibling && active;

    for (u32 i = 0; fine && i < n; i++)
        child[i] = sibling[i] = PROFILE_NONE;
    for (u32 i = fine ? n : 0; i-- > 1;) {
        u32 parent = p->node[i].parent == PROFILE_NONE ? 0 : p->node[i].parent;

        sibling[i] = child[parent];
        child[parent] = i;
    }
    while (fine && at != PROFILE_NONE) {
        u32 frame = p->node[at].frame;

        if (active[frame]++ == 0)
            h->function[frame].total += hits[at];
        if (child[at] != PROFILE_NONE) {
            at = child[at];
            continue;
        }
        /* Up until there is something to the right. */
        for (;;) {
            active[p->node[at].frame]--;
            if (sibling[at] != PROFILE_NONE) {
                at = sibling[at];
                break;
            }
            at = at ? p->node[at].parent == PROFILE_NONE ? 0 : p->node[at].parent : PROFILE_NONE;
            if (at == PROFILE_NONE)
                break;
        }
    }
    free(child);
    free(sibling);
    free(active);
    return fine;
}

static int by_self(const void *a, const void *b)
{
    const struct hotspot *x = a, *y = b;

    if (x->self != y->self)
        return x->self > y->self ? -1 : 1;
    if (x->total != y->total)
        return x->total > y->total ? -1 : 1;
    return x->frame < y->frame ? -1 : x->frame > y->frame;
}

static int functions_find(struct hotspots *h, const struct profile *p)
{
    u64 *hits = subtree_hits(p);

    h->function = calloc(p->frames + 1, sizeof(*h->function));
    if (!hits || !h->function) {
        free(hits);
        return -ENOMEM;
    }
    for (u32 i = 0; i < p->frames; i++)
        h->function[i].frame = i;
    for (u32 i = 0; i < p->nodes; i++)
        h->function[p->node[i].frame].self += p->node[i].hits;
    if (!totals_add(h, p, hits)) {
        free(hits);
        return -ENOMEM;
    }
    free(hits);
    for (u32 i = 0; i < p->frames; i++)
        if (h->function[i].total)
            h->function[h->functions++] = h->function[i];
    qsort(h->function, h->functions, sizeof(*h->function), by_self);
    return 0;
}

static int by_hits(const void *a, const void *b)
{
    const struct hot_line *x = a, *y = b;

    if (x->hits != y->hits)
        return x->hits > y->hits ? -1 : 1;
    if (x->url != y->url)
        return x->url < y->url ? -1 : 1;
    return x->frame != y->frame ? (x->frame < y->frame ? -1 : 1)
           : x->line < y->line  ? -1
                                : x->line > y->line;
}

/* The slot of a line: 1 + its index in h->line, or 0. */
static u32 *line_slot(const struct hotspots *h, u32 *slot, u32 slots, u32 url, u32 line)
{
    u64 key = ((u64)url << 32 | line) * 0x9e3779b97f4a7c15ull;
    u32 at = (u32)(key >> 32) & (slots - 1);

    while (slot[at] && (h->line[slot[at] - 1].url != url || h->line[slot[at] - 1].line != line))
        at = (at + 1) & (slots - 1);
    return &slot[at];
}

static u32 *slots_grow(const struct hotspots *h, u32 *slot, u32 *slots)
{
    u32 *more = calloc(*slots * 2, sizeof(u32));

    free(slot);
    *slots *= 2;
    for (u32 i = 0; more && i < h->lines; i++)
        *line_slot(h, more, *slots, h->line[i].url, h->line[i].line) = i + 1;
    return more;
}

static int lines_find(struct hotspots *h, const struct profile *p)
{
    u32 slots = 4096, *slot = calloc(slots, sizeof(u32));

    h->line = malloc((p->ticks + 1) * sizeof(*h->line));
    for (u32 i = 0; slot && h->line && i < p->ticks; i++) {
        const struct profile_tick *t = &p->tick[i];
        u32 frame = p->node[t->node].frame;
        u32 url = p->tick_url ? p->tick_url[i] : p->frame[frame].url, *at;

        if (!names_text(&p->names, url).len)
            continue;
        at = line_slot(h, slot, slots, url, t->line);
        if (*at) {
            h->line[*at - 1].hits += t->count;
            continue;
        }
        h->line[h->lines++] = (struct hot_line){ frame, url, t->line, t->count };
        *at = h->lines;
        if (h->lines > slots / 2)
            slot = slots_grow(h, slot, &slots);
    }
    if (!slot || !h->line) {
        free(slot);
        return -ENOMEM;
    }
    free(slot);
    qsort(h->line, h->lines, sizeof(*h->line), by_hits);
    return 0;
}

static int by_package(const void *a, const void *b)
{
    const struct hot_package *x = a, *y = b;

    if (x->self != y->self)
        return x->self > y->self ? -1 : 1;
    return x->name < y->name ? -1 : x->name > y->name;
}

static int packages_find(struct hotspots *h, const struct profile *p)
{
    u32 cap = 0;

    for (u32 i = 0; i < h->functions; i++) {
        const struct hotspot *f = &h->function[i];
        struct str name;
        enum hotspot_kind kind =
            hotspots_kind(profile_name(p, f->frame), profile_url(p, f->frame), &name);
        u32 number;

        h->kind[kind] += f->self;
        if (kind != HOTSPOT_PACKAGE || !f->self)
            continue;
        number = names_intern(&h->names, name);
        if (number == NAMES_FAILED)
            return -ENOMEM;
        if (number == h->packages) {
            if (h->packages == cap) {
                struct hot_package *more =
                    realloc(h->package, (cap = cap ? cap * 2 : 64) * sizeof(*more));

                if (!more)
                    return -ENOMEM;
                h->package = more;
            }
            h->package[h->packages++] = (struct hot_package){ number, kind, 0 };
        }
        h->package[number].self += f->self;
    }
    if (h->packages)
        qsort(h->package, h->packages, sizeof(*h->package), by_package);
    return 0;
}

struct finding {
    struct hotspots *h;
    const struct profile *p;
    int err[2];
};

/* Functions and lines side by side: neither reads what the other writes. */
static void find(void *ctx, u32 index)
{
    struct finding *f = ctx;

    f->err[index] = index ? lines_find(f->h, f->p) : functions_find(f->h, f->p);
}

int hotspots_find(struct hotspots *h, const struct profile *p)
{
    struct finding f = { h, p, { 0 } };

    *h = (struct hotspots){ 0 };
    if (p->nodes < SIDE_BY_SIDE_LEAST || team_cpus() < 2) {
        find(&f, 0);
        find(&f, 1);
    } else {
        team_run(2, find, &f);
    }
    if (f.err[0] || f.err[1])
        return f.err[0] ? f.err[0] : f.err[1];
    return packages_find(h, p);
}

void hotspots_done(struct hotspots *h)
{
    free(h->function);
    free(h->line);
    free(h->package);
    names_done(&h->names);
    *h = (struct hotspots){ 0 };
}
