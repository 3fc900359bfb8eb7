#include "heap/analysis.h"

#include "heap_made.h"
#include "tap.h"

/* A snapshot with one thing replaced, and what is said of it. */
static struct str said_of(const char *from, const char *to, struct problem *p)
{
    struct made *m = made_new();
    AUTO(buf_done) struct buf changed = { 0 };
    struct analysis a;
    struct input in;
    const char *hit;
    int r;

    *p = (struct problem){ 0 };
    made_link(m, 2, MADE_PROPERTY, "self", 2);
    made_place(m, 2, 5, 1, 2);
    made_write(m);
    hit = memmem(m->json.ptr, m->json.len, from, strlen(from));
    assert(hit);
    buf_add(&changed, str_make(m->json.ptr, (size_t)(hit - m->json.ptr)));
    buf_add(&changed, str_of(to));
    if (*to != '!')
        buf_add(&changed, str_make(hit + strlen(from),
                                   m->json.len - (size_t)(hit - m->json.ptr) - strlen(from)));
    in = (struct input){ .read_at = input_memory, .ctx = changed.ptr, .size = changed.len };
    r = analysis_run(&a, &in, 2, 0, NULL, p);
    CHECK(r == (p->text[0] ? -EINVAL : 0));
    analysis_done(&a);
    made_free(m);
    return str_of(p->text);
}

static bool says(const char *from, const char *to, const char *want)
{
    struct problem p;
    struct str said = said_of(from, to, &p);
    bool fine = memmem(said.ptr, said.len, want, strlen(want)) || (!*want && !said.len);

    if (!fine)
        printf("# %s → %s: \"%.*s\", not \"%s\"\n", from, to, STR_ARG(said), want);
    return fine;
}

static void what_is_wrong_is_said(void)
{
    CHECK(says("self", "self", ""));
    CHECK(says("{\"snapshot\"", "{\"snap\"", "no V8 heap snapshot"));
    CHECK(says("\"meta\":{", "\"meta\":{x", "is no JSON"));
    CHECK(says("\"self_size\"", "\"size\"", "\"node_fields\" has no \"self_size\""));
    CHECK(says("\"to_node\"", "\"to\"", "\"edge_fields\" has no \"to_node\""));
    CHECK(says("\"node_count\":3", "\"node_count\":4", "header says 4 records"));
    CHECK(says("\"node_count\":3", "\"node_count\":2", "more than the 2 records"));
    CHECK(says("\"node_count\":3", "\"node_count\":0", "promises no nodes"));
    CHECK(says("\"node_count\":3", "\"node_count\":99999999999", "more than"));
    CHECK(says("\"node_count\":3", "\"node_count\":-1", "no \"node_count\""));
    CHECK(says("\"edge_count\":3", "\"edge_count\":4",
               "the nodes have 3 edges; the header promises 4"));
    CHECK(says("\"edge_count\":3", "\"edge_count\":2", "more edges than the header promises"));
    CHECK(
        says("\"nodes\":[9", "\"nodes\":[99", "node 0 has the type 99; the header knows 15 types"));
    CHECK(says("\"nodes\":[9,0", "\"nodes\":[9,77", "node 0 has the name 77"));
    CHECK(
        says("\"edges\":[1,1,6", "\"edges\":[8,1,6", "edge 0 has the type 8; it must be below 7"));
    CHECK(says("\"edges\":[1,1,6", "\"edges\":[1,1,7",
               "edge 0 leads to 7, which is not where a node begins (0 to 12, in steps of 6)"));
    CHECK(says("\"edges\":[1,1,6", "\"edges\":[1,1,18", "edge 0 leads to 18"));
    CHECK(says("\"edges\":[1,1,6", "\"edges\":[1,1,4294967292", "edge 0 leads to 4294967292"));
    CHECK(says("\"edges\":[1,1,6", "\"edges\":[2,99,6", "edge 0 has the name 99"));
    CHECK(says("\"locations\":[12", "\"locations\":[13", "which is not where a node begins"));
    CHECK(says("\"locations\":[12,5", "\"locations\":[5", "no whole records of 4"));
    CHECK(says("\"locations\"", "\"places\"", "there is no \"locations\""));
    CHECK(says("\"edges\"", "\"branches\"", "there is no \"edges\""));
}

static void a_file_cut_anywhere_is_said_to_be_wrong(void)
{
    struct made *m = made_new();

    made_link(m, 2, MADE_PROPERTY, "self", 2);
    made_write(m);
    for (size_t len = 0; len + 3 < m->json.len; len++) {
        struct input in = { .read_at = input_memory, .ctx = m->json.ptr, .size = len };
        struct problem p = { 0 };
        struct analysis a;

        CHECK_EQ(analysis_run(&a, &in, 1 + len % 3, 0, NULL, &p), -EINVAL);
        CHECK(p.text[0]);
        analysis_done(&a);
    }
    made_free(m);
}

static void nodes_edges_and_places_are_read_again(void)
{
    struct made *m = made_new();
    u32 session = made_node(m, MADE_OBJECT, "Session", 77, 40);
    struct graph_node node;
    struct graph_edge edge;

    made_link(m, 2, MADE_PROPERTY, "first", session);
    made_link(m, session, MADE_ELEMENT, "12", 2);
    made_place(m, session, 5, 6, 7);
    made_read(m);
    CHECK_EQ(graph_node(&m->graph, session, &node), 0);
    CHECK_EQ(node.id, 77);
    CHECK_EQ(node.self_size, 40);
    CHECK_EQ(node.edge_count, 1);
    CHECK_EQ(graph_edges(&m->graph, m->graph.first_edge[session], 1, &edge), 0);
    CHECK_EQ(edge.type, EDGE_ELEMENT);
    CHECK_EQ(edge.name, 12);
    CHECK_EQ(edge.to, 2);
    CHECK_EQ(graph_source(&m->graph, m->graph.first_edge[session]), session);
    CHECK_EQ(graph_place(&m->graph, session)->line, 6);
    CHECK(!graph_place(&m->graph, 2));
    made_free(m);
}

static void sizes_of_four_gibibytes_are_kept(void)
{
    struct made *m = made_new();

    made_read(m);
    CHECK_EQ(graph_set_self_size(&m->graph, 2, 5ull << 32), 0);
    CHECK_EQ(graph_set_self_size(&m->graph, 1, 6ull << 32), 0);
    CHECK_EQ(graph_self_size(&m->graph, 2), 5ull << 32);
    CHECK_EQ(graph_self_size(&m->graph, 1), 6ull << 32);
    CHECK_EQ(graph_set_self_size(&m->graph, 2, 7), 0);
    CHECK_EQ(graph_self_size(&m->graph, 2), 7);
    made_free(m);
}

int main(void)
{
    TEST(what_is_wrong_is_said);
    TEST(a_file_cut_anywhere_is_said_to_be_wrong);
    TEST(nodes_edges_and_places_are_read_again);
    TEST(sizes_of_four_gibibytes_are_kept);
    return tap_done();
}
