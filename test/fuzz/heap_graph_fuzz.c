/* test/fuzz/heap_graph_fuzz.c -- snapshots: whatever the bytes, an analysis or one clear line
 *
 * The first byte chooses the threads. What is read adds up: every node has one dominator, and the
 * root holds the sum of all sizes.
 */
#include "heap/analysis.h"
#include "heap/browse.h"
#include "heap/paths.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct analysis *a)
{
    u64 sum = 0;

    for (u32 i = 0; i < a->g.node_count; i++) {
        sum += graph_self_size(&a->g, i);
        assert(a->d.dominator[i] < a->g.node_count);
        assert(a->d.retained[i] <= a->d.retained[a->g.root]);
        assert(classes_of(&a->c, i) < a->c.count);
    }
    assert(a->d.retained[a->g.root] == sum);
    assert(a->d.size[0] == a->g.node_count && a->d.order[0] == a->g.root);
}

static void look(const struct analysis *a, u8 choice)
{
    AUTO(browse_done) struct browse b = { 0 };
    AUTO(paths_done) struct paths p = { 0 };
    const struct graph_edge *e;
    u32 node = choice % a->g.node_count;

    assert(browse_init(&b, &a->g, &a->d) == 0);
    assert(paths_find(&p, &b, a->distance, node, 3) == 0);
    for (u32 i = browse_edges(&b, node, &e); i-- > 0;)
        (void)browse_label(&b, &e[i]);
    (void)browse_name(&b, node);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct problem p = { 0 };
    struct input in;
    struct analysis a;
    int r;

    if (!size)
        return 0;
    in = (struct input){ .read_at = input_memory,
                         .ctx = (void *)(uintptr_t)(data + 1),
                         .size = size - 1 };
    r = analysis_run(&a, &in, 1 + data[0] % 2,
                     ANALYSIS_EDGES | ANALYSIS_DISTANCES | GRAPH_WITH_IDS | GRAPH_WITH_NAMES, NULL,
                     &p);
    assert(r == 0 || r == -EINVAL);
    assert(!r == !p.text[0]);
    if (!r) {
        check(&a);
        look(&a, data[0]);
    }
    analysis_done(&a);
    return 0;
}
