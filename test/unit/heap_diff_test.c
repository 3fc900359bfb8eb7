/* diff: what came and went between two snapshots, by class and by holder */
#include "heap/diff.h"
#include "heap_made.h"
#include "tap.h"

enum { MAP_ID = 11, TABLE_ID = 13, FIRST_ID = 1001 };

struct two {
    struct made *m[2];
    struct analysis a[2];
    struct diff d;
};

static void compare(struct two *t, struct made *before, struct made *after)
{
    struct problem p = { 0 };
    int r;

    *t = (struct two){ .m = { before, after } };
    made_write(before);
    made_write(after);
    r = analysis_run(&t->a[1], &after->in, 1, GRAPH_WITH_IDS, NULL, &p);
    r = r ? r
          : analysis_run_like(&t->a[0], &t->a[1].c.interfaces, &before->in, 1, GRAPH_WITH_IDS, NULL,
                              &p);
    if (r)
        printf("# not read: %s\n", p.text);
    assert(!r);
    assert(!diff_compare(&t->d, &t->a[0], &t->a[1]));
}

static void done(struct two *t)
{
    diff_done(&t->d);
    for (u32 i = 0; i < 2; i++) {
        analysis_done(&t->a[i]);
        made_free(t->m[i]);
    }
}

static const struct diff_class *class_named(const struct two *t, const char *name)
{
    for (u32 i = 0; i < t->d.classes; i++)
        if (str_eq(diff_class_name(&t->d, &t->d.class[i]), str_of(name)))
            return &t->d.class[i];
    return NULL;
}

/* Of a holder what came and went of a class; NULL: the holder's own size. */
static const struct diff_change *cluster(const struct two *t, u32 holder, const char *class)
{
    for (u32 i = 0; i < t->d.clusters; i++) {
        const struct diff_cluster *c = &t->d.cluster[i];

        if (c->holder_id == holder &&
            (c->class == DIFF_NONE
                 ? !class
                 : class && str_eq(diff_class_name(&t->d, &t->d.class[c->class]), str_of(class))))
            return &c->change;
    }
    return NULL;
}

/* Sessions with the ids from `from` to `to`, each with a name, in a Map whose table has an id of
 * its own each time, as V8 replaces it. */
static struct made *sessions(u32 from, u32 to, u32 table_id)
{
    struct made *m = made_new();
    u32 map = made_node(m, MADE_OBJECT, "Map", MAP_ID, 32);
    u32 table = made_node(m, MADE_ARRAY, "", table_id, 16 * (to - from));

    made_link(m, 2, MADE_PROPERTY, "sessions", map);
    made_link(m, map, MADE_INTERNAL, "table", table);
    for (u32 i = from; i < to; i++) {
        u32 item = made_node(m, MADE_OBJECT, "Session", FIRST_ID + 4 * i, 100);

        made_link(m, table, MADE_INTERNAL, "1", item);
        made_link(m, item, MADE_PROPERTY, "name",
                  made_node(m, MADE_STRING, "anna", FIRST_ID + 4 * i + 2, 20));
    }
    return m;
}

static void objects_are_the_same_by_class_and_id(void)
{
    struct two t;
    const struct diff_class *c;

    compare(&t, sessions(0, 10, TABLE_ID), sessions(4, 30, TABLE_ID));
    c = class_named(&t, "Session");
    CHECK(c);
    CHECK_EQ(c->change.added, 20);
    CHECK_EQ(c->change.removed, 4);
    CHECK_EQ(c->change.added_bytes, 2000);
    CHECK_EQ(c->change.removed_bytes, 400);
    CHECK_EQ(c->change.grown_bytes, 0);
    CHECK_EQ(c->sum[0].count, 10);
    CHECK_EQ(c->sum[1].count, 26);
    CHECK(&t.d.class[0] == c); /* what grew most is first */
    done(&t);
}

static void what_comes_and_goes_adds_up_to_the_change_of_each_size(void)
{
    struct two t;
    const struct diff_class *map;

    compare(&t, sessions(0, 10, TABLE_ID), sessions(4, 30, TABLE_ID + 2));
    for (u32 i = 0; i < t.d.classes; i++) {
        const struct diff_class *c = &t.d.class[i];

        CHECK_EQ(diff_bytes(&c->change), (i64)(c->sum[1].shallow - c->sum[0].shallow));
    }
    map = class_named(&t, "Map");
    CHECK_EQ(map->change.added, 0);
    CHECK_EQ(map->change.grown_bytes, 16 * 16); /* its table */
    done(&t);
}

static void a_cluster_is_what_came_to_one_object_with_what_it_holds(void)
{
    struct two t;
    const struct diff_change *c;

    compare(&t, sessions(0, 10, TABLE_ID), sessions(4, 30, TABLE_ID + 2));
    c = cluster(&t, MAP_ID, "Session"); /* although the table between them is another one */
    CHECK(c);
    CHECK_EQ(c->added, 20);
    CHECK_EQ(c->added_bytes, 20 * 120);
    CHECK_EQ(c->removed, 4);
    CHECK_EQ(c->removed_bytes, 4 * 120);
    CHECK(!cluster(&t, MAP_ID, "(string)")); /* they stand below the sessions */
    c = cluster(&t, MAP_ID, NULL);
    CHECK(c && c->grown_bytes == 16 * 16);
    done(&t);
}

/* Plain objects with `count` times the properties id and at, and once at alone. */
static struct made *records(u32 count, bool id_too)
{
    struct made *m = made_new();
    u32 list = made_node(m, MADE_OBJECT, "Array", MAP_ID, 32);
    u32 text = made_node(m, MADE_STRING, "x", 15, 20);

    made_link(m, 2, MADE_PROPERTY, "records", list);
    for (u32 i = 0; i < count; i++) {
        u32 item = made_node(m, MADE_OBJECT, "Object", FIRST_ID + 2 * i, 24);

        made_link(m, list, MADE_ELEMENT, "0", item);
        made_link(m, item, MADE_PROPERTY, "at", text);
        if (id_too)
            made_link(m, item, MADE_PROPERTY, "id", text);
    }
    return m;
}

static void plain_objects_of_both_are_told_apart_as_in_the_newer_one(void)
{
    struct two t;
    const struct diff_class *c;

    /* In the older one alone they would be {at, id}. */
    compare(&t, records(5, true), records(7, false));
    CHECK(!class_named(&t, "{at, id}"));
    c = class_named(&t, "{at}");
    CHECK(c);
    CHECK_EQ(c->change.added, 2);
    CHECK_EQ(c->change.removed, 0);
    CHECK_EQ(c->sum[0].count, 5);
    done(&t);
    /* And the other way round the newer one's do not fit the older one's. */
    compare(&t, records(7, false), records(5, true));
    c = class_named(&t, "Object");
    CHECK(c);
    CHECK_EQ(c->change.removed, 7);
    c = class_named(&t, "{at, id}");
    CHECK(c);
    CHECK_EQ(c->change.added, 5);
    done(&t);
}

static void classes_of_one_name_are_two_when_they_were_declared_in_two_places(void)
{
    struct made *before = made_new(), *after = made_new();
    struct two t;
    u32 found = 0;

    for (u32 i = 0; i < 2; i++) {
        struct made *m = i ? after : before;
        u32 node = made_node(m, MADE_OBJECT, "Session", FIRST_ID, 100);

        made_link(m, 2, MADE_PROPERTY, "it", node);
        made_place(m, node, 7, 10 + i, 2);
    }
    compare(&t, before, after);
    for (u32 i = 0; i < t.d.classes; i++)
        if (str_eq(diff_class_name(&t.d, &t.d.class[i]), STR("Session"))) {
            CHECK_EQ(t.d.class[i].change.added + t.d.class[i].change.removed, 1);
            found++;
        }
    CHECK_EQ(found, 2);
    done(&t);
}

static void snapshots_of_two_processes_are_noticed(void)
{
    struct two t;

    compare(&t, sessions(0, 50, TABLE_ID), sessions(5, 55, TABLE_ID + 2));
    CHECK(!diff_is_of_strangers(&t.d, &t.a[0]));
    done(&t);
    compare(&t, sessions(0, 50, TABLE_ID), sessions(200, 250, TABLE_ID + 2));
    CHECK(diff_is_of_strangers(&t.d, &t.a[0]));
    done(&t);
}

int main(void)
{
    TEST(objects_are_the_same_by_class_and_id);
    TEST(what_comes_and_goes_adds_up_to_the_change_of_each_size);
    TEST(a_cluster_is_what_came_to_one_object_with_what_it_holds);
    TEST(plain_objects_of_both_are_told_apart_as_in_the_newer_one);
    TEST(classes_of_one_name_are_two_when_they_were_declared_in_two_places);
    TEST(snapshots_of_two_processes_are_noticed);
    return tap_done();
}
