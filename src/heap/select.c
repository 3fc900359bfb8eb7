/* heap/select.c -- terms one after the other, each over what the ones before have left */
#include "heap/select.h"

#include "base/pages.h"
#include "heap/glob.h"

enum { TEXT_BYTES_MAX = 1 << 20, NO = 1, YES = 2 };

static bool matches(const struct query_term *t, struct str text)
{
    bool yes = t->quoted ? str_eq(t->text, text) : glob_match(t->text, text);

    return (t->op == QUERY_EQ) == yes;
}

/* Leaves out what is not as the term says: `holds` for a node that is still in. */
static void keep(struct selection *s, const struct query_term *t, u32 node, bool holds)
{
    s->is[node] = holds != t->opposite;
}

static int by_class(struct selection *s, const struct query_term *t, const struct analysis *a)
{
    AUTO(freep) u8 *holds = malloc((size_t)a->c.count + 1);

    if (!holds)
        return -ENOMEM;
    for (u32 i = 0; i < a->c.count; i++)
        holds[i] = matches(t, classes_name(&a->c, i));
    for (u32 i = 0; i < s->node_count; i++)
        if (s->is[i])
            keep(s, t, i, holds[classes_of(&a->c, i)]);
    return 0;
}

static void by_type(struct selection *s, const struct query_term *t, const struct graph *g)
{
    bool holds[META_TYPES_MAX];

    for (u32 i = 0; i < g->meta.node_types; i++)
        holds[i] = matches(t, str_of(g->meta.node_type_name[i]));
    for (u32 i = 0; i < s->node_count; i++)
        if (s->is[i])
            keep(s, t, i, holds[g->type[i]]);
}

static u64 number_of(const struct query_term *t, const struct analysis *a, u32 node)
{
    switch (t->field) {
    case QUERY_ID:
        return a->g.id[node];
    case QUERY_SHALLOW:
        return graph_self_size(&a->g, node);
    case QUERY_RETAINED:
        return a->d.retained[node];
    case QUERY_DISTANCE:
        return a->distance[node] < 0 ? UINT64_MAX : (u64)a->distance[node];
    case QUERY_EDGES:
        return a->g.first_edge[node + 1] - a->g.first_edge[node];
    case QUERY_CLASS:
    case QUERY_TYPE:
    case QUERY_NAME:
    case QUERY_TEXT:
    case QUERY_FILTER:
        break;
    }
    return 0;
}

static void by_number(struct selection *s, const struct query_term *t, const struct analysis *a)
{
    for (u32 i = 0; i < s->node_count; i++)
        if (s->is[i])
            keep(s, t, i, query_holds(t, number_of(t, a, i), a->s.total));
}

/* ---- texts ---- */

/* Whether the node's name says it all: a concatenated string has its text elsewhere. */
static bool is_named(const struct graph *g, u32 node)
{
    return graph_type(g, node) != NODE_CONS_STRING;
}

/* Each string that is asked for once, in the order of the file. */
static int strings_match(const struct selection *s, const struct query_term *t,
                         const struct graph *g, u8 *verdict)
{
    AUTO(strtab_reader_done) struct strtab_reader r = { .t = &g->strings };
    AUTO(buf_done) struct buf text = { 0 };

    for (u32 i = 0; i < s->node_count; i++)
        if (s->is[i] && is_named(g, i))
            verdict[g->name[i]] = NO;
    for (u32 i = 0; i < g->strings.count; i++) {
        if (!verdict[i])
            continue;
        buf_clear(&text);
        if (!strtab_text(&r, i, &text, TEXT_BYTES_MAX))
            return -EIO;
        if (text.failed)
            return -ENOMEM;
        if (matches(t, buf_str(&text)))
            verdict[i] = YES;
    }
    return 0;
}

static int texts_need(struct selection *s, const struct analysis *a)
{
    return s->texts ? 0 : string_texts_new(&s->texts, a);
}

static int by_text(struct selection *s, const struct query_term *t, const struct analysis *a)
{
    const struct graph *g = &a->g;
    AUTO(freep) u8 *verdict = calloc((size_t)g->strings.count + 1, 1);
    AUTO(buf_done) struct buf text = { 0 };
    int r;

    if (!verdict)
        return -ENOMEM;
    for (u32 i = 0; i < s->node_count; i++)
        if (t->field == QUERY_TEXT && s->is[i] && !string_texts_is(g, i))
            s->is[i] = 0;
    r = strings_match(s, t, g, verdict);
    for (u32 i = 0; !r && i < s->node_count; i++) {
        if (!s->is[i])
            continue;
        if (is_named(g, i)) {
            keep(s, t, i, verdict[g->name[i]] == YES);
            continue;
        }
        r = texts_need(s, a);
        buf_clear(&text);
        r = r ? r : string_texts_add(s->texts, i, &text);
        keep(s, t, i, !r && matches(t, buf_str(&text)));
    }
    return r;
}

/* ---- kinds ---- */

static int duplicated(struct selection *s, const struct analysis *a, u8 *is)
{
    int r = texts_need(s, a);

    if (!r && !s->duplicates.member)
        r = duplicates_find(&s->duplicates, a, s->texts);
    memset(is, 0, s->node_count);
    for (u32 i = 0; !r && i < s->duplicates.count; i++)
        is[s->duplicates.member[i].node] = 1;
    return r;
}

static int by_filter(struct selection *s, const struct query_term *t, const struct analysis *a)
{
    u8 *is = pages_take(s->node_count);
    int r;

    if (!is)
        return -ENOMEM;
    r = t->filter == FILTER_DUPLICATED_STRINGS ? duplicated(s, a, is)
                                               : filters_mark(a, t->filter, is);
    for (u32 i = 0; !r && i < s->node_count; i++)
        if (s->is[i])
            keep(s, t, i, is[i]);
    pages_give(is, s->node_count);
    return r;
}

/* ---- all ---- */

static int term_apply(struct selection *s, const struct query_term *t, const struct analysis *a)
{
    switch (t->field) {
    case QUERY_CLASS:
        return by_class(s, t, a);
    case QUERY_TYPE:
        by_type(s, t, &a->g);
        return 0;
    case QUERY_NAME:
    case QUERY_TEXT:
        return by_text(s, t, a);
    case QUERY_ID:
    case QUERY_SHALLOW:
    case QUERY_RETAINED:
    case QUERY_DISTANCE:
    case QUERY_EDGES:
        by_number(s, t, a);
        return 0;
    case QUERY_FILTER:
        return by_filter(s, t, a);
    }
    return 0;
}

static void sum(struct selection *s, const struct analysis *a)
{
    u32 end = 0;

    for (u32 i = 0; i < s->node_count; i++) {
        u32 node = a->d.order[i];

        if (!s->is[node])
            continue;
        s->count++;
        s->shallow += graph_self_size(&a->g, node);
        if (i >= end) {
            s->retained += a->d.retained[node];
            end = i + a->d.size[i];
        }
    }
}

int select_find(struct selection *s, const struct query *q, const struct analysis *a)
{
    bool sizeless = query_asks(q, QUERY_ID) || query_asks(q, QUERY_SHALLOW);
    int r = 0;

    *s = (struct selection){ .node_count = a->g.node_count };
    s->is = pages_take(s->node_count);
    if (!s->is)
        return -ENOMEM;
    for (u32 i = 0; i < s->node_count; i++)
        s->is[i] = sizeless || a->g.self[i];
    /* What costs little first. */
    for (u32 pass = 0; pass < 2; pass++)
        for (u32 i = 0; i < q->count && !r; i++) {
            enum query_field f = q->term[i].field;
            bool costly = f == QUERY_NAME || f == QUERY_TEXT || f == QUERY_FILTER;

            if (costly == (pass == 1))
                r = term_apply(s, &q->term[i], a);
        }
    if (!r)
        sum(s, a);
    return r;
}

void select_done(struct selection *s)
{
    pages_give(s->is, s->node_count);
    duplicates_done(&s->duplicates);
    string_texts_free(s->texts);
    *s = (struct selection){ 0 };
}

int select_sums(const struct selection *s, const struct analysis *a, struct class **sums)
{
    const struct classes *c = &a->c;
    AUTO(freep) u32 *end = calloc((size_t)c->count + 1, sizeof(u32));

    *sums = calloc((size_t)c->count + 1, sizeof(**sums));
    if (!end || !*sums)
        return -ENOMEM;
    for (u32 i = 0; i < c->count; i++)
        (*sums)[i] = (struct class){ .name = c->class[i].name,
                                     .place = c->class[i].place,
                                     .distance = INT32_MAX };
    for (u32 i = 0; i < s->node_count; i++) {
        u32 node = a->d.order[i], class = classes_of(c, node);
        struct class *to = &(*sums)[class];

        if (!s->is[node])
            continue;
        to->count++;
        to->shallow += graph_self_size(&a->g, node);
        to->distance = min(to->distance, a->distance[node]);
        if (i < end[class])
            continue;
        to->retained += a->d.retained[node];
        end[class] = i + a->d.size[i];
    }
    return 0;
}

static int by_retained(const void *x, const void *y, void *ctx)
{
    const struct analysis *a = ctx;
    u32 i = *(const u32 *)x, k = *(const u32 *)y;
    u64 self_i = graph_self_size(&a->g, i), self_k = graph_self_size(&a->g, k);

    if (a->d.retained[i] != a->d.retained[k])
        return a->d.retained[i] > a->d.retained[k] ? -1 : 1;
    if (self_i != self_k)
        return self_i > self_k ? -1 : 1;
    return a->g.id[i] < a->g.id[k] ? -1 : a->g.id[i] > a->g.id[k];
}

u32 *select_largest(const struct selection *s, const struct analysis *a, u32 top, u32 *count)
{
    u32 *node = malloc(((size_t)s->count + 1) * sizeof(u32));

    *count = 0;
    if (!node)
        return NULL;
    for (u32 i = 0; i < s->node_count; i++)
        if (s->is[i])
            node[(*count)++] = i;
    if (*count)
        qsort_r(node, *count, sizeof(u32), by_retained, (void *)a);
    if (top)
        *count = min(*count, top);
    return node;
}
