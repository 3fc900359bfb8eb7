/* heap/classes.c -- names of classes, and sums by class */
#include "heap/classes.h"

#include "base/pages.h"
#include "heap/detached.h"
#include "heap/interfaces.h"

enum { NAME_MAX_BYTES = 64 << 10 };

/* Classes by name and place. */
struct table {
    struct classes *c;
    struct graph *g;
    u32 cap;
    u32 *slot; /* 1 + index of a class */
    u32 slots;
    u32 *by_name; /* 1 + the class without a place of each name */
    u32 by_name_len;
    u32 *name_of_string; /* [strings]: 1 + name of a class; 0: not needed */
    u32 type_name[META_TYPES_MAX];
};

static u64 hash_of(u32 name, u32 place)
{
    u64 x = ((u64)name << 32 | place) * 0x9e3779b97f4a7c15ull;

    return x ^ x >> 31;
}

static bool table_grow(struct table *t)
{
    struct classes *c = t->c;
    u32 slots = t->slots ? t->slots * 2 : 1024, *slot;

    if (c->count == t->cap) {
        u32 cap = t->cap ? t->cap * 2 : 512;
        struct class *class = realloc(c->class, cap * sizeof(*class));

        if (!class)
            return false;
        c->class = class;
        t->cap = cap;
    }
    if (c->count < t->slots / 2)
        return true;
    slot = calloc(slots, sizeof(u32));
    if (!slot)
        return false;
    for (u32 i = 0; i < c->count; i++) {
        u32 at = (u32)hash_of(c->class[i].name, c->class[i].place) & (slots - 1);

        while (slot[at])
            at = (at + 1) & (slots - 1);
        slot[at] = i + 1;
    }
    free(t->slot);
    t->slot = slot;
    t->slots = slots;
    return true;
}

/* The class of that name and place; UINT32_MAX: out of memory. */
static u32 class_of(struct table *t, u32 name, u32 place)
{
    struct classes *c = t->c;
    u32 at;

    if (!table_grow(t))
        return UINT32_MAX;
    for (at = (u32)hash_of(name, place) & (t->slots - 1); t->slot[at];
         at = (at + 1) & (t->slots - 1)) {
        const struct class *class = &c->class[t->slot[at] - 1];

        if (class->name == name && class->place == place)
            return t->slot[at] - 1;
    }
    c->class[c->count] = (struct class){ .name = name, .place = place, .distance = INT32_MAX };
    t->slot[at] = ++c->count;
    return c->count - 1;
}

/* "<div id=a>" is a "<div>", "Detached <div id=a>" a "Detached <div>". */
static u32 markup_name(struct names *names, struct str text)
{
    size_t from = str_starts(text, STR("Detached <")) ? 10 : 0;
    ptrdiff_t blank = str_index(str_sub(text, from, text.len), ' ');
    AUTO(buf_done) struct buf name = { 0 };

    if ((!from && !str_starts(text, STR("<"))) || blank < 0)
        return names_intern(names, text);
    buf_add(&name, str_sub(text, 0, from + (size_t)blank));
    buf_addc(&name, '>');
    return name.failed ? NAMES_FAILED : names_intern(names, buf_str(&name));
}

static bool is_named(const struct graph *g, u32 node)
{
    enum node_type type = graph_type(g, node);

    return (type == NODE_OBJECT && !(graph_flags(g, node) & GRAPH_PLAIN)) || type == NODE_NATIVE;
}

/* Reads the names that classes take from nodes, in the order of the file. */
static int names_read(struct table *t)
{
    const struct graph *g = t->g;
    AUTO(strtab_reader_done) struct strtab_reader r = { .t = &g->strings };
    AUTO(buf_done) struct buf text = { 0 };

    t->name_of_string = calloc((size_t)g->strings.count + 1, sizeof(u32));
    if (!t->name_of_string)
        return -ENOMEM;
    for (u32 i = 0; i < g->node_count; i++)
        if (is_named(g, i))
            t->name_of_string[g->name[i]] = 1;
    for (u32 i = 0; i < g->strings.count; i++) {
        u32 name;

        if (!t->name_of_string[i])
            continue;
        buf_clear(&text);
        if (!strtab_text(&r, i, &text, NAME_MAX_BYTES))
            return -EIO;
        name = g->strings.kind[i] == STRING_MARKUP || g->strings.kind[i] == STRING_DETACHED_MARKUP
                   ? markup_name(&t->c->names, buf_str(&text))
                   : names_intern(&t->c->names, buf_str(&text));
        if (name == NAMES_FAILED)
            return -ENOMEM;
        t->name_of_string[i] = name + 1;
    }
    return 0;
}

/* A DOM node that is in no document any more says so in its name. */
static u32 detached_name(struct table *t, struct strtab_reader *r, u32 node)
{
    AUTO(buf_done) struct buf text = { 0 };

    buf_add(&text, STR("Detached "));
    if (!strtab_text(r, t->g->name[node], &text, NAME_MAX_BYTES))
        return NAMES_FAILED;
    return markup_name(&t->c->names, buf_str(&text));
}

static int type_names(struct table *t)
{
    const struct meta *m = &t->g->meta;

    for (u32 i = 0; i < m->node_types; i++) {
        char text[48];
        const char *name = text;

        snprintf(text, sizeof(text), "(%s)", m->node_type_name[i]);
        if (m->node_type_of[i] == NODE_HIDDEN)
            name = "(system)";
        else if (m->node_type_of[i] == NODE_CODE)
            name = "(compiled code)";
        else if (m->node_type_of[i] == NODE_CLOSURE)
            name = "Function";
        else if (m->node_type_of[i] == NODE_REGEXP)
            name = "RegExp";
        t->type_name[i] = names_intern(&t->c->names, str_of(name));
        if (t->type_name[i] == NAMES_FAILED)
            return -ENOMEM;
    }
    return 0;
}

/* The class without a place, the usual case, straight from its name. */
static u32 class_named(struct table *t, u32 name)
{
    if (name >= t->by_name_len) {
        u32 len = max(t->c->names.count, name + 1) + 256;
        u32 *by_name = realloc(t->by_name, len * sizeof(u32));

        if (!by_name)
            return UINT32_MAX;
        memset(by_name + t->by_name_len, 0, (len - t->by_name_len) * sizeof(u32));
        t->by_name = by_name;
        t->by_name_len = len;
    }
    if (!t->by_name[name]) {
        u32 class = class_of(t, name, 0);

        if (class == UINT32_MAX)
            return class;
        t->by_name[name] = class + 1;
    }
    return t->by_name[name] - 1;
}

/* More classes than two bytes can tell: four from now on. */
static bool widen(struct classes *c, u32 assigned)
{
    c->wide = pages_take((u64)c->node_count * sizeof(u32));
    if (!c->wide)
        return false;
    for (u32 i = 0; i < assigned; i++)
        c->wide[i] = c->narrow[i];
    pages_give(c->narrow, (u64)c->node_count * sizeof(u16));
    c->narrow = NULL;
    return true;
}

static int nodes_assign(struct table *t, const struct interfaces *in)
{
    const struct graph *g = t->g;
    AUTO(strtab_reader_done) struct strtab_reader r = { .t = &g->strings };

    for (u32 i = 0; i < g->node_count; i++) {
        enum node_type type = graph_type(g, i);
        u32 place = type == NODE_OBJECT && g->place_of ? g->place_of[i] : 0, name, class;

        if (graph_flags(g, i) & GRAPH_PLAIN)
            name = in->class_of_shape[g->name[i]];
        else if (detached_is_renamed(g, i))
            name = detached_name(t, &r, i);
        else if (is_named(g, i))
            name = t->name_of_string[g->name[i]] - 1;
        else
            name = t->type_name[g->type[i]];
        if (name == NAMES_FAILED)
            return -ENOMEM;
        class = place ? class_of(t, name, place) : class_named(t, name);
        if (class == UINT32_MAX)
            return -ENOMEM;
        if (t->c->narrow && class > UINT16_MAX && !widen(t->c, i))
            return -ENOMEM;
        if (t->c->narrow)
            t->c->narrow[i] = (u16) class;
        else
            t->c->wide[i] = class;
    }
    return 0;
}

/* The string that plain objects are named by; UINT32_MAX: there are none. */
static u32 plain_string(const struct graph *g)
{
    for (u32 i = 0; i < g->node_count; i++)
        if (graph_flags(g, i) & GRAPH_PLAIN)
            return g->name[i];
    return UINT32_MAX;
}

int classes_assign(struct classes *c, struct graph *g)
{
    struct table t = { .c = c, .g = g };
    struct interfaces in = { 0 };
    u32 plain = plain_string(g);
    int r;

    *c = (struct classes){ .node_count = g->node_count };
    c->narrow = pages_take((u64)g->node_count * sizeof(u16));
    r = c->narrow ? interfaces_infer(&in, g, &c->names) : -ENOMEM;
    if (!r)
        r = type_names(&t);
    if (!r)
        r = names_read(&t);
    if (!r)
        r = nodes_assign(&t, &in);
    if (g->options & GRAPH_WITH_NAMES)
        for (u32 i = 0; i < g->node_count; i++)
            if (graph_flags(g, i) & GRAPH_PLAIN)
                g->name[i] = plain;
    interfaces_done(&in);
    free(t.slot);
    free(t.by_name);
    free(t.name_of_string);
    return r;
}

void classes_count(struct classes *c, const struct graph *g, const int32_t *distance)
{
    for (u32 i = 0; i < c->node_count; i++) {
        struct class *class = &c->class[classes_of(c, i)];

        if (!g->self[i])
            continue;
        class->count++;
        class->shallow += graph_self_size(g, i);
        class->distance = min(class->distance, distance[i]);
    }
}

int classes_retain(struct classes *c, const struct graph *g, const struct dominators *d)
{
    /* Where, in preorder, the subtree ends that a class has last been counted with. */
    AUTO(freep) u32 *end = calloc((size_t)c->count + 1, sizeof(u32));

    if (!end)
        return -ENOMEM;
    for (u32 i = 0; i < d->node_count; i++) {
        u32 node = d->order[i], class = classes_of(c, node);

        if (!g->self[node] || i < end[class])
            continue;
        c->class[class].retained += d->retained[node];
        end[class] = i + d->size[i];
    }
    return 0;
}

void classes_done(struct classes *c)
{
    names_done(&c->names);
    free(c->class);
    pages_give(c->narrow, (u64)c->node_count * sizeof(u16));
    pages_give(c->wide, (u64)c->node_count * sizeof(u32));
    *c = (struct classes){ 0 };
}
