/* heap/duplicates.c -- sorted by what they say; runs of one are dropped */
#include "heap/duplicates.h"

static int by_print(const void *a, const void *b)
{
    const struct duplicate *x = a, *y = b;

    if (x->print.hash != y->print.hash)
        return x->print.hash < y->print.hash ? -1 : 1;
    if (x->print.len != y->print.len)
        return x->print.len < y->print.len ? -1 : 1;
    return x->node < y->node ? -1 : x->node > y->node;
}

static bool is_same(const struct duplicate *x, const struct duplicate *y)
{
    return x->print.hash == y->print.hash && x->print.len == y->print.len;
}

static u64 mix(u64 hash, bool has, i64 n)
{
    hash = (hash ^ (has ? (u64)n : 0x5bd1e995ull)) * 0x9e3779b97f4a7c15ull;
    return hash ^ hash >> 29 ^ has;
}

/* One that is cut off is like others that are, of this length and with this hash. */
static int print_of(struct string_texts *texts, u32 node, struct string_print *out)
{
    struct string_cut cut;
    int r = string_texts_print(texts, node, out);

    r = r ? r : string_texts_cut(texts, node, &cut);
    if (!r && cut.yes)
        out->hash = mix(mix(~out->hash, cut.has_length, cut.length), cut.has_hash, cut.hash);
    return r;
}

/* All that may be a duplicate. */
static int gather(struct duplicates *d, const struct graph *g, struct string_texts *texts)
{
    for (u32 i = 0; i < g->node_count; i++) {
        enum node_type type = graph_type(g, i);
        bool flat;
        int r;

        if ((type != NODE_STRING && type != NODE_CONS_STRING) || !g->self[i])
            continue;
        r = string_texts_is_flat(texts, i, &flat);
        if (!r && !flat)
            r = print_of(texts, i, &d->member[d->count].print);
        if (r)
            return r;
        if (!flat)
            d->member[d->count++].node = i;
    }
    return 0;
}

int duplicates_find(struct duplicates *d, const struct analysis *a, struct string_texts *texts)
{
    const struct graph *g = &a->g;
    u32 cap = 0, kept = 0;
    int r;

    *d = (struct duplicates){ 0 };
    for (u32 i = 0; i < g->node_count; i++)
        cap += graph_type(g, i) == NODE_STRING || graph_type(g, i) == NODE_CONS_STRING;
    d->member = calloc((size_t)cap + 1, sizeof(*d->member));
    r = d->member ? gather(d, g, texts) : -ENOMEM;
    if (r)
        return r;
    qsort(d->member, d->count, sizeof(*d->member), by_print);
    for (u32 i = 0, next; i < d->count; i = next) {
        for (next = i + 1; next < d->count && is_same(&d->member[i], &d->member[next]);)
            next++;
        if (next - i < 2)
            continue;
        for (u32 k = i; k < next; k++) {
            d->member[kept] = d->member[k];
            d->member[kept++].group = d->groups;
        }
        d->groups++;
    }
    d->count = kept;
    return 0;
}

void duplicates_done(struct duplicates *d)
{
    free(d->member);
    *d = (struct duplicates){ 0 };
}
