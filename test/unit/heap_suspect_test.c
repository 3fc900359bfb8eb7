/* suspect: what leaks, what it is called, of what kind it is, and from one snapshot, too */
#include "heap/fanout.h"
#include "heap/suspect.h"
#include "heap_made.h"
#include "tap.h"

/* A program: one function of /app/server.js with a context. */
struct program {
    struct made *m;
    u32 context, function;
};

static struct program program_new(const char *file)
{
    struct program p = { .m = made_new() };
    struct made *m = p.m;
    u32 shared = made_node(m, MADE_CODE, "handler", 21, 40);
    u32 script = made_node(m, MADE_CODE, file, 23, 40);

    p.function = made_node(m, MADE_CLOSURE, "handler", 25, 64);
    p.context = made_node(m, MADE_OBJECT, "system / Context", 27, 40);
    made_link(m, 2, MADE_PROPERTY, "__handler", p.function);
    made_link(m, p.function, MADE_INTERNAL, "shared", shared);
    made_link(m, p.function, MADE_INTERNAL, "context", p.context);
    made_link(m, shared, MADE_INTERNAL, "script", script);
    made_link(m, script, MADE_INTERNAL, "source",
              made_node(m, MADE_STRING, "sessions.set(1, 2)", 29, 20));
    made_place(m, p.function, 7, 4, 2);
    return p;
}

/* `count` items below `holder`. */
static u32 items_add(struct made *m, u32 holder, enum made_type type, const char *class, u32 count)
{
    u32 item = 0;

    for (u32 i = 0; i < count; i++) {
        item = made_node(m, type, class, 2001 + 2 * i, 400);
        made_link(m, holder, MADE_ELEMENT, "1", item);
    }
    return item;
}

struct seen {
    struct browse b;
    struct growth_holders holders;
    struct suspect s;
};

/* The largest suspect of a heap. */
static void look(struct program *p, struct seen *out)
{
    *out = (struct seen){ 0 };
    made_read(p->m);
    CHECK_EQ(browse_init(&out->b, &p->m->graph, &p->m->dominators), 0);
    CHECK_EQ(fanout_find(&p->m->graph, &p->m->dominators, &out->holders), 0);
    CHECK(out->holders.count >= 1);
    if (out->holders.count)
        CHECK(suspect_explain(&out->b, &out->holders.list[0], &out->s));
}

static void look_done(struct program *p, struct seen *s)
{
    browse_done(&s->b);
    made_free(p->m);
}

static void a_variable_of_the_app_gives_a_Map_its_name_and_file(void)
{
    struct program p = program_new("/app/server.js");
    u32 map = made_node(p.m, MADE_OBJECT, "Map", 31, 32),
        table = made_node(p.m, MADE_ARRAY, "", 33, 100);
    struct seen s;
    u32 rank = UINT32_MAX;

    made_link(p.m, p.context, MADE_CONTEXT, "sessions", map);
    made_link(p.m, map, MADE_INTERNAL, "table", table);
    items_add(p.m, table, MADE_OBJECT, "Session", 60);
    look(&p, &s);
    CHECK_EQ(s.s.kind, LEAK_MAP);
    CHECK_STR(str_of(s.s.class), "Session");
    CHECK_STR(str_of(s.s.holder), "sessions");
    CHECK_STR(str_of(s.s.file), "/app/server.js");
    CHECK_EQ(s.s.line, 5);
    CHECK_EQ(s.s.line_is, SUSPECT_LINE_SCOPE);
    CHECK_EQ(s.s.before, 60);
    CHECK_STR(s.s.source, "sessions.set(1, 2)");
    CHECK(suspect_locate(&s.s, STR("/app/server.js"),
                         STR("const sessions = new Map();\n\nsessions.set(1, 2)"), &rank));
    CHECK_EQ(s.s.line, 3);
    CHECK_EQ(s.s.line_is, SUSPECT_LINE_STATEMENT);
    CHECK(s.s.path_count > 2);
    look_done(&p, &s);
}

static void properties_and_static_fields_are_parts_of_a_name(void)
{
    struct program p = program_new("/app/server.js");
    u32 room = made_node(p.m, MADE_OBJECT, "Room", 31, 32),
        list = made_node(p.m, MADE_OBJECT, "Array", 33, 32);
    struct seen s;

    made_link(p.m, p.context, MADE_CONTEXT, "room", room);
    made_link(p.m, room, MADE_PROPERTY, "members", list);
    items_add(p.m, list, MADE_OBJECT, "Member", 60);
    look(&p, &s);
    CHECK_STR(str_of(s.s.holder), "room.members");
    CHECK_EQ(s.s.kind, LEAK_ARRAY);
    look_done(&p, &s);

    p = program_new("/app/server.js");
    list = made_node(p.m, MADE_OBJECT, "Set", 33, 32);
    made_link(p.m, p.function, MADE_PROPERTY, "all", list);
    items_add(p.m, list, MADE_OBJECT, "Member", 60);
    look(&p, &s);
    CHECK_STR(str_of(s.s.holder), "handler.all");
    CHECK_EQ(s.s.kind, LEAK_SET);
    look_done(&p, &s);
}

static void a_global_is_called_so(void)
{
    struct program p = program_new("/app/server.js");
    u32 map = made_node(p.m, MADE_OBJECT, "Object", 31, 32);
    struct seen s;

    made_link(p.m, 2, MADE_PROPERTY, "cache", map);
    items_add(p.m, map, MADE_OBJECT, "Entry", 60);
    look(&p, &s);
    CHECK_STR(str_of(s.s.holder), "globalThis.cache");
    CHECK_EQ(s.s.kind, LEAK_OBJECT);
    CHECK(s.s.wants_statement);
    CHECK_STR(str_of(s.s.wanted), "cache");
    look_done(&p, &s);
}

static void listeners_are_told_with_emitter_event_and_function(void)
{
    struct program p = program_new("/app/server.js");
    u32 emitter = made_node(p.m, MADE_OBJECT, "EventEmitter", 31, 32),
        events = made_node(p.m, MADE_OBJECT, "Object", 33, 32);
    u32 list = made_node(p.m, MADE_OBJECT, "Array", 35, 32), item;
    struct seen s;

    made_link(p.m, p.context, MADE_CONTEXT, "ticker", emitter);
    made_link(p.m, emitter, MADE_PROPERTY, "_events", events);
    made_link(p.m, events, MADE_PROPERTY, "price", list);
    item = items_add(p.m, list, MADE_CLOSURE, "showPrice", 60);
    for (u32 i = 0; i < 60; i++)
        made_link(p.m, item - i, MADE_INTERNAL, "shared", 3);
    made_place(p.m, item - 59, 7, 11, 4);
    look(&p, &s);
    CHECK_EQ(s.s.kind, LEAK_LISTENER);
    CHECK_STR(str_of(s.s.holder), "ticker, event \"price\"");
    CHECK_EQ(s.s.line, 12);
    CHECK_EQ(s.s.line_is, SUSPECT_LINE_FUNCTION);
    look_done(&p, &s);
}

static void records_that_mostly_are_requests_are_kept_requests(void)
{
    struct program p = program_new("/app/server.js");
    u32 list = made_node(p.m, MADE_OBJECT, "Array", 31, 32), item;
    struct seen s;

    made_link(p.m, p.context, MADE_CONTEXT, "slow", list);
    item = items_add(p.m, list, MADE_OBJECT, "Object", 60);
    for (u32 i = 0; i < 60; i++)
        made_link(p.m, item - i, MADE_PROPERTY, "req",
                  made_node(p.m, MADE_OBJECT, "IncomingMessage", 5001 + 2 * i, 3000));
    look(&p, &s);
    CHECK_EQ(s.s.kind, LEAK_REQUEST);
    CHECK_STR(str_of(s.s.class), "Object");
    look_done(&p, &s);
}

static void one_node_of_a_tree_holds_the_tree(void)
{
    struct program p = program_new("/app/server.js");
    u32 list = made_node(p.m, MADE_OBJECT, "Array", 31, 32), item;
    struct seen s;

    made_link(p.m, p.context, MADE_CONTEXT, "titles", list);
    item = items_add(p.m, list, MADE_OBJECT, "Element", 60);
    for (u32 i = 0; i < 60; i++) {
        u32 body = made_node(p.m, MADE_OBJECT, "Element", 5001 + 2 * i, 50);

        made_link(p.m, item - i, MADE_PROPERTY, "parentNode", body);
        for (u32 k = 0; k < 8; k++)
            made_link(p.m, body, MADE_ELEMENT, "0",
                      made_node(p.m, MADE_OBJECT, "Element", 9001 + 2 * (i * 8 + k), 50));
    }
    look(&p, &s);
    CHECK_EQ(s.s.kind, LEAK_TREE);
    look_done(&p, &s);
}

static void a_row_of_closures_is_named_by_its_variable(void)
{
    struct program p = program_new("/app/server.js");
    u32 above = p.context;
    struct seen s;

    for (u32 i = 0; i < 60; i++) {
        u32 f = made_node(p.m, MADE_CLOSURE, "undo", 2001 + 4 * i, 200),
            context = made_node(p.m, MADE_OBJECT, "system / Context", 2003 + 4 * i, 40);

        made_link(p.m, above, MADE_CONTEXT, i ? "previous" : "undo", f);
        made_link(p.m, f, MADE_INTERNAL, "context", context);
        made_link(p.m, f, MADE_INTERNAL, "shared", 3);
        above = context;
    }
    look(&p, &s);
    CHECK_EQ(s.s.kind, LEAK_CLOSURE);
    CHECK_EQ(s.s.how, GROWTH_CHAIN);
    CHECK_STR(str_of(s.s.holder), "undo");
    CHECK_STR(str_of(s.s.detail), "undo keeps previous (Function)");
    look_done(&p, &s);
}

static void what_Node_itself_holds_is_not_the_apps(void)
{
    struct program p = program_new("node:internal/pool");
    u32 list = made_node(p.m, MADE_OBJECT, "Array", 31, 32);
    struct seen s = { 0 };

    made_link(p.m, p.context, MADE_CONTEXT, "pool", list);
    items_add(p.m, list, MADE_OBJECT, "Entry", 60);
    made_read(p.m);
    CHECK_EQ(browse_init(&s.b, &p.m->graph, &p.m->dominators), 0);
    CHECK_EQ(fanout_find(&p.m->graph, &p.m->dominators, &s.holders), 0);
    CHECK_EQ(s.holders.count, 1);
    CHECK(!suspect_explain(&s.b, &s.holders.list[0], &s.s));
    look_done(&p, &s);
}

static void few_objects_are_no_suspicion(void)
{
    struct program p = program_new("/app/server.js");
    u32 list = made_node(p.m, MADE_OBJECT, "Array", 31, 32);
    struct growth_holders holders;

    made_link(p.m, p.context, MADE_CONTEXT, "list", list);
    items_add(p.m, list, MADE_OBJECT, "Entry", FANOUT_ITEMS_MIN - 1);
    made_read(p.m);
    CHECK_EQ(fanout_find(&p.m->graph, &p.m->dominators, &holders), 0);
    CHECK_EQ(holders.count, 0);
    made_free(p.m);
}

static void every_kind_has_a_name_and_advice(void)
{
    for (u32 k = 0; k < LEAK_KINDS; k++)
        CHECK(leak_kinds[k].name && leak_kinds[k].title && leak_kinds[k].fix);
}

int main(void)
{
    TEST(a_variable_of_the_app_gives_a_Map_its_name_and_file);
    TEST(properties_and_static_fields_are_parts_of_a_name);
    TEST(a_global_is_called_so);
    TEST(listeners_are_told_with_emitter_event_and_function);
    TEST(records_that_mostly_are_requests_are_kept_requests);
    TEST(one_node_of_a_tree_holds_the_tree);
    TEST(a_row_of_closures_is_named_by_its_variable);
    TEST(what_Node_itself_holds_is_not_the_apps);
    TEST(few_objects_are_no_suspicion);
    TEST(every_kind_has_a_name_and_advice);
    return tap_done();
}
