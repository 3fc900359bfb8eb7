/* align: the same object in two snapshots that number their objects differently */
#include "heap/align.h"
#include "heap_made.h"
#include "tap.h"

/* A Map of `count` sessions whose ids begin at `id`, beside a counter. */
static struct made *heap_of(u32 id, u32 count)
{
    struct made *m = made_new();
    u32 map = made_node(m, MADE_OBJECT, "Map", id, 32),
        table = made_node(m, MADE_ARRAY, "", id + 2, 64);
    u32 counter = made_node(m, MADE_OBJECT, "Counter", id + 4, 16);

    made_link(m, 2, MADE_PROPERTY, "sessions", map);
    made_link(m, 2, MADE_PROPERTY, "counter", counter);
    made_link(m, map, MADE_INTERNAL, "table", table);
    for (u32 i = 0; i < count; i++) {
        char label[16];

        snprintf(label, sizeof(label), "%u", i);
        made_link(m, table, MADE_EDGE_HIDDEN, label,
                  made_node(m, MADE_OBJECT, "Session", id + 6 + 2 * i, 100));
    }
    made_read(m);
    return m;
}

static void objects_are_found_by_the_names_that_lead_to_them(void)
{
    struct made *a = heap_of(101, 3), *b = heap_of(9001, 5);
    u32 partner[16], matched = 0;

    CHECK_EQ(align_find(&a->graph, &b->graph, partner, &matched), 0);
    CHECK_EQ(matched, a->graph.node_count);
    for (u32 n = 0; n < a->graph.node_count; n++)
        CHECK_EQ(partner[n], n); /* both are built in the same order */
    made_free(a);
    made_free(b);
}

static void of_a_table_that_lost_entries_as_many_as_are_left_find_a_partner(void)
{
    struct made *a = heap_of(101, 5), *b = heap_of(9001, 3);
    u32 partner[16], matched = 0;

    CHECK_EQ(align_find(&a->graph, &b->graph, partner, &matched), 0);
    CHECK_EQ(matched, a->graph.node_count - 2);
    made_free(a);
    made_free(b);
}

static void another_class_under_the_same_name_is_another_object(void)
{
    struct made *a = made_new(), *b = made_new();
    u32 partner[16], matched = 0;

    made_link(a, 2, MADE_PROPERTY, "cache", made_node(a, MADE_OBJECT, "Map", 11, 32));
    made_link(b, 2, MADE_PROPERTY, "cache", made_node(b, MADE_OBJECT, "Cache", 11, 32));
    made_read(a);
    made_read(b);
    CHECK_EQ(align_find(&a->graph, &b->graph, partner, &matched), 0);
    CHECK_EQ(partner[3], ALIGN_NONE);
    CHECK_EQ(matched, 3);
    made_free(a);
    made_free(b);
}

/* Many properties in another order, as a dictionary has them. */
static void the_order_of_properties_does_not_matter(void)
{
    static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g", "h", "i",
                                         "j", "k", "l", "m", "n", "o", "p", "q", "r",
                                         "s", "t", "u", "v", "w", "x", "y", "z" };
    struct made *a = made_new(), *b = made_new();
    u32 partner[64], matched = 0, count = ARRAY_LEN(names);

    for (u32 i = 0; i < count; i++) {
        made_link(a, 2, MADE_PROPERTY, names[i],
                  made_node(a, MADE_OBJECT, names[i], 101 + 2 * i, 8));
        made_link(b, 2, MADE_PROPERTY, names[count - 1 - i],
                  made_node(b, MADE_OBJECT, names[count - 1 - i], 901 + 2 * i, 8));
    }
    made_read(a);
    made_read(b);
    CHECK_EQ(align_find(&a->graph, &b->graph, partner, &matched), 0);
    CHECK_EQ(matched, 3 + count);
    CHECK_EQ(partner[3], 3 + count - 1);
    made_free(a);
    made_free(b);
}

int main(void)
{
    TEST(objects_are_found_by_the_names_that_lead_to_them);
    TEST(of_a_table_that_lost_entries_as_many_as_are_left_find_a_partner);
    TEST(another_class_under_the_same_name_is_another_object);
    TEST(the_order_of_properties_does_not_matter);
    return tap_done();
}
