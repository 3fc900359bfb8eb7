/* growth: what there is more of in each of three snapshots, and what only looks like it */
#include "heap/growth.h"
#include "heap_made.h"
#include "tap.h"

enum { MAP_ID = 11, TABLE_ID = 13, FIRST_ITEM_ID = 1001, ITEM_BYTES = 100 };

/* Items with the ids from `from` to `to` in a Map that the global object has. */
static struct made *map_with(u32 from, u32 to)
{
    struct made *m = made_new();
    u32 map = made_node(m, MADE_OBJECT, "Map", MAP_ID, 32);
    u32 table = made_node(m, MADE_ARRAY, "", TABLE_ID, 64);

    made_link(m, 2, MADE_PROPERTY, "sessions", map);
    made_link(m, map, MADE_INTERNAL, "table", table);
    for (u32 i = from; i < to; i++) {
        u32 item = made_node(m, MADE_OBJECT, "Session", FIRST_ITEM_ID + 2 * i, ITEM_BYTES);

        made_link(m, table, MADE_INTERNAL, "1", item);
    }
    return m;
}

struct three {
    struct made *m[3];
    struct growth_holders found;
    int error;
};

static void compare(struct three *t, struct made *a, struct made *b, struct made *c)
{
    struct growth *w = NULL;
    u32 i;

    *t = (struct three){ .m = { a, b, c } };
    for (i = 0; i < 3; i++)
        made_read(t->m[i]);
    t->error = growth_new(&w, &c->graph, &c->dominators);
    for (i = 0; i < 2 && !t->error; i++)
        t->error = growth_before(w, i, &t->m[i]->graph, &t->m[i]->dominators);
    if (!t->error)
        t->error = growth_find(w, &t->found);
    growth_free(w);
}

static void done(struct three *t)
{
    for (u32 i = 0; i < 3; i++)
        made_free(t->m[i]);
}

static void a_Map_that_gets_entries_in_both_steps_is_a_holder(void)
{
    struct three t;

    compare(&t, map_with(0, 10), map_with(0, 30), map_with(0, 50));
    CHECK_EQ(t.error, 0);
    CHECK_EQ(t.found.count, 1);
    CHECK_EQ(t.found.list[0].how, GROWTH_ITEMS);
    CHECK_EQ(t.m[2]->graph.id[t.found.list[0].at], TABLE_ID);
    CHECK_EQ(t.found.list[0].before, 10);
    CHECK_EQ(t.found.list[0].added[0], 20);
    CHECK_EQ(t.found.list[0].added[1], 20);
    CHECK_EQ(t.found.list[0].growth_bytes, 40 * ITEM_BYTES);
    CHECK(t.found.list[0].sample_count > 0);
    done(&t);
}

static void a_full_cache_whose_entries_are_others_each_time_is_none(void)
{
    struct three t;

    compare(&t, map_with(0, 40), map_with(20, 60), map_with(40, 80));
    CHECK_EQ(t.error, 0);
    CHECK_EQ(t.found.count, 0);
    done(&t);
}

static void a_cache_that_has_warmed_up_is_none(void)
{
    struct three t;

    compare(&t, map_with(0, 10), map_with(0, 60), map_with(0, 66));
    CHECK_EQ(t.found.count, 0);
    done(&t);
}

static void a_cache_that_is_full_after_the_first_step_is_none_when_its_entries_change(void)
{
    struct three t;

    /* What grew in one step only is no holder's, and must not become the root's. */
    compare(&t, map_with(0, 62), map_with(42, 122), map_with(100, 180));
    CHECK_EQ(t.error, 0);
    CHECK_EQ(t.found.count, 0);
    done(&t);
}

static void what_does_not_live_until_the_last_snapshot_is_none(void)
{
    struct three t;

    compare(&t, map_with(0, 10), map_with(10, 30), map_with(30, 70));
    CHECK_EQ(t.found.count, 0);
    done(&t);
}

static void a_leak_in_a_cache_that_also_forgets_is_found(void)
{
    struct three t;

    compare(&t, map_with(0, 20), map_with(5, 50), map_with(10, 80));
    CHECK_EQ(t.found.count, 1);
    CHECK_EQ(t.found.list[0].before, 10);
    CHECK_EQ(t.found.list[0].added[0], 30);
    CHECK_EQ(t.found.list[0].added[1], 30);
    done(&t);
}

/* As map_with, with a table of `capacity` bytes. */
static struct made *cache_with(u32 from, u32 to, u32 capacity)
{
    struct made *m = map_with(from, to);

    for (u32 n = 0; n < m->nodes; n++)
        if (m->node[n].id == TABLE_ID) {
            m->node[n].size = capacity;
            m->node[n].id = TABLE_ID + 2 * capacity;
        }
    return m;
}

static void a_full_cache_whose_table_gets_room_and_whose_size_varies_is_none(void)
{
    struct three t;

    compare(&t, cache_with(0, 31, 1600), cache_with(21, 61, 3200), cache_with(51, 91, 6400));
    CHECK_EQ(t.found.count, 0);
    done(&t);
    compare(&t, map_with(0, 300), map_with(150, 460), map_with(300, 620));
    CHECK_EQ(t.found.count, 0);
    done(&t);
}

/* A Map of `lists` arrays that all got longer to `length`. */
static struct made *map_of_arrays(u32 lists, u32 length)
{
    struct made *m = made_new();
    u32 map = made_node(m, MADE_OBJECT, "Map", MAP_ID, 32);

    made_link(m, 2, MADE_PROPERTY, "byTenant", map);
    for (u32 l = 0; l < lists; l++) {
        u32 list = made_node(m, MADE_OBJECT, "Array", 101 + 2 * l, 16);

        made_link(m, map, MADE_INTERNAL, "1", list);
        for (u32 i = 0; i < length; i++)
            made_link(m, list, MADE_ELEMENT, "0",
                      made_node(m, MADE_OBJECT, "Order", FIRST_ITEM_ID + 2 * (l * 100 + i), 40));
    }
    return m;
}

static void arrays_that_each_get_longer_by_little_are_one_growing_Map(void)
{
    struct three t;

    compare(&t, map_of_arrays(30, 1), map_of_arrays(30, 3), map_of_arrays(30, 5));
    CHECK_EQ(t.found.count, 1);
    CHECK_EQ(t.m[2]->graph.id[t.found.list[0].at], MAP_ID);
    CHECK_EQ(t.found.list[0].added[0], 60);
    CHECK_EQ(t.found.list[0].added[1], 60);
    done(&t);
}

static struct made *list_of(u32 length)
{
    struct made *m = made_new();
    u32 above = made_node(m, MADE_OBJECT, "Queue", MAP_ID, 32);

    made_link(m, 2, MADE_PROPERTY, "queue", above);
    for (u32 i = 0; i < length; i++) {
        u32 node = made_node(m, MADE_OBJECT, "Entry", FIRST_ITEM_ID + 2 * i, ITEM_BYTES);

        made_link(m, above, MADE_PROPERTY, i ? "next" : "head", node);
        above = node;
    }
    return m;
}

static void a_linked_list_that_gets_longer_is_a_chain(void)
{
    struct three t;

    compare(&t, list_of(10), list_of(30), list_of(50));
    CHECK_EQ(t.found.count, 1);
    CHECK_EQ(t.found.list[0].how, GROWTH_CHAIN);
    CHECK_EQ(t.found.list[0].added[0], 20);
    CHECK_EQ(t.found.list[0].added[1], 20);
    done(&t);
}

static struct made *text_of(u32 id, u32 bytes)
{
    struct made *m = made_new();
    u32 owner = made_node(m, MADE_OBJECT, "Log", MAP_ID, 32);

    made_link(m, 2, MADE_PROPERTY, "log", owner);
    made_link(m, owner, MADE_PROPERTY, "text", made_node(m, MADE_STRING, "GET /", id, bytes));
    return m;
}

static void one_text_that_gets_longer_is_a_value_although_its_id_changes(void)
{
    struct three t;

    compare(&t, text_of(1001, 10000), text_of(1003, 30000), text_of(1005, 50000));
    CHECK_EQ(t.found.count, 1);
    CHECK_EQ(t.found.list[0].how, GROWTH_VALUE);
    CHECK_EQ(t.m[2]->graph.id[t.found.list[0].at], MAP_ID);
    done(&t);
    compare(&t, text_of(1001, 10000), text_of(1003, 12000), text_of(1005, 14000));
    CHECK_EQ(t.found.count, 0);
    done(&t);
}

/* A function whose compiled code gets larger. */
static struct made *code_of(u32 pieces)
{
    struct made *m = made_new();
    u32 f = made_node(m, MADE_CLOSURE, "handler", MAP_ID, 64);

    made_link(m, 2, MADE_PROPERTY, "handler", f);
    for (u32 i = 0; i < pieces; i++)
        made_link(m, f, MADE_INTERNAL, "code",
                  made_node(m, MADE_CODE, "(code)", FIRST_ITEM_ID + 2 * i, 1000));
    return m;
}

static void compiled_code_is_no_leak(void)
{
    struct three t;

    compare(&t, code_of(1), code_of(20), code_of(40));
    CHECK_EQ(t.found.count, 0);
    done(&t);
}

/* Sockets that only V8's handles hold, each with its parser. */
static struct made *handles_of(u32 count)
{
    struct made *m = made_new();

    for (u32 i = 0; i < count; i++) {
        u32 socket = made_node(m, MADE_OBJECT, "Socket", FIRST_ITEM_ID + 4 * i, 200);
        u32 parser = made_node(m, MADE_OBJECT, "HTTPParser", FIRST_ITEM_ID + 4 * i + 2, 50);

        made_link(m, 1, MADE_ELEMENT, "1", socket);
        made_link(m, 1, MADE_ELEMENT, "2", parser);
        made_link(m, parser, MADE_PROPERTY, "socket", socket);
    }
    return m;
}

static void what_only_handles_hold_is_one_suspect_with_its_company(void)
{
    struct three t;

    compare(&t, handles_of(10), handles_of(30), handles_of(50));
    CHECK_EQ(t.found.count, 1);
    CHECK_EQ(t.found.list[0].how, GROWTH_ROOTS);
    CHECK_EQ(t.found.list[0].company_count, 1);
    CHECK_EQ(t.found.list[0].growth_bytes, 40 * 250);
    done(&t);
}

static void snapshots_of_two_processes_are_refused(void)
{
    struct three t;

    /* The same ids, and something else behind them. */
    compare(&t, code_of(30), map_with(0, 30), map_with(0, 50));
    CHECK_EQ(t.error, -ENOENT);
    done(&t);
}

int main(void)
{
    TEST(a_Map_that_gets_entries_in_both_steps_is_a_holder);
    TEST(a_full_cache_whose_entries_are_others_each_time_is_none);
    TEST(a_cache_that_has_warmed_up_is_none);
    TEST(a_cache_that_is_full_after_the_first_step_is_none_when_its_entries_change);
    TEST(what_does_not_live_until_the_last_snapshot_is_none);
    TEST(a_leak_in_a_cache_that_also_forgets_is_found);
    TEST(a_full_cache_whose_table_gets_room_and_whose_size_varies_is_none);
    TEST(arrays_that_each_get_longer_by_little_are_one_growing_Map);
    TEST(a_linked_list_that_gets_longer_is_a_chain);
    TEST(one_text_that_gets_longer_is_a_value_although_its_id_changes);
    TEST(compiled_code_is_no_leak);
    TEST(what_only_handles_hold_is_one_suspect_with_its_company);
    TEST(snapshots_of_two_processes_are_refused);
    return tap_done();
}
