/* heap/groups.c -- objects counted by class */
#include "heap/groups.h"

enum { PLACES_MIN = 64 };

static u32 class_hash(u32 type, u32 name)
{
    return (name * 31 + type) * 0x9E3779B1u;
}

void groups_clear(struct groups *s)
{
    s->count = 0;
    if (s->place)
        memset(s->place, 0, ((u64)s->mask + 1) * sizeof(u32));
}

void groups_done(struct groups *s)
{
    free(s->list);
    free(s->place);
    *s = (struct groups){ 0 };
}

/* Twice as many places, half of which groups may take. */
static int grow(struct groups *s)
{
    u32 cap = s->place ? (s->mask + 1) * 2 : PLACES_MIN;
    struct group *list = realloc(s->list, cap / 2 * sizeof(*list));
    u32 *place = list ? calloc(cap, sizeof(*place)) : NULL;

    if (list)
        s->list = list;
    if (!place)
        return -ENOMEM;
    free(s->place);
    s->place = place;
    s->mask = cap - 1;
    for (u32 g = 0; g < s->count; g++) {
        u32 i = class_hash(list[g].type, list[g].name) & s->mask;

        while (place[i])
            i = (i + 1) & s->mask;
        place[i] = g + 1;
    }
    return 0;
}

/* The place of a class, or the free one where it belongs. */
static u32 *place_of(const struct groups *s, u32 type, u32 name)
{
    u32 i = class_hash(type, name) & s->mask;

    while (s->place[i] &&
           (s->list[s->place[i] - 1].type != type || s->list[s->place[i] - 1].name != name))
        i = (i + 1) & s->mask;
    return &s->place[i];
}

struct group *groups_of(struct groups *s, const struct graph *g, u32 node)
{
    enum node_type type = graph_type(g, node);
    bool named = type == NODE_OBJECT || type == NODE_NATIVE || type == NODE_CLOSURE;
    u32 name = named ? g->name[node] : 0, *place;

    if ((!s->place || s->count == (s->mask + 1) / 2) && grow(s))
        return NULL;
    place = place_of(s, g->type[node], name);
    if (!*place) {
        s->list[s->count] = (struct group){ .type = g->type[node], .name = name };
        *place = ++s->count;
    }
    return &s->list[*place - 1];
}

const struct group *groups_find(const struct groups *s, u32 type, u32 name)
{
    u32 place = s->place ? *place_of(s, type, name) : 0;

    return place ? &s->list[place - 1] : NULL;
}

void groups_sample(struct group *group, u32 node)
{
    u32 i = min(group->sample_count, (u32)GROUP_SAMPLES - 1);

    group->samples[i] = node;
    group->sample_count = i + 1;
}
