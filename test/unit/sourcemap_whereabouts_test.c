/* whereabouts: URLs and paths of scripts and maps */
#include "sourcemap/whereabouts.h"

#include "tap.h"

static struct buf out;

static struct str path_of(const char *url)
{
    buf_clear(&out);
    return whereabouts_path(str_of(url), &out) ? buf_str(&out) : STR("none");
}

static void what_is_in_the_file_system_has_a_path(void)
{
    CHECK_STR(path_of("/app/a%20b.js"), "/app/a%20b.js");
    CHECK_STR(path_of("file:///app/a%20b%.mjs?v=2#x"), "/app/a b%.mjs");
    CHECK_STR(path_of("file://localhost/a.js"), "/a.js");
    CHECK_STR(path_of("file:///a%00b"), "/a%00b");
    CHECK_STR(path_of("file://host/a.js"), "none");
    CHECK_STR(path_of("node:fs"), "none");
    CHECK_STR(path_of("https://x/a.js"), "none");
    CHECK_STR(path_of("evalmachine.<anonymous>"), "none");
    CHECK_STR(path_of(""), "none");
}

static struct str resolved(const char *ref, const char *base)
{
    buf_clear(&out);
    whereabouts_resolve(str_of(ref), str_of(base), &out);
    return buf_str(&out);
}

static void references_are_resolved_against_their_folder(void)
{
    CHECK_STR(resolved("a.map", "/app/"), "/app/a.map");
    CHECK_STR(resolved("../a.map", "/app/dist/"), "/app/a.map");
    CHECK_STR(resolved("../../../../a", "/app/"), "/a");
    CHECK_STR(resolved("/a//b/./c", "/app/"), "/a/b/c");
    CHECK_STR(resolved("a", ""), "a");
    CHECK_STR(resolved("../x", "webpack://shop/src/"), "webpack://shop/x");
    CHECK_STR(resolved("webpack:///./src/a.js", "/app/"), "webpack:///src/a.js");
    CHECK_STR(resolved("https://x", "/app/"), "https://x/");
    CHECK_STR(resolved("node:fs", "/app/"), "node:fs");
    CHECK_STR(resolved("", "/app/"), "/app/");
    CHECK_STR(resolved("C:/x", "/app/"), "/app/C:/x");
}

static struct str data_of(const char *url)
{
    buf_clear(&out);
    return whereabouts_data(str_of(url), &out) ? buf_str(&out) : STR("none");
}

static void a_data_url_has_its_bytes_in_it(void)
{
    CHECK_STR(data_of("data:application/json;base64,eyJhIjoxfQ=="), "{\"a\":1}");
    CHECK_STR(data_of("data:application/json;charset=utf-8;base64,eyJhIjoxfQ"), "{\"a\":1}");
    CHECK_STR(data_of("data:,%7B%7D"), "{}");
    CHECK_STR(data_of("data:;base64,e!"), "none");
    CHECK_STR(data_of("data:;base64"), "none");
    CHECK_STR(data_of("x.map"), "none");
}

int main(void)
{
    TEST(what_is_in_the_file_system_has_a_path);
    TEST(references_are_resolved_against_their_folder);
    TEST(a_data_url_has_its_bytes_in_it);
    buf_done(&out);
    return tap_done();
}
