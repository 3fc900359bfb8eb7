/* select: conditions put to a heap, and what is a collection without content */
#include "heap/select.h"
#include "heap_made.h"
#include "tap.h"

struct heap {
    struct made *m;
    struct analysis a;
    struct selection s;
    u32 shape, full; /* of objects without properties, and with some */
};

static void begin(struct heap *h)
{
    *h = (struct heap){ .m = made_new() };
    h->shape = made_node(h->m, MADE_HIDDEN, "system / Map", 51, 0);
    h->full = made_node(h->m, MADE_HIDDEN, "system / Map", 53, 0);
    made_link(h->m, h->full, MADE_INTERNAL, "descriptors", made_node(h->m, MADE_ARRAY, "", 55, 16));
}

/* An object below the global one. */
static u32 object(struct heap *h, const char *class, const char *name, u32 size)
{
    u32 node = made_node(h->m, MADE_OBJECT, class, 101 + 2 * h->m->nodes, size);

    made_link(h->m, 2, MADE_PROPERTY, name, node);
    return node;
}

static void ask(struct heap *h, const char *text)
{
    struct problem p = { 0 };
    struct query q;

    if (!h->a.g.node_count) {
        made_write(h->m);
        assert(!analysis_run(&h->a, &h->m->in, 1,
                             ANALYSIS_EDGES | ANALYSIS_DISTANCES | GRAPH_WITH_IDS |
                                 GRAPH_WITH_NAMES | GRAPH_WITH_PLACES,
                             NULL, &p));
    }
    select_done(&h->s);
    assert(!query_parse(&q, str_of(text), &p));
    assert(!select_find(&h->s, &q, &h->a));
}

static void end(struct heap *h)
{
    select_done(&h->s);
    analysis_done(&h->a);
    made_free(h->m);
}

static void all_conditions_have_to_hold(void)
{
    struct heap h;
    u32 small, large;

    begin(&h);
    small = object(&h, "Session", "a", 100);
    large = object(&h, "Session", "b", 5000);
    object(&h, "Shape", "c", 5000);
    ask(&h, "class=Session");
    CHECK_EQ(h.s.count, 2);
    CHECK_EQ(h.s.shallow, 5100);
    ask(&h, "class=Session retained>1K");
    CHECK_EQ(h.s.count, 1);
    CHECK(h.s.is[large]);
    ask(&h, "class=S* !retained>1K");
    CHECK_EQ(h.s.count, 1);
    CHECK(h.s.is[small]);
    ask(&h, "type=object shallow=5000");
    CHECK_EQ(h.s.count, 2);
    ask(&h, "@5"); /* the global object */
    CHECK_EQ(h.s.count, 1);
    CHECK_EQ(h.s.retained, h.a.d.retained[2]);
    ask(&h, "edges=3 class!=S*");
    CHECK(h.s.is[2]);
    end(&h);
}

static void what_has_no_size_is_left_out_unless_asked_for(void)
{
    struct heap h;

    begin(&h);
    ask(&h, "class=(synthetic)");
    CHECK_EQ(h.s.count, 0);
    ask(&h, "class=(synthetic) shallow=0");
    CHECK_EQ(h.s.count, 2);
    end(&h);
}

static void retained_bytes_count_once_however_objects_are_nested(void)
{
    struct heap h;
    u32 outer, inner;

    begin(&h);
    outer = object(&h, "Session", "a", 100);
    inner = made_node(h.m, MADE_OBJECT, "Session", 901, 50);
    made_link(h.m, outer, MADE_PROPERTY, "next", inner);
    ask(&h, "class=Session");
    CHECK_EQ(h.s.count, 2);
    CHECK_EQ(h.s.retained, 150);
    end(&h);
}

static void collections_without_content_are_empty_and_those_of_numbers_are_not(void)
{
    struct heap h;
    u32 map, full, array, store, numbers, plain, counter, dictionary, keyed, keys;

    begin(&h);
    map = object(&h, "Map", "a", 32);
    made_link(h.m, map, MADE_INTERNAL, "table", made_node(h.m, MADE_ARRAY, "", 901, 152));
    full = object(&h, "Map", "b", 32);
    store = made_node(h.m, MADE_ARRAY, "", 903, 152);
    made_link(h.m, full, MADE_INTERNAL, "table", store);
    made_link(h.m, store, MADE_INTERNAL, "5", made_node(h.m, MADE_STRING, "key", 905, 20));
    numbers = object(&h, "Map", "c", 32); /* a hundred numbers by numbers */
    made_link(h.m, numbers, MADE_INTERNAL, "table", made_node(h.m, MADE_ARRAY, "", 907, 2800));
    array = object(&h, "Array", "d", 16);
    made_link(h.m, array, MADE_INTERNAL, "map", h.full);
    made_link(h.m, object(&h, "Array", "e", 16), MADE_INTERNAL, "elements",
              made_node(h.m, MADE_ARRAY, "", 909, 40));
    plain = object(&h, "Object", "f", 56);
    made_link(h.m, plain, MADE_INTERNAL, "map", h.shape);
    counter = object(&h, "Object", "g", 32); /* {count: 1} */
    made_link(h.m, counter, MADE_INTERNAL, "map", h.full);
    dictionary = object(&h, "Object", "h", 24);
    made_link(h.m, dictionary, MADE_INTERNAL, "map", h.shape);
    made_link(h.m, dictionary, MADE_INTERNAL, "properties",
              made_node(h.m, MADE_ARRAY, "", 911, 160));
    keyed = object(&h, "Object", "i", 24);
    keys = made_node(h.m, MADE_ARRAY, "", 913, 160);
    made_link(h.m, keyed, MADE_INTERNAL, "map", h.shape);
    made_link(h.m, keyed, MADE_INTERNAL, "properties", keys);
    made_link(h.m, keys, MADE_INTERNAL, "6", made_node(h.m, MADE_STRING, "n", 915, 20));
    ask(&h, "empty-collections");
    CHECK(h.s.is[map]);
    CHECK(h.s.is[array]);
    CHECK(h.s.is[plain]);
    CHECK(h.s.is[dictionary]);
    CHECK_EQ(h.s.count, 4);
    end(&h);
}

static void an_array_with_room_for_far_more_is_oversized(void)
{
    struct heap h;
    u32 array[3];

    begin(&h);
    for (u32 i = 0; i < 3; i++) {
        u32 store = made_node(h.m, MADE_ARRAY, "", 901 + 2 * i, i == 1 ? 816 : 40016);

        array[i] = object(&h, "Array", i ? i == 1 ? "b" : "c" : "a", 32);
        made_link(h.m, array[i], MADE_INTERNAL, "elements", store);
        if (i < 2)
            made_link(h.m, array[i], MADE_ELEMENT, "0",
                      made_node(h.m, MADE_OBJECT, "X", 951 + 2 * i, 8));
    }
    ask(&h, "oversized-arrays");
    CHECK(h.s.is[array[0]]);
    CHECK(!h.s.is[array[1]]); /* less than a kilobyte for nothing */
    CHECK(!h.s.is[array[2]]); /* of numbers, perhaps */
    CHECK_EQ(h.s.count, 1);
    end(&h);
}

static u32 cons(struct heap *h, u32 first, u32 second)
{
    u32 node = made_node(h->m, MADE_CONS, "(concatenated string)", 2001 + 2 * h->m->nodes, 20);

    made_link(h->m, node, MADE_INTERNAL, "first", first);
    made_link(h->m, node, MADE_INTERNAL, "second", second);
    made_link(h->m, 2, MADE_PROPERTY, "text", node);
    return node;
}

static void concatenated_strings_say_what_their_parts_say(void)
{
    struct heap h;
    u32 a, b, empty, ab, abab, other, flat;

    begin(&h);
    a = made_node(h.m, MADE_STRING, "hello ", 901, 24);
    b = made_node(h.m, MADE_STRING, "world", 903, 24);
    empty = made_node(h.m, MADE_STRING, "", 905, 16);
    ab = cons(&h, a, b);
    abab = cons(&h, ab, ab);
    other = cons(&h, a, b);
    flat = cons(&h, ab, empty);
    ask(&h, "text=\"hello world\"");
    CHECK(h.s.is[ab] && h.s.is[other] && h.s.is[flat]);
    CHECK_EQ(h.s.count, 3);
    ask(&h, "text=*dhello*");
    CHECK(h.s.is[abab]);
    ask(&h, "duplicated-strings");
    CHECK(h.s.is[ab] && h.s.is[other]);
    CHECK(!h.s.is[flat]);
    CHECK_EQ(h.s.duplicates.groups, 1);
    end(&h);
}

static void strings_that_hold_themselves_or_thousands_of_parts_end(void)
{
    struct heap h;
    u32 circle, chain;

    begin(&h);
    circle = made_node(h.m, MADE_CONS, "(concatenated string)", 901, 20);
    made_link(h.m, circle, MADE_INTERNAL, "first", circle);
    made_link(h.m, circle, MADE_INTERNAL, "second", circle);
    made_link(h.m, 2, MADE_PROPERTY, "circle", circle);
    chain = made_node(h.m, MADE_STRING, "x", 903, 24);
    for (u32 i = 0; i < 1500; i++)
        chain = cons(&h, chain, circle + 1);
    ask(&h, "duplicated-strings");
    ask(&h, "text=x*");
    CHECK(h.s.is[chain]);
    end(&h);
}

int main(void)
{
    TEST(all_conditions_have_to_hold);
    TEST(what_has_no_size_is_left_out_unless_asked_for);
    TEST(retained_bytes_count_once_however_objects_are_nested);
    TEST(collections_without_content_are_empty_and_those_of_numbers_are_not);
    TEST(an_array_with_room_for_far_more_is_oversized);
    TEST(concatenated_strings_say_what_their_parts_say);
    TEST(strings_that_hold_themselves_or_thousands_of_parts_end);
    return tap_done();
}
