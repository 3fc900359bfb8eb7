#include "heap/paths.h"

#include "heap_made.h"
#include "tap.h"

static struct made *made;
static struct browse browse;
static int32_t distance[MADE_NODES_MAX];

static void begin(struct made *m)
{
    made = m;
    made_read(m);
    CHECK_EQ(distances_measure(&m->graph, distance), 0);
    CHECK_EQ(browse_init(&browse, &m->graph, &m->dominators), 0);
}

static void end(void)
{
    browse_done(&browse);
    made_free(made);
}

/* The nodes of a path, "2 5 7". */
static struct str nodes_of(const struct path *p, struct buf *out)
{
    buf_clear(out);
    for (u32 i = 0; i < p->count; i++) {
        if (!i)
            buf_addf(out, "%u", graph_source(&made->graph, p->edge[i]));
        buf_addf(out, " %u", graph_target(made->graph.edge[p->edge[i]]));
    }
    return buf_str(out);
}

static void the_shortest_paths_come_first_and_each_once(void)
{
    struct made *m = made_new();
    u32 a = made_node(m, MADE_OBJECT, "A", 7, 8), b = made_node(m, MADE_OBJECT, "B", 9, 8),
        c = made_node(m, MADE_OBJECT, "C", 11, 8);
    AUTO(paths_done) struct paths p = { 0 };
    AUTO(buf_done) struct buf out = { 0 };

    made_link(m, 2, MADE_PROPERTY, "a", a);
    made_link(m, a, MADE_PROPERTY, "b", b);
    made_link(m, b, MADE_PROPERTY, "a", a); /* a ring */
    made_link(m, b, MADE_PROPERTY, "c", c);
    made_link(m, a, MADE_PROPERTY, "c", c);
    made_link(m, 2, MADE_WEAK, "c", c);
    begin(m);
    CHECK_EQ(paths_find(&p, &browse, distance, c, 10), 0);
    CHECK_EQ(p.count, 2);
    CHECK(!p.more);
    CHECK_STR(nodes_of(&p.list[0], &out), "2 3 5");
    CHECK_STR(nodes_of(&p.list[1], &out), "2 3 4 5");
    end();
}

static void what_only_weak_references_hold_has_no_path(void)
{
    struct made *m = made_new();
    u32 a = made_node(m, MADE_OBJECT, "A", 7, 8);
    AUTO(paths_done) struct paths p = { 0 };

    made_link(m, 2, MADE_WEAK, "a", a);
    begin(m);
    CHECK_EQ(paths_find(&p, &browse, distance, a, 1), 0);
    CHECK_EQ(p.count, 0);
    end();
}

static void what_hangs_on_a_long_chain_is_found_at_its_end(void)
{
    struct made *m = made_new();
    u32 before = 2;
    AUTO(paths_done) struct paths p = { 0 };

    for (u32 i = 0; i < 900; i++) {
        u32 node = made_node(m, MADE_OBJECT, "Link", 2 * m->nodes + 1, 8);

        made_link(m, before, MADE_PROPERTY, "next", node);
        made_link(m, node, MADE_PROPERTY, "before", before);
        before = node;
    }
    begin(m);
    CHECK_EQ(paths_find(&p, &browse, distance, before, 3), 0);
    CHECK_EQ(p.count, 1);
    CHECK_EQ(p.list[0].count, 900);
    end();
}

int main(void)
{
    TEST(the_shortest_paths_come_first_and_each_once);
    TEST(what_only_weak_references_hold_has_no_path);
    TEST(what_hangs_on_a_long_chain_is_found_at_its_end);
    return tap_done();
}
