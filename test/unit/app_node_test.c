/* test/unit/app_node_test.c -- the node program: where it is, and which */
#include "app/node.h"

#include "tap.h"

static void versions_are_read(void)
{
    struct node_version v = { 1, 2, 3 };

    CHECK(node_version_parse(STR("v20.19.2\n"), &v));
    CHECK_EQ(v.major * 10000 + v.minor * 100 + v.patch, 201902);
    CHECK(node_version_parse(STR("v26.0.0-nightly"), &v));
    CHECK_EQ(v.major, 26);
    CHECK(!node_version_parse(STR("20.19.2"), &v));
    CHECK(!node_version_parse(STR("v20"), &v));
    CHECK(!node_version_parse(STR("v20.1"), &v));
    CHECK(!node_version_parse(STR("v20..1"), &v));
    CHECK(!node_version_parse(STR("v99999999999999999999.1.1"), &v));
    CHECK(!node_version_parse(STR(""), &v));
    CHECK_EQ(v.major, 26);
}

static void typescript_runs_from_22_18_and_23_6(void)
{
    CHECK_EQ(node_typescript((struct node_version){ 20, 19, 0 }), NODE_TS_NO);
    CHECK_EQ(node_typescript((struct node_version){ 22, 5, 0 }), NODE_TS_NO);
    CHECK_EQ(node_typescript((struct node_version){ 22, 6, 0 }), NODE_TS_FLAG);
    CHECK_EQ(node_typescript((struct node_version){ 22, 17, 9 }), NODE_TS_FLAG);
    CHECK_EQ(node_typescript((struct node_version){ 22, 18, 0 }), NODE_TS_YES);
    CHECK_EQ(node_typescript((struct node_version){ 23, 5, 0 }), NODE_TS_FLAG);
    CHECK_EQ(node_typescript((struct node_version){ 23, 6, 0 }), NODE_TS_YES);
    CHECK_EQ(node_typescript((struct node_version){ 24, 0, 0 }), NODE_TS_YES);
}

static void a_program_is_found_in_path(void)
{
    struct buf path = { 0 };
    struct problem p = { 0 };

    CHECK_EQ(node_find(STR("sh"), STR("/nonexistent:/bin:/usr/bin"), &path, &p), 0);
    CHECK_STR(str_of(path.ptr), "/bin/sh");
    CHECK_EQ(node_find(STR("/bin/sh"), STR(""), &path, &p), 0);
    CHECK_STR(str_of(path.ptr), "/bin/sh");
    CHECK_EQ(node_find(STR("no-such-program"), STR("/bin"), &path, &p), -ENOENT);
    CHECK(strstr(p.text, "install Node 18 or later"));
    CHECK_EQ(node_find(STR("/bin"), STR(""), &path, &p), -ENOENT);
    CHECK(strstr(p.text, "/bin is not a program"));
    CHECK_EQ(node_find(STR("./none"), STR(""), &path, &p), -ENOENT);
    buf_done(&path);
}

static void a_program_that_is_not_node_has_no_version(void)
{
    struct node_version v;

    CHECK_EQ(node_version_of("/bin/true", &v), -EPROTO);
    CHECK_EQ(node_version_of("/nonexistent", &v), -ENOENT);
}

int main(void)
{
    TEST(versions_are_read);
    TEST(typescript_runs_from_22_18_and_23_6);
    TEST(a_program_is_found_in_path);
    TEST(a_program_that_is_not_node_has_no_version);
    return tap_done();
}
