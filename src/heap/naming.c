/* heap/naming.c -- what people call an object: a variable, a global, a class's static field
 *
 * Dijkstra's algorithm on few objects: a step costs by how much it says (a property more than a
 * variable, an element more than a property), an end by whose code it is in.
 */
#include "heap/naming.h"

enum {
    SEEN_MAX = 160,     /* objects that are looked at */
    RETAINERS_MAX = 24, /* of each */
    PART_MAX = 64,
    COST_PACKAGE = 12,
    COST_NODE = 24,
};

/* An object on the way up, or with `by` an end of it. */
struct step {
    u32 node, cost;
    u32 down; /* the step below, in the list */
    enum naming_by by;
    bool done;
    char part[PART_MAX]; /* what to add to the name of what is above: ".cache", "[3]" */
};

struct climb {
    struct browse *b;
    struct step list[SEEN_MAX];
    u32 count;
};

static struct step *step_add(struct climb *c, u32 node, u32 down, u32 cost, enum naming_by by)
{
    struct step *s;

    for (u32 i = 0; i < c->count; i++)
        if (c->list[i].node == node && c->list[i].by == by && c->list[i].cost <= cost)
            return NULL;
    if (c->count == SEEN_MAX)
        return NULL;
    s = &c->list[c->count++];
    *s = (struct step){ .node = node, .down = down, .cost = cost, .by = by };
    return s;
}

static void part_set(struct step *s, const char *fmt, struct str text)
{
    if (s)
        snprintf(s->part, sizeof(s->part), fmt, (int)min(text.len, (size_t)PART_MAX - 8), text.ptr);
}

static u32 cost_of(enum source_of whose)
{
    return whose == SOURCE_APP ? 0 : whose == SOURCE_PACKAGE ? COST_PACKAGE : COST_NODE;
}

static enum source_of whose_context(struct browse *b, u32 context)
{
    return sources_whose(sources_file(b, sources_of_context(b, context, NULL)));
}

static bool is_name(struct str label)
{
    return label.len > 0 && label.ptr[0] != '.' && !str_eq(label, STR("this")) &&
           !str_eq(label, STR("new.target"));
}

/* Properties that every object has, or that lead back down. */
static bool is_structural(struct str label)
{
    return str_eq(label, STR("__proto__")) || str_eq(label, STR("constructor")) ||
           str_eq(label, STR("prototype")) || str_eq(label, STR("module"));
}

/* "global", in Node 26 "global (global*)", in Chrome "Window / https://…". */
static bool is_global(struct browse *b, u32 node)
{
    struct str name = browse_name(b, node);

    return graph_type(b->graph, node) == NODE_OBJECT &&
           (str_eq(name, STR("global")) || str_starts(name, STR("global (")) ||
            str_starts(name, STR("global / ")) || str_starts(name, STR("Window")));
}

/* "<symbol kEvents>" is [kEvents] in code. */
static void property_part(struct step *s, struct str label)
{
    struct str symbol = label;

    if (str_starts(symbol, STR("<symbol ")) && symbol.len > 9)
        part_set(s, "[%.*s]", str_sub(symbol, 8, symbol.len - 9));
    else
        part_set(s, ".%.*s", label);
}

static void step_property(struct climb *c, u32 at, u32 from, struct str label)
{
    struct browse *b = c->b;
    u32 cost = c->list[at].cost;
    struct step *s;

    if (is_structural(label))
        return;
    if (is_global(b, from)) {
        s = step_add(c, from, at, cost + 1, NAMING_GLOBAL);
    } else if (graph_type(b->graph, from) == NODE_CLOSURE && browse_name(b, from).len) {
        struct str file = sources_file(b, sources_of_function(b, from));

        s = step_add(c, from, at, cost + 1 + cost_of(sources_whose(file)), NAMING_STATIC);
    } else if (str_eq(label, STR("exports")) && browse_is(b, from, NODE_OBJECT, STR("Module"))) {
        s = step_add(c, from, at, cost + 3, NAMING_EXPORT);
    } else {
        s = step_add(c, from, at, cost + 3, NAMING_UNNAMED);
    }
    if (s)
        property_part(s, label);
}

static void element_part(struct step *s, u32 index)
{
    if (s)
        snprintf(s->part, sizeof(s->part), "[%u]", index);
}

/* An ES module's variable that is exported is in a cell, and the module's table of exports has the
 * name before the cell. */
static bool step_export(struct climb *c, u32 at, const struct retainer *in, struct str label)
{
    struct browse *b = c->b;
    const struct graph_edge *e;
    u32 count;
    u64 index;
    char before[16];

    if (graph_type(b->graph, in->from) != NODE_ARRAY || !str_to_u64(label, &index) || !index ||
        !str_eq(browse_name(b, c->list[at].node), STR("system / Cell")))
        return false;
    snprintf(before, sizeof(before), "%llu", (unsigned long long)index - 1);
    count = browse_edges(b, in->from, &e);
    for (u32 i = 0; i < count; i++)
        if (e[i].type == EDGE_INTERNAL && browse_is_text(b, e[i].to) &&
            str_eq(browse_label(b, &e[i]), str_of(before))) {
            part_set(step_add(c, in->from, at, c->list[at].cost, NAMING_MODULE), "%.*s",
                     browse_name(b, e[i].to));
            return true;
        }
    return false;
}

/* The URL of the module whose table of exports this is: a string's node, or BROWSE_NONE. */
static u32 module_url(struct browse *b, u32 table)
{
    struct retainer in[RETAINERS_MAX];
    u32 count = browse_retainers(b, table, in, RETAINERS_MAX);

    for (u32 i = 0; i < count; i++) {
        struct retainer above[RETAINERS_MAX];
        u32 more = browse_retainers(b, in[i].from, above, RETAINERS_MAX);

        for (u32 k = 0; k < more; k++) {
            u32 url = browse_follow(b, above[k].from, STR("url"));

            if (browse_is_text(b, url))
                return url;
        }
    }
    return BROWSE_NONE;
}

/* One edge up. */
static void step_up(struct climb *c, u32 at, const struct retainer *in)
{
    struct browse *b = c->b;
    struct graph_edge e;
    u32 cost = c->list[at].cost;
    enum node_type type = graph_type(b->graph, in->from);
    struct str label;

    if (!browse_edge(b, in->edge, &e))
        return;
    label = browse_label(b, &e);
    switch (e.type) {
    case EDGE_CONTEXT:
        if (is_name(label))
            part_set(step_add(c, in->from, at, cost + cost_of(whose_context(b, in->from)),
                              NAMING_VARIABLE),
                     "%.*s", label);
        return;
    case EDGE_PROPERTY:
        step_property(c, at, in->from, label);
        return;
    case EDGE_ELEMENT:
        if (type == NODE_OBJECT)
            element_part(step_add(c, in->from, at, cost + 4, NAMING_UNNAMED), e.name);
        return;
    case EDGE_INTERNAL:
    case EDGE_BACKING:
    case EDGE_HIDDEN:
        /* Through a table to its Map or Set, a cell to its module; an array's elements are edges
         * of the array, too. */
        if (step_export(c, at, in, label))
            return;
        if (type == NODE_ARRAY || type == NODE_HIDDEN || str_eq(label, STR("table")))
            (void)step_add(c, in->from, at, cost + 2, NAMING_UNNAMED);
        return;
    case EDGE_SHORTCUT:
    case EDGE_WEAK:
        return;
    }
}

static void look_up(struct climb *c, u32 at)
{
    struct retainer in[RETAINERS_MAX];
    u32 count = browse_retainers(c->b, c->list[at].node, in, RETAINERS_MAX);

    for (u32 i = 0; i < count; i++)
        step_up(c, at, &in[i]);
}

/* The cheapest step that has not been taken. */
static u32 cheapest(const struct climb *c)
{
    u32 found = BROWSE_NONE;

    for (u32 i = 0; i < c->count; i++)
        if (!c->list[i].done && (found == BROWSE_NONE || c->list[i].cost < c->list[found].cost))
            found = i;
    return found;
}

/* The beginning of a name: what is declared. */
static void anchor_name(struct browse *b, const struct step *end, struct buf *out)
{
    switch (end->by) {
    case NAMING_GLOBAL:
        buf_add(out, STR("globalThis"));
        break;
    case NAMING_STATIC:
        buf_add(out, browse_name(b, end->node));
        break;
    case NAMING_EXPORT:
        buf_add(out, STR("module"));
        break;
    case NAMING_VARIABLE:
    case NAMING_MODULE:
    case NAMING_UNNAMED:
        break;
    }
}

static void name_write(struct climb *c, u32 end, struct naming *out)
{
    AUTO(buf_done) struct buf name = { .bytes_max = NAMING_NAME_MAX - 1 };

    anchor_name(c->b, &c->list[end], &name);
    for (u32 i = end; i != 0; i = c->list[i].down) {
        const char *part = c->list[i].part;

        buf_add(&name, str_of(part));
        if (part[0] && part[0] != '[')
            str_to_cstr(str_of(part + (part[0] == '.') + (part[1] == '#')), out->last,
                        sizeof(out->last));
        if (browse_is_visible(c->b->graph, c->list[i].node) ||
            browse_is_context(c->b->graph, c->list[i].node))
            out->above = c->list[i].node;
    }
    str_to_cstr(buf_str(&name), out->name, sizeof(out->name));
}

static void anchor_find(struct browse *b, const struct step *end, struct naming *out)
{
    out->by = end->by;
    out->anchor = end->node;
    switch (end->by) {
    case NAMING_VARIABLE:
        out->script = sources_of_context(b, end->node, &out->user);
        break;
    case NAMING_MODULE:
        out->script = module_url(b, end->node);
        break;
    case NAMING_STATIC:
        out->user = end->node;
        out->script = sources_of_function(b, end->node);
        break;
    case NAMING_GLOBAL:
    case NAMING_EXPORT:
    case NAMING_UNNAMED:
        break;
    }
    out->whose =
        out->script == BROWSE_NONE ? SOURCE_APP : sources_whose(sources_file(b, out->script));
}

void naming_find(struct browse *b, u32 node, struct naming *out)
{
    AUTO(freep) struct climb *c = malloc(sizeof(*c));
    u32 at;

    *out = (struct naming){
        .anchor = BROWSE_NONE, .user = BROWSE_NONE, .script = BROWSE_NONE, .above = BROWSE_NONE
    };
    str_to_cstr(browse_class(b, node), out->name, sizeof(out->name));
    if (!c)
        return;
    c->b = b;
    c->count = 0;
    (void)step_add(c, node, 0, 0, NAMING_UNNAMED);
    while ((at = cheapest(c)) != BROWSE_NONE) {
        if (c->list[at].by != NAMING_UNNAMED) {
            name_write(c, at, out);
            anchor_find(b, &c->list[at], out);
            return;
        }
        c->list[at].done = true;
        look_up(c, at);
    }
}
