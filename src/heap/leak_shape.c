/* heap/leak_shape.c -- which kind of leak it is, by the shape of what leaks */
#include "heap/leak_shape.h"

enum { UP_MAX = 12, TREE_MIN = 6 };

static bool is_tree_node(struct browse *b, u32 item)
{
    static const char *const parents[] = { "parentNode",  "parentElement", "parent",
                                           "_parentNode", "ownerDocument", "_ownerDocument" };
    const struct graph_edge *e;
    u32 count;

    if (graph_type(b->graph, item) == NODE_NATIVE &&
        (b->graph->flags[item] & GRAPH_DETACHED ||
         str_starts(browse_name(b, item), STR("Detached "))))
        return true;
    if (graph_type(b->graph, item) != NODE_OBJECT)
        return false;
    count = browse_edges(b, item, &e);
    for (u32 i = 0; i < count; i++)
        for (u32 p = 0; e[i].type == EDGE_PROPERTY && p < ARRAY_LEN(parents); p++)
            if (str_eq(browse_label(b, &e[i]), str_of(parents[p])) &&
                browse_dominates(b, item, e[i].to) &&
                b->dominators->size[b->position[e[i].to]] >= TREE_MIN)
                return true;
    return false;
}

/* A variable's functions are an async hook's: one of them is what AsyncHook calls at init. */
static bool is_async_hook(struct browse *b, const struct naming *name)
{
    struct retainer users[UP_MAX * 2], in[UP_MAX];
    u32 count = name->by == NAMING_VARIABLE
                    ? browse_retainers(b, name->anchor, users, ARRAY_LEN(users))
                    : 0;

    for (u32 i = 0; i < count; i++) {
        u32 above = browse_is_closure(b, users[i].from) &&
                            str_eq(browse_name(b, users[i].from), STR("init"))
                        ? browse_retainers(b, users[i].from, in, UP_MAX)
                        : 0;

        for (u32 k = 0; k < above; k++)
            if (browse_is_class(b, in[k].from, "AsyncHook"))
                return true;
    }
    return false;
}

/* A captured context is easily less than the function that captured it, and still the cause. */
static bool is_mostly(enum fact fact, const struct facts *f)
{
    return f->bytes[fact] > 0 && f->bytes[fact] >= f->total / (fact == FACT_ASYNC ? 4 : 2);
}

/* What the items are, or mostly are made of. */
static bool kind_by_facts(struct browse *b, u32 item, const struct facts *f, enum leak_kind *out)
{
    static const struct {
        enum fact fact;
        enum leak_kind kind;
    } rules[] = {
        { FACT_TIMER, LEAK_TIMER },     { FACT_LISTENER, LEAK_LISTENER },
        { FACT_SOCKET, LEAK_SOCKET },   { FACT_REQUEST, LEAK_REQUEST },
        { FACT_STREAM, LEAK_STREAM },   { FACT_MODULE, LEAK_MODULE },
        { FACT_PROMISE, LEAK_PROMISE }, { FACT_ASYNC, LEAK_ASYNC_CONTEXT },
        { FACT_BUFFER, LEAK_BUFFER },   { FACT_SLICE, LEAK_STRING },
        { FACT_REGEXP, LEAK_REGEXP },   { FACT_SCRIPT, LEAK_CODE },
    };

    for (u32 i = 0; i < ARRAY_LEN(rules); i++)
        if (f->self == rules[i].fact) {
            *out = rules[i].kind;
            return true;
        }
    if (browse_is_closure(b, item) && f->code >= f->total / 3) {
        *out = LEAK_CODE;
        return true;
    }
    for (u32 i = 0; i < ARRAY_LEN(rules); i++)
        if (is_mostly(rules[i].fact, f)) {
            *out = rules[i].kind;
            return true;
        }
    return false;
}

enum leak_kind leak_shape_of_container(struct browse *b, u32 holder)
{
    if (holder == BROWSE_NONE)
        return LEAK_OBJECT;
    if (browse_is_class(b, holder, "Set") || browse_is_class(b, holder, "WeakSet"))
        return LEAK_SET;
    if (browse_is_class(b, holder, "Array"))
        return LEAK_ARRAY;
    if (browse_is_closure(b, holder) || browse_is_context(b->graph, holder))
        return LEAK_CLOSURE;
    return browse_follow(b, holder, STR("table")) != BROWSE_NONE ? LEAK_MAP : LEAK_OBJECT;
}

/* The ESM loader, its caches and what is below them. */
static bool is_module_holder(struct browse *b, u32 holder)
{
    for (u32 i = 0; i < UP_MAX && holder != BROWSE_NONE && holder != b->graph->root; i++) {
        if (browse_is_class(b, holder, "LoadCache") || browse_is_class(b, holder, "ResolveCache") ||
            browse_is_class(b, holder, "ModuleLoader"))
            return true;
        holder = b->dominators->dominator[holder];
    }
    return false;
}

/* Of one item that somebody else refers to as well, what it is made of is not seen: all that are
 * known are looked at, until one tells. */
static bool kind_by_items(struct browse *b, const struct growth_holder *h, u32 item,
                          enum leak_kind *out)
{
    struct facts f;

    facts_find(b, item, &f);
    if (kind_by_facts(b, item, &f, out))
        return true;
    for (u32 i = 0; i < h->sample_count; i++) {
        facts_find(b, h->samples[i], &f);
        if (kind_by_facts(b, h->samples[i], &f, out))
            return true;
    }
    return false;
}

enum leak_kind leak_shape_kind(struct browse *b, const struct growth_holder *h, u32 holder,
                               u32 item, const struct naming *name)
{
    enum leak_kind kind = LEAK_OBJECT;

    if (is_module_holder(b, holder))
        return LEAK_MODULE;
    if (browse_is_class(b, holder, "Promise"))
        return LEAK_PROMISE;
    if (item == BROWSE_NONE)
        return leak_shape_of_container(b, holder);
    if (h->how != GROWTH_ITEMS && browse_is_text(b, item))
        return LEAK_STRING;
    if (h->how == GROWTH_CHAIN && browse_is_closure(b, item))
        return LEAK_CLOSURE;
    if (is_async_hook(b, name))
        return LEAK_ASYNC_HOOK;
    if (kind_by_items(b, h, item, &kind))
        return h->how == GROWTH_ROOTS && kind == LEAK_REQUEST && holder == BROWSE_NONE ? LEAK_STREAM
                                                                                       : kind;
    if (is_tree_node(b, item))
        return LEAK_TREE;
    if (browse_is_closure(b, item))
        return LEAK_CLOSURE;
    return h->how == GROWTH_CHAIN ? LEAK_OBJECT : leak_shape_of_container(b, holder);
}
