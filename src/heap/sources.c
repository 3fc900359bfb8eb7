/* heap/sources.c -- which file a function, a class or a variable is from */
#include "heap/sources.h"

enum { USERS_MAX = 32, CONTEXTS_MAX = 64, TRIES_MAX = 8 };

/* Up to Node 20 the edge is "script_or_debug_info", and with a debugger leads to one more node. */
static u32 script_below(struct browse *b, u32 shared)
{
    const struct graph_edge *e;
    u32 count = browse_edges(b, shared, &e);

    for (u32 i = 0; i < count; i++) {
        u32 to = e[i].to;

        if (e[i].type != EDGE_INTERNAL || !str_starts(browse_label(b, &e[i]), STR("script")))
            continue;
        if (!str_ends(browse_name(b, to), STR("DebugInfo")))
            return to;
        return browse_follow(b, to, STR("script"));
    }
    return BROWSE_NONE;
}

u32 sources_of_function(struct browse *b, u32 closure)
{
    u32 shared = browse_follow(b, closure, STR("shared"));

    return shared == BROWSE_NONE ? shared : script_below(b, shared);
}

u32 sources_of_number(struct browse *b, u32 script)
{
    const struct graph *g = b->graph;
    u32 tries = 0;

    for (u32 n = 0; n < g->node_count && tries < TRIES_MAX; n++) {
        const struct place *place = graph_type(g, n) == NODE_CLOSURE ? graph_place(g, n) : NULL;

        if (place && place->script == script) {
            u32 found = sources_of_function(b, n);

            if (found != BROWSE_NONE)
                return found;
            tries++;
        }
    }
    return BROWSE_NONE;
}

/* A function whose context this is, else one of a context inside of it. */
static u32 user_of(struct browse *b, u32 context, u32 *budget)
{
    struct retainer in[USERS_MAX];
    u32 count = browse_retainers(b, context, in, USERS_MAX);

    for (u32 i = 0; i < count; i++)
        if (graph_type(b->graph, in[i].from) == NODE_CLOSURE &&
            browse_follow(b, in[i].from, STR("context")) == context)
            return in[i].from;
    for (u32 i = 0; i<count && * budget> 0; i++) {
        u32 found = BROWSE_NONE;

        if (!browse_is_context(b->graph, in[i].from) ||
            browse_follow(b, in[i].from, STR("previous")) != context)
            continue;
        (*budget)--;
        found = user_of(b, in[i].from, budget);
        if (found != BROWSE_NONE)
            return found;
    }
    return BROWSE_NONE;
}

u32 sources_of_context(struct browse *b, u32 context, u32 *user)
{
    u32 budget = CONTEXTS_MAX, closure = user_of(b, context, &budget);

    if (user)
        *user = closure;
    return closure == BROWSE_NONE ? closure : sources_of_function(b, closure);
}

struct str sources_file(struct browse *b, u32 script)
{
    struct str file = { 0 };

    if (script == BROWSE_NONE)
        return file;
    file = browse_name(b, script);
    if (str_starts(file, STR("file://"))) {
        file = str_sub(file, 7, SIZE_MAX);
        file.len = str_index(file, '?') < 0 ? file.len : (size_t)str_index(file, '?');
    }
    return file;
}

struct str sources_text(struct browse *b, u32 script)
{
    u32 text = script == BROWSE_NONE ? script : browse_follow(b, script, STR("source"));

    return text == BROWSE_NONE ? (struct str){ 0 } : browse_name(b, text);
}

static bool contains(struct str s, struct str part)
{
    return s.ptr && memmem(s.ptr, s.len, part.ptr, part.len);
}

enum source_of sources_whose(struct str file)
{
    if (!file.len || str_starts(file, STR("node:")) || str_starts(file, STR("internal/")) ||
        str_starts(file, STR("system / ")) || str_starts(file, STR("evalmachine.")) ||
        str_starts(file, STR("wasm://")) || str_starts(file, STR("extensions::")))
        return SOURCE_NODE;
    return contains(file, STR("/node_modules/")) || contains(file, STR("\\node_modules\\"))
               ? SOURCE_PACKAGE
               : SOURCE_APP;
}

bool sources_place(struct browse *b, u32 node, struct source_place *out)
{
    const struct place *place = graph_place(b->graph, node);
    u32 script = BROWSE_NONE;

    if (!place)
        return false;
    if (graph_type(b->graph, node) == NODE_CLOSURE)
        script = sources_of_function(b, node);
    if (script == BROWSE_NONE)
        script = sources_of_number(b, place->script);
    out->file = sources_file(b, script);
    out->whose = sources_whose(out->file);
    out->line = place->line + 1;
    out->column = place->column + 1;
    return out->file.len > 0;
}

u32 sources_app_function(struct browse *b, u32 node)
{
    const struct dominators *d = b->dominators;
    u32 at = b->position[node], looked_at = 0;
    struct source_place place;

    for (u32 i = at; i < at + d->size[at] && looked_at < SOURCES_FUNCTIONS_MAX; i++) {
        if (!browse_is_closure(b, d->order[i]))
            continue;
        looked_at++;
        if (sources_place(b, d->order[i], &place) && place.whose == SOURCE_APP)
            return d->order[i];
    }
    return BROWSE_NONE;
}
