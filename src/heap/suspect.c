/* heap/suspect.c -- one thing that seems to leak: what, where, of what kind, and whose line */
#include "heap/suspect.h"

#include "base/buf.h"

enum { FUNCTIONS_MAX = 60, UP_MAX = 12, TREE_MIN = 6 };

/* ---- looking around ---- */

static void text_set(char *out, size_t room, struct str text)
{
    str_to_cstr(text, out, room);
}

static bool is_class(struct browse *b, u32 node, const char *name)
{
    return node != BROWSE_NONE && graph_type(b->graph, node) == NODE_OBJECT &&
           str_eq(browse_name(b, node), str_of(name));
}

static bool is_closure(struct browse *b, u32 node)
{
    return node != BROWSE_NONE && graph_type(b->graph, node) == NODE_CLOSURE;
}

static bool is_text(struct browse *b, u32 node)
{
    enum node_type type = graph_type(b->graph, node);

    return type == NODE_STRING || type == NODE_CONS_STRING || type == NODE_SLICED_STRING;
}

/* Who refers to `node` by a property called `label`, or BROWSE_NONE. */
static u32 owner_by(struct browse *b, u32 node, struct str label)
{
    struct retainer in[UP_MAX];
    u32 count = browse_retainers(b, node, in, UP_MAX);
    struct graph_edge e;

    for (u32 i = 0; i < count; i++)
        if (browse_edge(b, in[i].edge, &e) && e.type == EDGE_PROPERTY &&
            str_eq(browse_label(b, &e), label))
            return in[i].from;
    return BROWSE_NONE;
}

static bool dominates(struct browse *b, u32 node, u32 below)
{
    u32 at = b->position[below] - b->position[node];

    return b->position[below] >= b->position[node] && at < b->dominators->size[b->position[node]];
}

/* A function of the app's among what `node` alone holds, itself included. */
static u32 app_function(struct browse *b, u32 node)
{
    const struct dominators *d = b->dominators;
    u32 at = b->position[node], looked_at = 0;
    struct source_place place;

    for (u32 i = at; i < at + d->size[at] && looked_at < FUNCTIONS_MAX; i++) {
        if (!is_closure(b, d->order[i]))
            continue;
        looked_at++;
        if (sources_place(b, d->order[i], &place) && place.whose == SOURCE_APP)
            return d->order[i];
    }
    return BROWSE_NONE;
}

/* ---- the holder ---- */

/* From what V8 has behind an object to the object, and from the last of a chain to its beginning.
 */
static u32 holder_of(struct browse *b, const struct growth_holder *h, u32 item)
{
    const struct graph *g = b->graph;
    u32 at = h->at;

    while (h->how == GROWTH_CHAIN && item != BROWSE_NONE && at != g->root &&
           g->type[at] == g->type[item] && g->name[at] == g->name[item])
        at = b->dominators->dominator[at];
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

/* ---- listeners ---- */

/* Whose listeners these are: an EventEmitter has them in _events, by event, an EventTarget in a Map
 * of lists. */
struct emitter {
    u32 node;
    struct str event;
};

static bool emitter_of_events(struct browse *b, u32 events, struct emitter *out)
{
    out->node = owner_by(b, events, STR("_events"));
    return out->node != BROWSE_NONE;
}

static bool emitter_find(struct browse *b, u32 holder, struct emitter *out)
{
    struct retainer in[UP_MAX];
    u32 count;
    struct graph_edge e;

    *out = (struct emitter){ .node = BROWSE_NONE };
    if (holder == BROWSE_NONE)
        return false;
    if (emitter_of_events(b, holder, out))
        return true;
    count = browse_retainers(b, holder, in, UP_MAX);
    for (u32 i = 0; i < count; i++)
        if (browse_edge(b, in[i].edge, &e) && e.type == EDGE_PROPERTY &&
            graph_type(b->graph, in[i].from) == NODE_OBJECT &&
            emitter_of_events(b, in[i].from, out)) {
            out->event = browse_label(b, &e);
            return true;
        }
    return false;
}

/* The key of an entry of the Map in which an EventTarget has its lists. */
static bool target_find(struct browse *b, u32 list, struct emitter *out)
{
    u32 at = list;

    for (u32 i = 0; i < UP_MAX && at != b->graph->root; i++) {
        u32 owner = owner_by(b, at, STR("<symbol kEvents>"));

        if (owner != BROWSE_NONE) {
            *out = (struct emitter){ .node = owner };
            return true;
        }
        at = b->dominators->dominator[at];
    }
    return false;
}

/* The function itself, not the wrapper of once() or of an EventTarget. */
static u32 listener_function(struct browse *b, u32 item)
{
    u32 inner = browse_follow(b, item, STR("listener"));

    if (is_closure(b, inner))
        return inner;
    inner = browse_follow(b, item, STR("callback"));
    return is_closure(b, inner) ? inner : is_closure(b, item) ? item : app_function(b, item);
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

/* ---- kinds ---- */

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
            if (str_eq(browse_label(b, &e[i]), str_of(parents[p])) && dominates(b, item, e[i].to) &&
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
        u32 above =
            is_closure(b, users[i].from) && str_eq(browse_name(b, users[i].from), STR("init"))
                ? browse_retainers(b, users[i].from, in, UP_MAX)
                : 0;

        for (u32 k = 0; k < above; k++)
            if (is_class(b, in[k].from, "AsyncHook"))
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
    if (is_closure(b, item) && f->code >= f->total / 3) {
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

static enum leak_kind kind_by_container(struct browse *b, u32 holder)
{
    if (holder == BROWSE_NONE)
        return LEAK_OBJECT;
    if (is_class(b, holder, "Set") || is_class(b, holder, "WeakSet"))
        return LEAK_SET;
    if (is_class(b, holder, "Array"))
        return LEAK_ARRAY;
    if (is_closure(b, holder) || browse_is_context(b->graph, holder))
        return LEAK_CLOSURE;
    return browse_follow(b, holder, STR("table")) != BROWSE_NONE ? LEAK_MAP : LEAK_OBJECT;
}

/* The ESM loader, its caches and what is below them. */
static bool is_module_holder(struct browse *b, u32 holder)
{
    for (u32 i = 0; i < UP_MAX && holder != BROWSE_NONE && holder != b->graph->root; i++) {
        if (is_class(b, holder, "LoadCache") || is_class(b, holder, "ResolveCache") ||
            is_class(b, holder, "ModuleLoader"))
            return true;
        holder = b->dominators->dominator[holder];
    }
    return false;
}

static enum leak_kind kind_of(struct browse *b, const struct growth_holder *h,
                              const struct suspect *s, const struct naming *name)
{
    enum leak_kind kind = LEAK_OBJECT;
    struct facts f;

    if (is_module_holder(b, s->holder_node))
        return LEAK_MODULE;
    if (is_class(b, s->holder_node, "Promise"))
        return LEAK_PROMISE;
    if (s->item == BROWSE_NONE)
        return kind_by_container(b, s->holder_node);
    if (h->how != GROWTH_ITEMS && is_text(b, s->item))
        return LEAK_STRING;
    facts_find(b, s->item, &f);
    if (is_async_hook(b, name))
        return LEAK_ASYNC_HOOK;
    if (kind_by_facts(b, s->item, &f, &kind))
        return h->how == GROWTH_ROOTS && kind == LEAK_REQUEST && s->holder_node == BROWSE_NONE
                   ? LEAK_STREAM
                   : kind;
    if (is_tree_node(b, s->item))
        return LEAK_TREE;
    return is_closure(b, s->item) ? LEAK_CLOSURE : kind_by_container(b, s->holder_node);
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
        is_class(b, s->holder_node, "Promise"))
        return adds_of[s->kind];
    if (s->how == GROWTH_CHAIN || s->how == GROWTH_VALUE)
        return STATEMENT_APPEND;
    return adds_of[kind_by_container(b, s->holder_node)];
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

            if (to != BROWSE_NONE && is_text(b, to))
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
    if (name->last[0] && is_app)
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

        if (is_class(b, h->company[i], "IncomingMessage") ||
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
            app_function(b, s->item) == BROWSE_NONE);
}

/* The variable through which a function holds most. */
static void closure_detail(struct browse *b, u32 closure, struct suspect *s)
{
    u32 context = browse_follow(b, closure, STR("context")), best = BROWSE_NONE;
    struct str name = { 0 }, function = browse_name(b, closure);
    const struct graph_edge *e;
    u32 count = context == BROWSE_NONE ? 0 : browse_edges(b, context, &e);

    for (u32 i = 0; i < count; i++)
        if (e[i].type == EDGE_CONTEXT && dominates(b, closure, e[i].to) &&
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
    u32 parent = owner_by(b, s->holder_node, STR("children"));
    u32 text = parent == BROWSE_NONE ? parent : browse_follow(b, parent, STR("filename"));

    if (text == BROWSE_NONE || !is_text(b, text)) {
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
        if (is_class(b, s->holder_node, "TimersList"))
            timers_name(s, name);
        s->function = browse_follow(b, s->item, STR("_onTimeout"));
        if (!is_closure(b, s->function))
            s->function = browse_follow(b, s->item, STR("_onImmediate"));
        if (!is_closure(b, s->function) || app_function(b, s->function) != s->function)
            s->function = app_function(b, s->item);
        break;
    case LEAK_LISTENER:
        s->function = listener_function(b, s->item);
        if (target_find(b, s->holder_node, &e))
            emitter_name(b, &e, s, name);
        break;
    case LEAK_CLOSURE:
        s->function = is_closure(b, s->item) ? s->item : BROWSE_NONE;
        break;
    case LEAK_MODULE:
        modules_name(b, s);
        break;
    default:
        break;
    }
    if (is_closure(b, s->function))
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
    if (emitter_find(b, out->holder_node, &e)) {
        out->kind = LEAK_LISTENER;
        emitter_name(b, &e, out, &name);
    } else {
        out->kind = kind_of(b, h, out, &name);
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

void suspect_step(struct browse *b, u32 edge, struct buf *out)
{
    struct graph_edge e;
    struct str label;

    if (!browse_edge(b, edge, &e))
        return;
    label = browse_label(b, &e);
    switch (e.type) {
    case EDGE_CONTEXT:
        buf_addf(out, "%.*s (variable)", STR_ARG(label));
        break;
    case EDGE_ELEMENT:
        buf_addf(out, "[%u]", e.name);
        break;
    case EDGE_HIDDEN:
        buf_addf(out, "(hidden %u)", e.name);
        break;
    case EDGE_PROPERTY:
        buf_addf(out, ".%.*s", STR_ARG(label));
        break;
    case EDGE_INTERNAL:
    case EDGE_SHORTCUT:
    case EDGE_WEAK:
    case EDGE_BACKING:
        buf_addf(out, "(%.*s)", STR_ARG(label));
        break;
    }
}
