/* heap/suspect.c -- one thing that seems to leak: what, where, of what kind, and whose line */
#include "heap/suspect.h"

#include "base/buf.h"
#include "heap/emitter.h"
#include "heap/leak_shape.h"

static void text_set(char *out, size_t room, struct str text)
{
    str_to_cstr(text, out, room);
}

/* ---- the holder ---- */

/* From what V8 has behind an object to the object, and from the last of a chain to its beginning.
 */
static u32 holder_of(struct browse *b, const struct growth_holder *h, u32 item)
{
    const struct graph *g = b->graph;
    u32 at = h->at;

    while (h->how == GROWTH_CHAIN && item != BROWSE_NONE) {
        u32 above = at;

        while (above != g->root && !browse_is_visible(g, above))
            above = b->dominators->dominator[above];
        if (above == g->root || g->type[above] != g->type[item] || g->name[above] != g->name[item])
            break;
        at = b->dominators->dominator[above];
    }
    while (at != g->root && !browse_is_visible(g, at) && !browse_is_context(g, at) &&
           graph_type(g, at) != NODE_SYNTHETIC)
        at = b->dominators->dominator[at];
    return at;
}

/* The child of `at` in the dominator tree under which `below` is. */
static u32 child_towards(struct browse *b, u32 at, u32 below)
{
    while (b->dominators->dominator[below] != at && below != b->graph->root)
        below = b->dominators->dominator[below];
    return below;
}

/* The variable of a context that leads to `item`. */
static bool variable_towards(struct browse *b, u32 context, u32 item, struct str *name)
{
    u32 child = child_towards(b, context, item);
    const struct graph_edge *e;
    u32 count = browse_edges(b, context, &e);

    for (u32 i = 0; i < count; i++)
        if (e[i].type == EDGE_CONTEXT && (e[i].to == child || e[i].to == item)) {
            *name = browse_label(b, &e[i]);
            return true;
        }
    return false;
}

/* Where several things hold the items together, or none that is old: what their first name leads
 * to. */
static void holder_by_item(struct browse *b, struct suspect *s, struct naming *name)
{
    naming_find(b, s->item, name);
    s->holder_node = name->above;
    if (name->whose != SOURCE_APP || name->by == NAMING_UNNAMED) {
        *name =
            (struct naming){ .anchor = BROWSE_NONE, .user = BROWSE_NONE, .script = BROWSE_NONE };
        s->holder_node = BROWSE_NONE;
    }
}

static void holder_by_context(struct browse *b, u32 context, struct suspect *s, struct naming *name)
{
    struct str variable;

    *name = (struct naming){ .by = NAMING_VARIABLE, .anchor = context, .user = BROWSE_NONE };
    name->script = sources_of_context(b, context, &name->user);
    name->whose = sources_whose(sources_file(b, name->script));
    if (!variable_towards(b, context, s->item, &variable)) {
        holder_by_item(b, s, name);
        return;
    }
    text_set(name->name, sizeof(name->name), variable);
    text_set(name->last, sizeof(name->last), variable);
}

static void holder_find(struct browse *b, const struct growth_holder *h, struct suspect *s,
                        struct naming *name)
{
    *name = (struct naming){ .anchor = BROWSE_NONE, .user = BROWSE_NONE, .script = BROWSE_NONE };
    if (h->how == GROWTH_ROOTS || graph_type(b->graph, s->holder_node) == NODE_SYNTHETIC) {
        if (s->item != BROWSE_NONE)
            holder_by_item(b, s, name);
        return;
    }
    if (browse_is_context(b->graph, s->holder_node) && s->item != BROWSE_NONE) {
        holder_by_context(b, s->holder_node, s, name);
        return;
    }
    naming_find(b, s->holder_node, name);
}

static void emitter_name(struct browse *b, const struct emitter *e, struct suspect *s,
                         struct naming *name)
{
    AUTO(buf_done) struct buf text = { .bytes_max = sizeof(s->holder) - 1 };

    naming_find(b, e->node, name);
    buf_add(&text, str_of(name->name));
    if (e->event.len)
        buf_addf(&text, ", event \"%.*s\"", STR_ARG(e->event));
    text_set(s->holder, sizeof(s->holder), buf_str(&text));
    s->holder_node = e->node;
}

/* ---- where ---- */

static void place_take(struct suspect *s, const struct source_place *place, enum suspect_line is)
{
    text_set(s->file, sizeof(s->file), place->file);
    s->line = place->line;
    s->column = place->column;
    s->line_is = is;
}

static bool place_function(struct browse *b, u32 function, struct suspect *s, enum suspect_line is)
{
    struct source_place place;

    if (function == BROWSE_NONE || !sources_place(b, function, &place) ||
        place.whose == SOURCE_NODE)
        return false;
    place_take(s, &place, is);
    s->source = sources_text(b, sources_of_function(b, function));
    return true;
}

static const enum statement_adds adds_of[LEAK_KINDS] = {
    [LEAK_MAP] = STATEMENT_SET,       [LEAK_SET] = STATEMENT_ADD,
    [LEAK_ARRAY] = STATEMENT_PUSH,    [LEAK_OBJECT] = STATEMENT_ASSIGN,
    [LEAK_STRING] = STATEMENT_APPEND, [LEAK_PROMISE] = STATEMENT_USE,
    [LEAK_MODULE] = STATEMENT_IMPORT, [LEAK_STREAM] = STATEMENT_REQUEST,
    [LEAK_LISTENER] = STATEMENT_USE,  [LEAK_CLOSURE] = STATEMENT_APPEND,
};

/* What is done to the holder, whatever its items are. */
static enum statement_adds adds_to(struct browse *b, const struct suspect *s)
{
    if (s->kind == LEAK_MODULE || s->kind == LEAK_STREAM || s->holder_node == BROWSE_NONE ||
        browse_is_class(b, s->holder_node, "Promise"))
        return adds_of[s->kind];
    if (s->how == GROWTH_CHAIN || s->how == GROWTH_VALUE)
        return STATEMENT_APPEND;
    return adds_of[leak_shape_of_container(b, s->holder_node)];
}

/* "settings.mjs" of "file:///app/settings.mjs?version=3". */
static struct str base_name(struct str file)
{
    for (size_t i = 0; i < file.len; i++)
        if (file.ptr[i] == '?')
            file.len = i;
    for (size_t i = file.len; i > 0; i--)
        if (file.ptr[i - 1] == '/' || file.ptr[i - 1] == '\\')
            return str_sub(file, i, SIZE_MAX);
    return file;
}

/* Which module is loaded again and again. */
static struct str module_file(struct browse *b, u32 item)
{
    static const char *const labels[] = { "filename", "url", "javascript" };

    for (u32 depth = 0; depth < 2 && item != BROWSE_NONE; depth++) {
        u32 next = BROWSE_NONE;

        for (u32 i = 0; i < ARRAY_LEN(labels); i++) {
            u32 to = browse_follow(b, item, str_of(labels[i]));

            if (to != BROWSE_NONE && browse_is_text(b, to))
                return browse_name(b, to);
            next = to != BROWSE_NONE ? to : next;
        }
        item = next;
    }
    return (struct str){ 0 };
}

static void wants(struct suspect *s, enum statement_adds adds, struct str name)
{
    s->wants_statement = true;
    s->adds = adds;
    text_set(s->wanted, sizeof(s->wanted), name);
}

/* Many small collections that one large one holds: what is added to is the small ones. Their name
 * is that of the property by which their owner has them. */
static bool inner_wants(struct browse *b, struct suspect *s)
{
    u32 inner = s->item == BROWSE_NONE ? s->holder_node : b->dominators->dominator[s->item];
    struct retainer in;
    struct graph_edge e;
    struct str label;

    while (inner != s->holder_node && inner != b->graph->root &&
           !browse_is_visible(b->graph, inner))
        inner = b->dominators->dominator[inner];
    if (s->how != GROWTH_ITEMS || s->holder_node == BROWSE_NONE || inner == s->holder_node ||
        inner == b->graph->root || !browse_dominates(b, s->holder_node, inner) ||
        browse_retainers(b, inner, &in, 1) == 0 || !browse_edge(b, in.edge, &e) ||
        e.type != EDGE_PROPERTY)
        return false;
    label = browse_label(b, &e);
    if (strlen(s->holder) + label.len + 8 < sizeof(s->holder))
        snprintf(s->holder + strlen(s->holder), sizeof(s->holder) - strlen(s->holder), " … .%.*s",
                 STR_ARG(label));
    if (label.len && label.ptr[0] == '#')
        label = str_sub(label, 1, SIZE_MAX);
    wants(s, adds_of[leak_shape_of_container(b, inner)], label);
    return true;
}

static void where_find(struct browse *b, struct suspect *s, const struct naming *name)
{
    bool is_app = name->whose == SOURCE_APP && name->by != NAMING_UNNAMED;
    struct source_place place;

    if (s->function != BROWSE_NONE && place_function(b, s->function, s, SUSPECT_LINE_FUNCTION))
        return;
    if (s->kind == LEAK_MODULE) {
        wants(s, STATEMENT_IMPORT, base_name(module_file(b, s->item)));
        return;
    }
    if (s->kind == LEAK_STREAM && !is_app) {
        wants(s, STATEMENT_REQUEST, STR("get"));
        return;
    }
    if (is_app && !inner_wants(b, s) && name->last[0])
        wants(s, adds_to(b, s), str_of(name->last));
    if (name->script != BROWSE_NONE && name->whose != SOURCE_NODE) {
        text_set(s->file, sizeof(s->file), sources_file(b, name->script));
        s->source = sources_text(b, name->script);
        (void)place_function(b, name->user, s, SUSPECT_LINE_SCOPE);
        return;
    }
    if (s->item != BROWSE_NONE && sources_place(b, s->item, &place) && place.whose != SOURCE_NODE) {
        place_take(s, &place, SUSPECT_LINE_CLASS);
        if (s->wants_statement && name->by == NAMING_GLOBAL)
            s->file[0] = '\0';
    }
}

/* ---- all of it ---- */

/* Of what nothing holds, the class that says most: a response says more than its socket. */
static u32 item_choose(struct browse *b, const struct growth_holder *h)
{
    u32 item = h->sample_count ? h->samples[0] : BROWSE_NONE;
    enum fact best = item == BROWSE_NONE ? FACT_NONE : facts_of_class(browse_class(b, item));

    for (u32 i = 0; i < h->company_count; i++) {
        enum fact fact = facts_of_class(browse_class(b, h->company[i]));

        if (browse_is_class(b, h->company[i], "IncomingMessage") ||
            (best == FACT_SOCKET && (fact == FACT_REQUEST || fact == FACT_STREAM))) {
            item = h->company[i];
            best = fact;
        }
    }
    return item;
}

/* Node's own objects come and go as it pleases: freed parsers in a pool, tables of its loader. */
static bool is_of_node(struct browse *b, const struct suspect *s, const struct naming *name)
{
    struct source_place place;

    if (s->holder_node != BROWSE_NONE && (name->whose != SOURCE_NODE || name->by == NAMING_UNNAMED))
        return false;
    switch (s->kind) {
    case LEAK_MAP:
    case LEAK_SET:
    case LEAK_ARRAY:
    case LEAK_OBJECT:
    case LEAK_CLOSURE:
    case LEAK_STRING:
    case LEAK_CODE:
    case LEAK_REGEXP:
    case LEAK_BUFFER:
        break;
    case LEAK_LISTENER:
    case LEAK_TIMER:
    case LEAK_PROMISE:
    case LEAK_SOCKET:
    case LEAK_REQUEST:
    case LEAK_STREAM:
    case LEAK_ASYNC_CONTEXT:
    case LEAK_ASYNC_HOOK:
    case LEAK_TREE:
    case LEAK_MODULE:
    case LEAK_KINDS:
        return false;
    }
    return s->item == BROWSE_NONE ||
           ((!sources_place(b, s->item, &place) || place.whose == SOURCE_NODE) &&
            sources_app_function(b, s->item) == BROWSE_NONE);
}

/* The variable through which a function holds most. */
static void closure_detail(struct browse *b, u32 closure, struct suspect *s)
{
    u32 context = browse_follow(b, closure, STR("context")), best = BROWSE_NONE;
    struct str name = { 0 }, function = browse_name(b, closure);
    const struct graph_edge *e;
    u32 count = context == BROWSE_NONE ? 0 : browse_edges(b, context, &e);

    for (u32 i = 0; i < count; i++)
        if (e[i].type == EDGE_CONTEXT && browse_dominates(b, closure, e[i].to) &&
            (best == BROWSE_NONE ||
             b->dominators->retained[e[i].to] > b->dominators->retained[best])) {
            best = e[i].to;
            name = browse_label(b, &e[i]);
        }
    if (best == BROWSE_NONE || !name.len)
        return;
    snprintf(s->detail, sizeof(s->detail), "%.*s keeps %.*s (%.*s)",
             function.len ? (int)min(function.len, (size_t)60) : 10,
             function.len ? function.ptr : "a function", (int)min(name.len, (size_t)50), name.ptr,
             (int)min(browse_class(b, best).len, (size_t)50), browse_class(b, best).ptr);
}

/* "timerListMap[60000]" is Node's list of all timers of a minute. */
static void timers_name(struct suspect *s, const struct naming *name)
{
    const char *bracket = strchr(name->name, '[');
    u64 ms;

    if (bracket && str_to_u64(str_make(bracket + 1, strcspn(bracket + 1, "]")), &ms))
        snprintf(s->holder, sizeof(s->holder), "timers of %llu ms", (unsigned long long)ms);
}

/* Whose children they are, where CommonJS keeps them; import() keeps them in the loader. */
static void modules_name(struct browse *b, struct suspect *s)
{
    u32 parent = browse_owner(b, s->holder_node, STR("children"));
    u32 text = parent == BROWSE_NONE ? parent : browse_follow(b, parent, STR("filename"));

    if (text == BROWSE_NONE || !browse_is_text(b, text)) {
        text_set(s->holder, sizeof(s->holder), STR("loadCache of Node's module loader"));
        return;
    }
    text_set(s->file, sizeof(s->file), browse_name(b, text));
    snprintf(s->holder, sizeof(s->holder), "module.children of %.*s",
             (int)min(base_name(browse_name(b, text)).len, (size_t)100),
             base_name(browse_name(b, text)).ptr);
}

static void kind_details(struct browse *b, struct suspect *s, struct naming *name)
{
    struct emitter e;

    switch (s->kind) {
    case LEAK_TIMER:
        if (browse_is_class(b, s->holder_node, "TimersList"))
            timers_name(s, name);
        s->function = browse_follow(b, s->item, STR("_onTimeout"));
        if (!browse_is_closure(b, s->function))
            s->function = browse_follow(b, s->item, STR("_onImmediate"));
        if (!browse_is_closure(b, s->function) ||
            sources_app_function(b, s->function) != s->function)
            s->function = sources_app_function(b, s->item);
        break;
    case LEAK_LISTENER:
        s->function = emitter_listener(b, s->item);
        if (browse_is_class(b, s->item, "Listener") && emitter_of_target(b, s->holder_node, &e))
            emitter_name(b, &e, s, name);
        break;
    case LEAK_CLOSURE:
        s->function = browse_is_closure(b, s->item) ? s->item : BROWSE_NONE;
        break;
    case LEAK_MODULE:
        modules_name(b, s);
        break;
    default:
        break;
    }
    if (browse_is_closure(b, s->function))
        closure_detail(b, s->function, s);
}

static void holder_text(struct browse *b, struct suspect *s, const struct naming *name)
{
    struct str class =
        s->holder_node == BROWSE_NONE ? (struct str){ 0 } : browse_class(b, s->holder_node);

    text_set(s->holder_class, sizeof(s->holder_class), class);
    if (s->holder[0])
        return;
    text_set(s->holder, sizeof(s->holder), name->name[0] ? str_of(name->name) : class);
    if (!s->holder[0])
        text_set(s->holder, sizeof(s->holder), STR("open handles"));
}

static void path_find(struct browse *b, struct suspect *s)
{
    u32 to = s->item != BROWSE_NONE ? s->item : s->holder_node, first;

    s->path_count = browse_path(b, to, s->path, SUSPECT_STEPS_MAX);
    first = s->path_count ? graph_source(b->graph, s->path[0]) : b->graph->root;
    s->path_cut = first != b->graph->root;
}

static void amounts_take(struct browse *b, const struct growth_holder *h, struct suspect *s)
{
    s->before = h->before;
    memcpy(s->added, h->added, sizeof(s->added));
    s->growth_bytes = h->growth_bytes;
    memcpy(s->retained_bytes, h->retained_bytes, sizeof(s->retained_bytes));
    s->holder_id = s->holder_node != BROWSE_NONE ? b->graph->id[s->holder_node] : 0;
    s->item_id = s->item != BROWSE_NONE ? b->graph->id[s->item] : 0;
}

bool suspect_explain(struct browse *b, const struct growth_holder *h, struct suspect *out)
{
    struct emitter e = { .node = BROWSE_NONE };
    struct naming name;

    *out = (struct suspect){ .how = h->how, .item = item_choose(b, h), .function = BROWSE_NONE };
    out->holder_node = h->how == GROWTH_ROOTS ? BROWSE_NONE : holder_of(b, h, out->item);
    holder_find(b, h, out, &name);
    text_set(out->class, sizeof(out->class),
             out->item == BROWSE_NONE ? STR("(array)") : browse_class(b, out->item));
    if (emitter_of_list(b, out->holder_node, &e)) {
        out->kind = LEAK_LISTENER;
        emitter_name(b, &e, out, &name);
    } else {
        out->kind = leak_shape_kind(b, h, out->holder_node, out->item, &name);
    }
    if (is_of_node(b, out, &name))
        return false;
    if (out->item != BROWSE_NONE)
        kind_details(b, out, &name);
    holder_text(b, out, &name);
    where_find(b, out, &name);
    amounts_take(b, h, out);
    path_find(b, out);
    return true;
}

bool suspect_locate(struct suspect *s, struct str file, struct str text, u32 *best_rank)
{
    struct statement found;

    if (!s->wants_statement || !statement_find(text, s->adds, str_of(s->wanted), &found) ||
        found.rank >= *best_rank)
        return false;
    *best_rank = found.rank;
    text_set(s->file, sizeof(s->file), file);
    s->line = found.line;
    s->column = found.column;
    s->line_is = SUSPECT_LINE_STATEMENT;
    return true;
}

/* "Map @31", "function handle @33": what an edge of a path leads to. */
static void node_text(struct browse *b, u32 node, struct buf *out)
{
    struct str name = browse_name(b, node);

    if (browse_is_closure(b, node))
        buf_addf(out, "function %.*s", name.len ? (int)min(name.len, (size_t)60) : 11,
                 name.len ? name.ptr : "(anonymous)");
    else if (graph_type(b->graph, node) == NODE_SYNTHETIC && name.len)
        buf_add(out, name);
    else if (browse_is_context(b->graph, node))
        buf_add(out, STR("context"));
    else
        buf_add(out, browse_class(b, node));
    buf_addf(out, " @%u", b->graph->id[node]);
}

void suspect_step(struct browse *b, u32 edge, struct buf *out)
{
    struct graph_edge e;
    struct str label;

    if (!browse_edge(b, edge, &e))
        return;
    label = browse_label(b, &e);
    switch (e.type) {
    case EDGE_CONTEXT:
        buf_addf(out, "%.*s (variable) ", STR_ARG(label));
        break;
    case EDGE_ELEMENT:
        buf_addf(out, "[%u] ", e.name);
        break;
    case EDGE_HIDDEN:
        buf_addf(out, "(hidden %u) ", e.name);
        break;
    case EDGE_PROPERTY:
        buf_addf(out, ".%.*s ", STR_ARG(label));
        break;
    case EDGE_INTERNAL:
    case EDGE_SHORTCUT:
    case EDGE_WEAK:
    case EDGE_BACKING:
        buf_addf(out, "(%.*s) ", STR_ARG(label));
        break;
    }
    node_text(b, e.to, out);
}
