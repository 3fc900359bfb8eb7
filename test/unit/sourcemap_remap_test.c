/* remap, sourcemap_cache: scripts and maps in a folder, and a profile that is mapped */
#include "sourcemap/remap.h"
#include "sourcemap/stackmap.h"

#include "tap.h"

#include <sys/stat.h>

static char dir[] = "/tmp/fettle-remap-XXXXXX";
static struct sourcemap_cache cache;

static const char *path(const char *name)
{
    static char text[4][200];
    static u32 at;
    char *out = text[at++ % 4];

    snprintf(out, sizeof(text[0]), "%s/%s", dir, name);
    return out;
}

static void put(const char *name, const char *text)
{
    FILE *f = fopen(path(name), "w");

    assert(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

#define SCRIPT "function a(b){}\nconst c=d=>d;\n"
/* Line 0: (0) a.ts 4:0, (9) a.ts 4:9 "sum". Line 1: (0) b.ts 7:0, (6) b.ts 7:6 "twice", (8) b.ts
 * 7:9 "job". */
#define MAP                                                                                 \
    "{\"version\":3,\"sources\":[\"a.ts\",\"b.ts\"],\"names\":[\"sum\",\"twice\",\"job\"]," \
    "\"mappings\":\"AAIA,SAASA;ACGT,MAAMC,EAAGC\"}"

static void scripts_make(void)
{
    put("named.js", SCRIPT "//# sourceMappingURL=named.js.map\n");
    put("named.js.map", MAP);
    put("hidden.js", SCRIPT);
    put("hidden.js.map", MAP);
    put("broken.js", SCRIPT "//# sourceMappingURL=broken.js.map\n");
    put("broken.js.map", "{\"mappings\":\"!\"}");
    put("none.js", SCRIPT "//# sourceMappingURL=not-there.map\n");
    put("far.js", SCRIPT "//# sourceMappingURL=https://example.com/far.js.map\n");
    put("device.js", SCRIPT "//# sourceMappingURL=/dev/zero\n");
    assert(mkfifo(path("pipe.js"), 0600) == 0);
}

static bool finds(const char *name, u32 line, u32 column, struct sourcemap_place *at)
{
    return sourcemap_cache_find(&cache, str_of(path(name)), line, column, at);
}

static void a_map_is_found_by_its_name_or_beside_the_script(void)
{
    struct sourcemap_place at;

    CHECK(finds("named.js", 0, 9, &at));
    CHECK_STR(at.source, path("a.ts"));
    CHECK_EQ(at.line, 4);
    CHECK_STR(at.name, "sum");
    CHECK(finds("hidden.js", 1, 0, &at));
    CHECK_STR(at.source, path("b.ts"));
    CHECK(sourcemap_cache_line(&cache, str_of(path("named.js")), 1, &at));
    CHECK_EQ(at.line, 7);
    CHECK_EQ(cache.ignored, 0);
}

static void a_function_has_its_own_name_and_not_its_parameters(void)
{
    struct sourcemap_place at;
    struct str url = str_of(path("named.js"));

    CHECK(sourcemap_cache_function(&cache, url, 0, 10, STR("a"), &at));
    CHECK_STR(at.name, "sum");
    CHECK(sourcemap_cache_function(&cache, url, 1, 8, STR("c"), &at));
    CHECK_STR(at.name, "twice");
    CHECK(sourcemap_cache_function(&cache, url, 1, 8, STR("x"), &at));
    CHECK_STR(at.name, "");
}

static void what_has_no_map_is_its_own_source(void)
{
    static const char *const names[] = { "none.js", "far.js", "device.js", "pipe.js",
                                         "nowhere.js" };
    struct sourcemap_place at;

    for (u32 i = 0; i < ARRAY_LEN(names); i++)
        CHECK(!finds(names[i], 0, 0, &at));
    CHECK(!sourcemap_cache_find(&cache, STR("node:fs"), 0, 0, &at));
    CHECK(!sourcemap_cache_find(&cache, STR(""), 0, 0, &at));
    CHECK_EQ(cache.ignored, 0);
}

static void a_broken_map_is_told_once(void)
{
    struct sourcemap_place at;

    CHECK(!finds("broken.js", 0, 0, &at));
    CHECK(!finds("broken.js", 0, 0, &at));
    CHECK_EQ(cache.ignored, 1);
    CHECK_STR(str_of(cache.problem.file), path("broken.js.map"));
    CHECK(strstr(cache.problem.text, "the source map is ignored: ") != NULL);
}

static void those_not_asked_for_longest_are_forgotten(void)
{
    struct sourcemap_place at;
    char url[40];

    for (u32 i = 0; i < SOURCEMAP_CACHE_SCRIPTS_MAX + 100; i++) {
        snprintf(url, sizeof(url), "node:x%u", i);
        CHECK(!sourcemap_cache_find(&cache, str_of(url), 0, 0, &at));
        if (i % 1000 == 0)
            CHECK(finds("named.js", 0, 9, &at));
    }
    CHECK_EQ(cache.scripts, SOURCEMAP_CACHE_SCRIPTS_MAX);
    CHECK(cache.bytes > 0);
    CHECK(finds("named.js", 0, 9, &at));
}

#define NODE(id, parent, name, line, column, rest)                                         \
    ",{\"id\":" #id ",\"parent\":" #parent                                                 \
    ",\"hitCount\":1,\"callFrame\":{\"functionName\":\"" name                              \
    "\",\"url\":\"file://%s/named.js\",\"lineNumber\":" #line ",\"columnNumber\":" #column \
    "}" rest "}"

static void a_profile_becomes_one_of_the_sources(void)
{
    AUTO(buf_done) struct buf json = { 0 };
    AUTO(profile_done) struct profile p = { 0 };
    struct problem problem = { 0 };
    u32 mapped, f;

    buf_addf(&json,
             "{\"startTime\":0,\"endTime\":1,\"nodes\":[{\"id\":1,\"hitCount\":0,\"callFrame\":{"
             "\"functionName\":\"(root)\",\"url\":\"\"}}" NODE(
                 2, 1, "a", 0, 10,
                 ",\"positionTicks\":[{\"line\":1,\"ticks\":1},{\"line\":2,\"ticks\":2}]")
                 NODE(3, 1, "c", 1, 8, "") NODE(4, 3, "a", 0, 11, "") "]}",
             dir, dir, dir);
    CHECK_EQ(profile_read(&p, buf_str(&json), &problem), 0);
    CHECK_EQ(p.frames, 4);
    CHECK_EQ(remap_profile(&p, &cache, &mapped), 0);
    CHECK_EQ(mapped, 3);
    CHECK_EQ(p.nodes, 4);
    /* Both of a() begin at the same place of the source, whichever column V8 said. */
    f = p.node[1].frame;
    CHECK_STR(profile_name(&p, f), "sum");
    CHECK_STR(profile_url(&p, f), path("a.ts"));
    CHECK_EQ(p.frame[f].line, 4);
    CHECK_STR(profile_name(&p, p.node[2].frame), "twice");
    CHECK_EQ(p.ticks, 2);
    CHECK_STR(names_text(&p.names, p.tick_url[0]), path("a.ts"));
    CHECK_EQ(p.tick[0].line, 5);
    CHECK_STR(names_text(&p.names, p.tick_url[1]), path("b.ts"));
    CHECK_EQ(p.tick[1].line, 8);
}

static void functions_that_are_the_same_then_become_one(void)
{
    AUTO(buf_done) struct buf json = { 0 };
    AUTO(profile_done) struct profile p = { 0 };
    struct problem problem = { 0 };

    buf_addf(&json,
             "{\"startTime\":0,\"endTime\":1,\"nodes\":[{\"id\":1,\"hitCount\":0,\"callFrame\":{"
             "\"functionName\":\"(root)\",\"url\":\"\"}}" NODE(2, 1, "x", 0, 10, "")
                 NODE(3, 1, "x", 0, 12, "") "]}",
             dir, dir);
    CHECK_EQ(profile_read(&p, buf_str(&json), &problem), 0);
    CHECK_EQ(p.frames, 3);
    CHECK_EQ(remap_profile(&p, &cache, NULL), 0);
    CHECK_EQ(p.frames, 2);
    CHECK_EQ(p.node[1].frame, p.node[2].frame);
}

static void a_stack_becomes_one_of_the_sources(void)
{
    AUTO(buf_done) struct buf text = { 0 }, out = { 0 }, want = { 0 };

    buf_addf(&text,
             "    at readFileSync (node:fs:441:20)\n    at new a (file://%s/named.js:1:15)\n"
             "    at %s/named.js:2:9\n    at b (%s/none.js:1:1)\nno frame\n",
             dir, dir, dir);
    buf_addf(&want,
             "    at readFileSync (node:fs:441:20)\n    at new sum (%s/a.ts:5:10)\n"
             "    at %s/b.ts:8:10\n    at b (%s/none.js:1:1)\nno frame\n",
             dir, dir, dir);
    CHECK(stackmap_text(&cache, buf_str(&text), &out));
    buf_addc(&want, '\0');
    CHECK_STR(buf_str(&out), want.ptr);
    buf_clear(&out);
    CHECK(!stackmap_text(&cache, STR("    at b (/nowhere.js:1:1)\n"), &out));
    CHECK_STR(buf_str(&out), "    at b (/nowhere.js:1:1)\n");
}

static void a_map_that_has_changed_is_read_again_where_that_is_wanted(void)
{
    struct sourcemap_cache follower = { .follows = true };
    struct sourcemap_place at;
    struct str url = str_of(path("hidden.js"));

    CHECK(sourcemap_cache_find(&follower, url, 0, 9, &at));
    CHECK_EQ(at.line, 4);
    put("new.map", "{\"version\":3,\"sources\":[\"a.ts\"],\"mappings\":\"AAKA\"}");
    assert(rename(path("new.map"), path("hidden.js.map")) == 0);
    CHECK(sourcemap_cache_find(&follower, url, 0, 9, &at));
    CHECK_EQ(at.line, 5);
    assert(unlink(path("hidden.js.map")) == 0);
    CHECK(!sourcemap_cache_find(&follower, url, 0, 9, &at));
    put("hidden.js.map", MAP);
    CHECK(sourcemap_cache_find(&follower, url, 0, 9, &at));
    CHECK_EQ(at.line, 4);
    sourcemap_cache_done(&follower);
    CHECK(follower.follows);
}

static void what_is_larger_than_may_be_is_ignored(void)
{
    struct sourcemap_cache small = { .file_bytes_max = 100 }, few = { .mappings_max = 1 };
    struct sourcemap_place at;

    CHECK(!sourcemap_cache_find(&small, str_of(path("named.js")), 0, 9, &at));
    CHECK_EQ(small.ignored, 1);
    CHECK(!sourcemap_cache_find(&few, str_of(path("named.js")), 0, 9, &at));
    CHECK_EQ(few.ignored, 1);
    sourcemap_cache_done(&small);
    sourcemap_cache_done(&few);
}

int main(void)
{
    static const char *const names[] = { "named.js",  "named.js.map",  "hidden.js", "hidden.js.map",
                                         "broken.js", "broken.js.map", "none.js",   "far.js",
                                         "device.js", "pipe.js" };

    assert(mkdtemp(dir));
    scripts_make();
    TEST(a_map_is_found_by_its_name_or_beside_the_script);
    TEST(a_function_has_its_own_name_and_not_its_parameters);
    TEST(what_has_no_map_is_its_own_source);
    TEST(a_broken_map_is_told_once);
    TEST(those_not_asked_for_longest_are_forgotten);
    TEST(a_profile_becomes_one_of_the_sources);
    TEST(functions_that_are_the_same_then_become_one);
    TEST(a_stack_becomes_one_of_the_sources);
    TEST(a_map_that_has_changed_is_read_again_where_that_is_wanted);
    TEST(what_is_larger_than_may_be_is_ignored);
    sourcemap_cache_done(&cache);
    for (u32 i = 0; i < ARRAY_LEN(names); i++)
        (void)unlink(path(names[i]));
    (void)rmdir(dir);
    return tap_done();
}
