/* test/unit/heap_made.h -- snapshots made by hand, for unit tests of what reads graphs */
#pragma once

#include "heap/distances.h"
#include "heap/dominators.h"

#include "base/buf.h"

enum {
    MADE_NODES_MAX = 2000,
    MADE_EDGES_MAX = 8000,
    MADE_PLACES_MAX = 64,
    MADE_STRINGS_MAX = 4000
};

/* In the order of V8's own list. */
enum made_type {
    MADE_HIDDEN,
    MADE_ARRAY,
    MADE_STRING,
    MADE_OBJECT,
    MADE_CODE,
    MADE_CLOSURE,
    MADE_REGEXP,
    MADE_NUMBER,
    MADE_NATIVE,
    MADE_SYNTHETIC,
    MADE_CONS,
    MADE_SLICED,
};
enum made_edge {
    MADE_CONTEXT,
    MADE_ELEMENT,
    MADE_PROPERTY,
    MADE_INTERNAL,
    MADE_EDGE_HIDDEN,
    MADE_SHORTCUT,
    MADE_WEAK
};

struct made {
    struct {
        u32 type, name, id, size;
    } node[MADE_NODES_MAX];
    struct {
        u32 from, type, name, to;
    } edge[MADE_EDGES_MAX];
    struct {
        u32 node, script, line, column;
    } place[MADE_PLACES_MAX];
    const char *string[MADE_STRINGS_MAX];
    u32 nodes, edges, places, strings;
    struct buf json;
    struct input in;
    struct graph graph;
    struct dominators dominators;
};

static inline u32 made_string(struct made *m, const char *text)
{
    for (u32 i = 0; i < m->strings; i++)
        if (strcmp(m->string[i], text) == 0)
            return i;
    assert(m->strings < MADE_STRINGS_MAX);
    m->string[m->strings] = text;
    return m->strings++;
}

static inline u32 made_node(struct made *m, enum made_type type, const char *name, u32 id, u32 size)
{
    assert(m->nodes < MADE_NODES_MAX);
    m->node[m->nodes].type = type;
    m->node[m->nodes].name = made_string(m, name);
    m->node[m->nodes].id = id;
    m->node[m->nodes].size = size;
    return m->nodes++;
}

static inline void made_link(struct made *m, u32 from, enum made_edge type, const char *label,
                             u32 to)
{
    bool indexed = type == MADE_ELEMENT || type == MADE_EDGE_HIDDEN;

    assert(m->edges < MADE_EDGES_MAX);
    m->edge[m->edges].from = from;
    m->edge[m->edges].type = type;
    m->edge[m->edges].name = indexed ? (u32)atoi(label) : made_string(m, label);
    m->edge[m->edges].to = to;
    m->edges++;
}

static inline void made_place(struct made *m, u32 node, u32 script, u32 line, u32 column)
{
    m->place[m->places].node = node;
    m->place[m->places].script = script;
    m->place[m->places].line = line;
    m->place[m->places++].column = column;
}

/* An empty heap: the root, V8's roots below it and the global object: nodes 0, 1 and 2. */
static inline struct made *made_new(void)
{
    struct made *m = calloc(1, sizeof(*m));

    assert(m);
    made_node(m, MADE_SYNTHETIC, "", 1, 0);
    made_node(m, MADE_SYNTHETIC, "(GC roots)", 3, 0);
    made_node(m, MADE_OBJECT, "global", 5, 32);
    made_link(m, 0, MADE_ELEMENT, "1", 1);
    made_link(m, 0, MADE_SHORTCUT, "2", 2);
    return m;
}

static inline void made_write(struct made *m)
{
    struct buf *b = &m->json;
    u32 written = 0;

    buf_addf(b,
             "{\"snapshot\":{\"meta\":{\"node_fields\":[\"type\",\"name\",\"id\",\"self_size\","
             "\"edge_count\",\"detachedness\"],"
             "\"node_types\":[[\"hidden\",\"array\",\"string\",\"object\",\"code\",\"closure\","
             "\"regexp\",\"number\",\"native\",\"synthetic\","
             "\"concatenated string\",\"sliced string\",\"symbol\",\"bigint\",\"object "
             "shape\"],\"string\",\"number\",\"number\",\"number\",\"number\"],"
             "\"edge_fields\":[\"type\",\"name_or_index\",\"to_node\"],\"edge_types\":[["
             "\"context\",\"element\",\"property\",\"internal\",\"hidden\",\"shortcut\",\"weak\"],"
             "\"string_or_number\",\"node\"],\"location_fields\":[\"object_index\",\"script_id\","
             "\"line\",\"column\"]},"
             "\"node_count\":%u,\"edge_count\":%u,\"trace_function_count\":0},\n\"nodes\":[",
             m->nodes, m->edges);
    for (u32 n = 0; n < m->nodes; n++) {
        u32 count = 0;

        for (u32 e = 0; e < m->edges; e++)
            count += m->edge[e].from == n;
        buf_addf(b, "%s%u,%u,%u,%u,%u,0\n", n ? "," : "", m->node[n].type, m->node[n].name,
                 m->node[n].id, m->node[n].size, count);
    }
    buf_add(b, STR("],\n\"edges\":["));
    for (u32 n = 0; n < m->nodes; n++)
        for (u32 e = 0; e < m->edges; e++)
            if (m->edge[e].from == n)
                buf_addf(b, "%s%u,%u,%u\n", written++ ? "," : "", m->edge[e].type, m->edge[e].name,
                         m->edge[e].to * 6);
    buf_add(b, STR("],\n\"trace_function_infos\":[],\n\"trace_tree\":[],\n\"samples\":[],"
                   "\n\"locations\":["));
    for (u32 p = 0; p < m->places; p++)
        buf_addf(b, "%s%u,%u,%u,%u\n", p ? "," : "", m->place[p].node * 6, m->place[p].script,
                 m->place[p].line, m->place[p].column);
    buf_add(b, STR("],\n\"strings\":["));
    for (u32 s = 0; s < m->strings; s++) {
        buf_addf(b, "%s\"", s ? ",\n" : "");
        buf_add_json(b, str_of(m->string[s]));
        buf_addc(b, '"');
    }
    buf_add(b, STR("]}\n"));
    m->in = (struct input){ .read_at = input_memory, .ctx = b->ptr, .size = b->len };
}

/* Reads it as a file would be read. */
static inline void made_read(struct made *m)
{
    struct problem p = { 0 };
    int r;

    made_write(m);
    r = graph_read(&m->graph, &m->in, 1, GRAPH_WITH_IDS | GRAPH_WITH_PLACES, NULL, &p);
    if (r)
        printf("# made by hand, and not read: %s\n", p.text);
    assert(!r);
    AUTO(freep) int32_t *distance = calloc(m->graph.node_count, sizeof(*distance));
    r = distances_measure(&m->graph, distance);
    r = r ? r : dominators_begin(&m->dominators, &m->graph);
    r = r ? r : dominators_finish(&m->dominators, &m->graph, false);
    assert(!r);
}

static inline void made_free(struct made *m)
{
    dominators_done(&m->dominators);
    graph_done(&m->graph);
    buf_done(&m->json);
    free(m);
}
