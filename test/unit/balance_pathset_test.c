/* test/unit/balance_pathset_test.c -- the paths that stand for routes */
#include "balance/pathset.h"

#include "balance/kind.h"
#include "tap.h"

static struct pathset *set;

static void begin(void)
{
    free(set);
    set = calloc(1, sizeof(*set));
    assert(set);
    pathset_init(set);
}

static const char *found(u32 app, const char *path, bool admit)
{
    static char text[SHM_ROUTE_MAX + 1];
    char out[SHM_ROUTE_MAX], shape[KIND_SHAPE_MAX];
    struct str s = pathset_find(set, app, kind_path(str_of(path), shape), admit, out);

    str_to_cstr(s, text, sizeof(text));
    return text;
}

static void a_path_counts_under_its_name_without_identifiers(void)
{
    begin();
    CHECK_STR(str_of(found(0, "/users/42?x=1", true)), "/users/:id");
    CHECK_STR(str_of(found(0, "/users/43", false)), "/users/:id");
    CHECK_STR(str_of(found(0, "/", true)), "/");
    CHECK_STR(str_of(found(0, "/users", true)), "/users");
    CHECK_STR(str_of(found(0, "/users/", true)), "/users/");
    CHECK_EQ(set->app[0].paths, 4);
}

static void what_is_not_admitted_is_nothing(void)
{
    begin();
    CHECK_STR(str_of(found(0, "/wp-login.php", false)), "");
    CHECK_STR(str_of(found(0, "/a/b", true)), "/a/b");
    CHECK_STR(str_of(found(0, "/a", false)), "");   /* only the way to another */
    CHECK_STR(str_of(found(1, "/a/b", false)), ""); /* of another app */
    CHECK_STR(str_of(found(0, "*", true)), "");
    CHECK_STR(str_of(found(0, "example.org:443", true)), "");
    CHECK_EQ(set->app[0].paths, 1);
}

static void too_many_names_in_one_place_become_one(void)
{
    char path[64];

    begin();
    for (u32 i = 0; i < PATHSET_CHILDREN_MAX; i++) {
        snprintf(path, sizeof(path), "/files/%c.txt", 'a' + (int)i);
        CHECK_STR(str_of(found(0, path, true)), path);
    }
    CHECK_STR(str_of(found(0, "/files/z.txt", false)), "");
    CHECK_STR(str_of(found(0, "/files/z.txt", true)), "/files/*");
    CHECK_STR(str_of(found(0, "/files/more.txt", false)), "/files/*");
    CHECK_STR(str_of(found(0, "/files/b.txt", false)), "/files/b.txt");
    CHECK_STR(str_of(found(0, "/files/more/raw", true)), "/files/*/raw");
    CHECK_STR(str_of(found(0, "/files/less/raw", false)), "/files/*/raw");
}

static void a_stranger_cannot_make_all_paths_one(void)
{
    begin();
    CHECK_STR(str_of(found(0, "/*", true)), "(other)");
    CHECK_STR(str_of(found(0, "/a", true)), "/a");
}

static void there_is_an_end_to_it(void)
{
    char path[64];
    u32 others = 0;

    begin();
    for (u32 i = 0; i < 20000; i++) {
        snprintf(path, sizeof(path), "/%c%c/%c%c/%c", 'a' + (int)(i % 26), 'a' + (int)(i / 26 % 26),
                 'a' + (int)(i / 7 % 26), 'a' + (int)(i / 3 % 26), 'a' + (int)(i / 676 % 26));
        others += strcmp(found(0, path, true), "(other)") == 0;
    }
    CHECK(others > 10000);
    CHECK(set->app[0].paths <= PATHSET_PATHS_MAX);
    CHECK(set->app[0].nodes < PATHSET_NODES_MAX);
    CHECK_STR(str_of(found(1, "/home", true)), "/home"); /* another app's is its own */
}

static void a_long_path_is_cut(void)
{
    char path[300], expected[SHM_ROUTE_MAX + 1];

    begin();
    for (u32 i = 0; i < 20; i++)
        snprintf(path + i * 11, sizeof(path) - i * 11, "/part-of-it");
    str_to_cstr(str_make(path, SHM_ROUTE_MAX), expected, sizeof(expected));
    CHECK_STR(str_of(found(0, path, true)), expected);
}

enum { THREADS = 4 };

static void *add_many(void *arg)
{
    for (u32 i = 0; i < 4000; i++) {
        char path[64], out[SHM_ROUTE_MAX];
        struct str name;

        snprintf(path, sizeof(path), "/%c/%c", 'a' + (int)(i % 13), 'a' + (int)(i % 7));
        name = pathset_find(set, 0, str_of(path), true, out);
        CHECK_STR(name, path);
    }
    return arg;
}

static void threads_agree(void)
{
    pthread_t t[THREADS];

    begin();
    for (u32 i = 0; i < THREADS; i++)
        CHECK(pthread_create(&t[i], NULL, add_many, NULL) == 0);
    for (u32 i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    CHECK_EQ(set->app[0].paths, 13 * 7);
    CHECK_EQ(set->app[0].nodes, 13 + 13 * 7);
}

int main(void)
{
    TEST(a_path_counts_under_its_name_without_identifiers);
    TEST(what_is_not_admitted_is_nothing);
    TEST(too_many_names_in_one_place_become_one);
    TEST(a_stranger_cannot_make_all_paths_one);
    TEST(there_is_an_end_to_it);
    TEST(a_long_path_is_cut);
    TEST(threads_agree);
    free(set);
    return tap_done();
}
