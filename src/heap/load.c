/* heap/load.c -- graph_read: the file's arrays become the graph's
 *
 * Nodes and strings side by side, then edges by all threads, then locations. An edge's name is
 * looked at while it passes and not kept: what needs it later (entries of WeakMaps, properties of
 * plain objects, an array's elements, what distances do not follow) is noted down.
 */
#include "heap/graph.h"

#include "base/hash.h"
#include "base/pages.h"
#include "base/team.h"

/* What one thread finds among its edges. */
struct found {
    struct named {
        u32 edge, name;
    } * ephemeron, *numbered; /* numbered: out of map descriptors, with a name that is a number */
    u32 *skipped;
    struct property_chunk *chunk;
    u32 ephemerons, ephemerons_cap, numbereds, numbereds_cap, skippeds, skippeds_cap, chunks,
        chunks_cap;
    u32 *property; /* of the block at hand */
    u32 properties, properties_cap;
    bool failed; /* out of memory */
};

struct load {
    struct graph *g;
    const struct progress_sink *progress;
    u32 threads;
    struct found found[TEAM_MAX];
    /* of the strings and nodes, read side by side */
    int status[2];
    struct problem problem[2];
    /* 2^32 / node_fields: x * reciprocal >> 32 is x / node_fields, or one less */
    u64 reciprocal;
    /* open addressing: 1 + index of a place */
    u32 *place_table;
    u32 place_slots, place_cap;
};

/* Makes room for one more. */
static bool room(void *array, u32 count, u32 *cap, size_t size)
{
    void *bigger;
    u32 more = *cap ? *cap * 2 : 64;

    if (count < *cap)
        return true;
    if (more < *cap)
        return false;
    bigger = realloc(*(void **)array, more * size);
    if (!bigger)
        return false;
    *(void **)array = bigger;
    *cap = more;
    return true;
}

#define PUSH(f, array, n, ...)                                             \
    do {                                                                   \
        if (room(&(f)->array, (f)->n, &(f)->n##_cap, sizeof(*(f)->array))) \
            (f)->array[(f)->n++] = (__typeof__(*(f)->array))__VA_ARGS__;   \
        else                                                               \
            (f)->failed = true;                                            \
    } while (0)

static u32 nodes_take(void *ctx, u32 member, u64 first, const u32 *values, u32 count,
                      struct problem *p)
{
    struct load *l = ctx;
    struct graph *g = l->g;
    const struct meta m = g->meta;

    (void)member;
    for (u32 i = 0; i < count; i++, values += m.node_fields) {
        u32 node = (u32)first + i, type = values[m.node_type];

        if (type >= m.node_types) {
            problem_set(p, "node %u has the type %u; the header knows %u types", node, type,
                        m.node_types);
            return i;
        }
        g->type[node] = (u8)type;
        g->name[node] = values[m.node_name];
        g->id[node] = values[m.node_id];
        g->self[node] = values[m.node_self_size];
        g->first_edge[node + 1] = values[m.node_edge_count];
        if (m.node_detachedness != META_NONE) {
            u32 state = values[m.node_detachedness];

            if (state)
                g->flags[node] = state == 1 ? GRAPH_ATTACHED : state == 2 ? GRAPH_DETACHED : 0;
        }
    }
    return count;
}

static void nodes_and_strings(void *ctx, u32 index)
{
    struct load *l = ctx;
    struct graph *g = l->g;
    u32 others = l->threads > 2 ? l->threads - 1 : 1;

    if (index == 0)
        l->status[0] = numbers_read(&g->nodes, others, nodes_take, l, l->progress, &l->problem[0]);
    else
        l->status[1] = strtab_read(&g->strings, &g->in, &l->problem[1]);
}

/* A problem with a node, at its offset in the file. */
static int bad_node(const struct graph *g, u32 node, struct problem *p, const char *what)
{
    u32 values[NUMBERS_FIELDS_MAX];
    i64 at = numbers_record(&g->nodes, node, values);

    return problem_set(p, "offset %lld: node %u %s", (long long)at, node, what);
}

/* Edge counts become first edges; names are checked; flags that tell how to read edges. */
static int nodes_finish(struct graph *g, struct problem *p)
{
    u64 edges = 0;
    char what[128];

    for (u32 i = 0; i < g->node_count; i++) {
        u32 count = g->first_edge[i + 1];
        enum node_type type = graph_type(g, i);
        enum string_kind kind;

        if (g->name[i] >= g->strings.count) {
            snprintf(what, sizeof(what), "has the name %u; there are %u strings", g->name[i],
                     g->strings.count);
            return bad_node(g, i, p, what);
        }
        edges += count;
        if (edges > g->meta.edge_count)
            return bad_node(g, i, p, "has more edges than the header promises altogether");
        g->first_edge[i + 1] = (u32)edges;
        kind = (enum string_kind)g->strings.kind[g->name[i]];
        if (kind == STRING_OBJECT && type == NODE_OBJECT)
            g->flags[i] |= GRAPH_PLAIN;
        else if (kind == STRING_ARRAY && type != NODE_HIDDEN && type != NODE_NATIVE &&
                 type != NODE_CODE && type != NODE_STRING && type != NODE_CONS_STRING &&
                 type != NODE_SLICED_STRING)
            g->flags[i] |= GRAPH_ARRAY;
        else if ((kind == STRING_MAP_DESCRIPTORS && type == NODE_ARRAY) ||
                 (kind == STRING_NATIVE_CONTEXT && type == NODE_HIDDEN))
            g->flags[i] |= GRAPH_STEP_FILTER;
        else if (g->meta.node_detachedness == META_NONE && type == NODE_NATIVE &&
                 (kind == STRING_DETACHED || kind == STRING_DETACHED_MARKUP))
            g->flags[i] |= GRAPH_DETACHED; /* old Chrome has no field for it, but the name */
    }
    if (edges != g->meta.edge_count)
        return problem_set(p, "the nodes have %llu edges; the header promises %llu",
                           (unsigned long long)edges, (unsigned long long)g->meta.edge_count);
    return 0;
}

/* Notes an edge out of a node whose edges distances do not all follow. */
static void note_filtered(struct load *l, struct found *f, u32 source, u32 edge,
                          enum edge_type type, u32 name)
{
    const struct graph *g = l->g;
    bool indexed = graph_edge_is_indexed(type);

    if (graph_name_kind(g, source) == STRING_NATIVE_CONTEXT) {
        if (!indexed && g->strings.kind[name] == STRING_SLOPPY_FUNCTION_MAP)
            PUSH(f, skipped, skippeds, { edge });
    } else if (graph_name_kind(g, source) == STRING_MAP_DESCRIPTORS) {
        if (indexed && name >= 2 && name % 3 == 1)
            PUSH(f, skipped, skippeds, { edge });
        else if (!indexed && g->strings.kind[name] == STRING_NUMBER)
            PUSH(f, numbered, numbereds, { edge, name });
    }
}

static u32 bad_edge(struct problem *p, u32 edge, u32 index, const char *what, u32 value, u32 limit)
{
    problem_set(p, "edge %u has the %s %u; it must be below %u", edge, what, value, limit);
    return index;
}

static u32 edges_take(void *ctx, u32 member, u64 first, const u32 *values, u32 count,
                      struct problem *p)
{
    struct load *l = ctx;
    struct graph *g = l->g;
    struct found *f = &l->found[member];
    const struct meta *m = &g->meta;
    const u32 fields = m->edge_fields, type_at = m->edge_type, name_at = m->edge_name,
              to_at = m->edge_to, node_fields = m->node_fields;
    u32 source = graph_source(g, (u32)first), next;
    bool plain;
    u8 flags;

    f->properties = 0;
    next = g->first_edge[source + 1];
    flags = g->flags[source];
    plain = flags & GRAPH_PLAIN;
    for (u32 i = 0; i < count; i++, values += fields) {
        u32 edge = (u32)first + i, name = values[name_at], to = values[to_at], target, left;
        enum edge_type type;

        while (__builtin_expect(edge >= next, 0)) {
            next = g->first_edge[++source + 1];
            flags = g->flags[source];
            plain = flags & GRAPH_PLAIN;
        }
        if (values[type_at] >= m->edge_types)
            return bad_edge(p, edge, i, "type", values[type_at], m->edge_types);
        type = m->edge_type_of[values[type_at]];
        target = (u32)(to * l->reciprocal >> 32);
        left = to - target * node_fields;
        target += left == node_fields;
        if ((left && left != node_fields) || target >= g->node_count) {
            problem_set(
                p,
                "edge %u leads to %u, which is not where a node begins (0 to %llu, in steps of %u)",
                edge, to, (unsigned long long)(g->node_count - 1) * node_fields, node_fields);
            return i;
        }
        if (!graph_edge_is_indexed(type)) {
            u8 kind;

            if (name >= g->strings.count)
                return bad_edge(p, edge, i, "name", name, g->strings.count);
            if (type == EDGE_INTERNAL) {
                kind = g->strings.kind[name];
                if (kind == STRING_ELEMENTS)
                    type = EDGE_BACKING;
                else if (kind == STRING_EPHEMERON)
                    PUSH(f, ephemeron, ephemerons, { edge, name });
            } else if (plain && type == EDGE_PROPERTY) {
                if (room(&f->property, f->properties, &f->properties_cap, sizeof(u32)))
                    f->property[f->properties++] = name;
                else
                    f->failed = true;
            }
        }
        if (__builtin_expect(flags & GRAPH_STEP_FILTER, 0))
            note_filtered(l, f, source, edge, type, name);
        g->edge[edge] = target | (u32)type << GRAPH_TYPE_SHIFT;
    }
    if (f->properties) {
        u32 *names = malloc(f->properties * sizeof(u32));

        if (names) {
            memcpy(names, f->property, f->properties * sizeof(u32));
            PUSH(f, chunk, chunks, { (u32)first, f->properties, names });
        } else {
            f->failed = true;
        }
    }
    return count;
}

static int by_edge(const void *a, const void *b)
{
    const u32 *x = a, *y = b; /* the edge is the first member of all that is sorted here */

    return *x < *y ? -1 : *x > *y;
}

/* The texts of the numbered edges decide; so few that they are read one by one. */
static int numbered_finish(struct graph *g, struct found *f)
{
    AUTO(strtab_reader_done) struct strtab_reader r = { .t = &g->strings };
    AUTO(buf_done) struct buf text = { 0 };

    for (u32 i = 0; i < f->numbereds; i++) {
        u64 n;

        buf_clear(&text);
        if (!strtab_text(&r, f->numbered[i].name, &text, 64))
            return -EIO;
        if (strtab_number(buf_str(&text), &n) && n >= 2 && n % 3 == 1)
            PUSH(f, skipped, skippeds, { f->numbered[i].edge });
    }
    return f->failed ? -ENOMEM : 0;
}

/* One list of all threads', in order. */
static int join(struct load *l)
{
    struct graph *g = l->g;
    u64 ephemerons = 0, skipped = 0, chunks = 0;

    for (u32 i = 0; i < TEAM_MAX; i++) {
        int r = numbered_finish(g, &l->found[i]);

        if (r || l->found[i].failed)
            return r ? r : -ENOMEM;
        ephemerons += l->found[i].ephemerons;
        skipped += l->found[i].skippeds;
        chunks += l->found[i].chunks;
    }
    g->ephemerons = calloc(ephemerons + 1, sizeof(*g->ephemerons));
    g->skipped = calloc(skipped + 1, sizeof(u32));
    g->properties.chunk = calloc(chunks + 1, sizeof(*g->properties.chunk));
    if (!g->ephemerons || !g->skipped || !g->properties.chunk)
        return -ENOMEM;
    for (u32 i = 0; i < TEAM_MAX; i++) {
        struct found *f = &l->found[i];

        for (u32 k = 0; k < f->ephemerons; k++)
            g->ephemerons[g->ephemeron_count++] =
                (struct ephemeron){ .edge = f->ephemeron[k].edge, .name = f->ephemeron[k].name };
        for (u32 k = 0; k < f->skippeds; k++)
            g->skipped[g->skipped_count++] = f->skipped[k];
        for (u32 k = 0; k < f->chunks; k++)
            g->properties.chunk[g->properties.count++] = f->chunk[k];
        f->chunks = 0;
    }
    qsort(g->ephemerons, g->ephemeron_count, sizeof(*g->ephemerons), by_edge);
    qsort(g->skipped, g->skipped_count, sizeof(u32), by_edge);
    qsort(g->properties.chunk, g->properties.count, sizeof(*g->properties.chunk), by_edge);
    return 0;
}

/* Which table and which entry the edges of WeakMaps belong to. The edge from the table retains
 * nothing by itself: the one from the key does. */
static int ephemerons_finish(struct graph *g)
{
    AUTO(strtab_reader_done) struct strtab_reader r = { .t = &g->strings };
    AUTO(buf_done) struct buf text = { 0 };
    struct hash_key key;
    u32 source = 0;

    hash_key_random(&key);
    for (u32 i = 0; i < g->ephemeron_count; i++) {
        struct ephemeron *e = &g->ephemerons[i];
        size_t shared = 0;

        buf_clear(&text);
        if (!strtab_text(&r, e->name, &text, 64 << 10))
            return -EIO;
        if (!strtab_ephemeron(buf_str(&text), &e->table, &shared))
            return -EIO; /* the file has changed */
        e->pair = hash_str(&key, str_sub(buf_str(&text), shared, text.len - shared));
        while (g->first_edge[source + 1] <= e->edge)
            source++;
        g->flags[source] |= GRAPH_STEP_FILTER;
        if (g->id[source] == e->table)
            g->edge[e->edge] |= GRAPH_IDLE;
    }
    return 0;
}

static u64 place_hash(const u32 *v)
{
    u64 x = (u64)v[0] << 32 | v[1];

    x = (x ^ (u64)v[2] << 17) * 0x9e3779b97f4a7c15ull;
    return x ^ x >> 29;
}

/* Doubles the table when it is half full. */
static bool place_room(struct load *l)
{
    struct graph *g = l->g;
    u32 slots = l->place_slots ? l->place_slots * 2 : 1024, *table;

    if (g->place_count < l->place_slots / 2)
        return true;
    table = calloc(slots, sizeof(u32));
    if (!table)
        return false;
    for (u32 i = 0; i < g->place_count; i++) {
        u32 v[3] = { g->places[i].script, g->places[i].line, g->places[i].column };
        u32 at = (u32)place_hash(v) & (slots - 1);

        while (table[at])
            at = (at + 1) & (slots - 1);
        table[at] = i + 1;
    }
    free(l->place_table);
    l->place_table = table;
    l->place_slots = slots;
    return true;
}

/* 1 + the index of the place, 0: out of memory. */
static u32 place_intern(struct load *l, u32 script, u32 line, u32 column)
{
    struct graph *g = l->g;
    u32 v[3] = { script, line, column }, at;

    if (!place_room(l) || !room(&g->places, g->place_count, &l->place_cap, sizeof(*g->places)))
        return 0;
    for (at = (u32)place_hash(v) & (l->place_slots - 1); l->place_table[at];
         at = (at + 1) & (l->place_slots - 1)) {
        const struct place *p = &g->places[l->place_table[at] - 1];

        if (p->script == script && p->line == line && p->column == column)
            return l->place_table[at];
    }
    g->places[g->place_count++] = (struct place){ script, line, column };
    return l->place_table[at] = g->place_count;
}

static u32 locations_take(void *ctx, u32 member, u64 first, const u32 *values, u32 count,
                          struct problem *p)
{
    struct load *l = ctx;
    struct graph *g = l->g;
    const struct meta *m = &g->meta;

    (void)member;
    for (u32 i = 0; i < count; i++, values += m->location_fields) {
        u32 object = values[m->location_object], node = object / m->node_fields;

        if (object % m->node_fields || node >= g->node_count) {
            problem_set(p, "location %llu is of %u, which is not where a node begins",
                        (unsigned long long)first + i, object);
            return i;
        }
        g->place_of[node] = place_intern(l, values[m->location_script], values[m->location_line],
                                         values[m->location_column]);
        if (!g->place_of[node]) {
            problem_set(p, "there is not enough memory");
            return i;
        }
    }
    return count;
}

static int locations_read(struct load *l, struct problem *p)
{
    struct graph *g = l->g;
    struct numbers n = { .in = &g->in, .name = "locations", .records = NUMBERS_ANY };
    i64 at;
    int r;

    if (!g->meta.location_fields)
        return 0;
    at = meta_array(&g->in, "locations", g->edges_text.end, g->strings.begin, p);
    if (at < 0)
        return (int)at;
    g->place_of = pages_take_zeroed((u64)g->node_count * sizeof(u32));
    if (!g->place_of)
        return -ENOMEM;
    n.fields = g->meta.location_fields;
    n.begin = (u64)at;
    r = numbers_read(&n, 1, locations_take, l, NULL, p);
    numbers_done(&n);
    return r;
}

static int nodes_load(struct load *l, struct problem *p)
{
    struct graph *g = l->g;
    u64 n = g->node_count;

    g->first_edge = pages_take((n + 1) * sizeof(u32));
    g->name = pages_take(n * sizeof(u32));
    g->self = pages_take(n * sizeof(u32));
    g->id = pages_take(n * sizeof(u32));
    g->type = pages_take(n);
    g->flags = pages_take_zeroed(n);
    if (!g->first_edge || !g->name || !g->self || !g->id || !g->type || !g->flags)
        return -ENOMEM;
    g->first_edge[0] = 0;
    g->nodes = (struct numbers){ .in = &g->in,
                                 .name = "nodes",
                                 .fields = g->meta.node_fields,
                                 .records = n,
                                 .begin = g->meta.nodes_begin };
    team_run(l->threads > 1 ? 2 : 1, nodes_and_strings, l);
    if (l->threads == 1 && !l->status[0])
        nodes_and_strings(l, 1);
    for (int i = 0; i < 2; i++)
        if (l->status[i]) {
            *p = l->problem[i];
            return l->status[i];
        }
    return nodes_finish(g, p);
}

static int edges_load(struct load *l, struct problem *p)
{
    struct graph *g = l->g;
    i64 at = meta_array(&g->in, "edges", g->nodes.end, g->nodes.end + 4096, p);
    int r;

    if (at < 0)
        return (int)at;
    g->edge = pages_take((u64)g->edge_count * sizeof(u32));
    if (!g->edge)
        return -ENOMEM;
    g->edges_text = (struct numbers){ .in = &g->in,
                                      .name = "edges",
                                      .fields = g->meta.edge_fields,
                                      .records = g->edge_count,
                                      .begin = (u64)at };
    l->reciprocal = (1ull << 32) / g->meta.node_fields;
    r = numbers_read(&g->edges_text, l->threads, edges_take, l, l->progress, p);
    if (!r)
        r = join(l);
    return r ? r : ephemerons_finish(g);
}

static void found_done(struct found *f)
{
    for (u32 i = 0; i < f->chunks; i++)
        free(f->chunk[i].name);
    free(f->chunk);
    free(f->ephemeron);
    free(f->numbered);
    free(f->skipped);
    free(f->property);
}

int graph_read(struct graph *g, const struct input *in, u32 threads, u32 options,
               const struct progress_sink *progress, struct problem *p)
{
    AUTO(freep) struct load *l = calloc(1, sizeof(*l));
    int r;

    *g = (struct graph){ .in = *in, .options = options };
    if (!l)
        return -ENOMEM;
    *l = (struct load){ .g = g, .progress = progress, .threads = threads ? threads : 1 };
    r = meta_read(&g->meta, &g->in, p);
    if (r)
        return r;
    if (g->meta.node_count > GRAPH_NODES_MAX || g->meta.edge_count >= UINT32_MAX)
        return problem_set(p, "%llu nodes and %llu edges are more than can be read: %d and %u",
                           (unsigned long long)g->meta.node_count,
                           (unsigned long long)g->meta.edge_count, GRAPH_NODES_MAX, UINT32_MAX - 1);
    if (g->meta.node_count * g->meta.node_fields > UINT32_MAX)
        return problem_set(p, "%llu nodes of %u fields are more than a snapshot's edges can name",
                           (unsigned long long)g->meta.node_count, g->meta.node_fields);
    g->node_count = (u32)g->meta.node_count;
    g->edge_count = (u32)g->meta.edge_count;
    g->root = (u32)g->meta.root;
    r = nodes_load(l, p);
    if (!r)
        r = edges_load(l, p);
    if (!r)
        r = locations_read(l, p);
    for (u32 i = 0; i < TEAM_MAX; i++)
        found_done(&l->found[i]);
    free(l->place_table);
    if (!(options & GRAPH_WITH_IDS)) {
        pages_give(g->id, (u64)g->node_count * sizeof(u32));
        g->id = NULL;
    }
    return r;
}
