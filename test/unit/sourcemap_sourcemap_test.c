/* sourcemap: mappings, index maps, sources and their folders */
#include "sourcemap/sourcemap.h"

#include "tap.h"

static struct sourcemap map;
static struct problem problem;

static struct str said_of(const char *json)
{
    sourcemap_done(&map);
    problem = (struct problem){ 0 };
    switch (sourcemap_read(&map, str_of(json), STR("/app/dist/"), &problem)) {
    case 0:
        return STR("");
    case -EINVAL:
        return str_of(problem.text);
    default:
        return STR("out of memory");
    }
}

/* «SOURCE:LINE:COLUMN NAME» */
static struct str at(u32 line, u32 column)
{
    static char text[200];
    struct sourcemap_place p;

    if (!sourcemap_find(&map, line, column, &p))
        return STR("nowhere");
    snprintf(text, sizeof(text), "%.*s:%u:%u %.*s", STR_ARG(p.source), p.line, p.column,
             STR_ARG(p.name));
    return str_of(text);
}

static void a_place_is_that_of_the_last_mapping_before_it(void)
{
    CHECK_STR(said_of("{\"version\":3,\"sources\":[\"../src/a.ts\"],\"names\":[\"sum\"],"
                      "\"mappings\":\"AACA,SAASA,IAET;;IACE\"}"),
              "");
    CHECK_STR(at(0, 0), "/app/src/a.ts:1:0 ");
    CHECK_STR(at(0, 8), "/app/src/a.ts:1:0 ");
    CHECK_STR(at(0, 9), "/app/src/a.ts:1:9 sum");
    CHECK_STR(at(0, 500), "/app/src/a.ts:3:0 ");
    CHECK_STR(at(1, 0), "nowhere");
    CHECK_STR(at(2, 3), "nowhere");
    CHECK_STR(at(2, 4), "/app/src/a.ts:4:2 ");
    CHECK_STR(at(3, 0), "nowhere");
    CHECK_STR(at(UINT32_MAX, UINT32_MAX), "nowhere");
    CHECK_STR(sourcemap_name_at(&map, 0, 9), "sum");
    CHECK_STR(sourcemap_name_at(&map, 0, 10), "");
}

static void what_comes_from_nowhere_ends_what_was_before_it(void)
{
    CHECK_STR(said_of("{\"sources\":[\"a\",null],\"mappings\":\"AAAA,E,ECAA,EAFA\"}"), "");
    CHECK_STR(at(0, 1), "/app/dist/a:0:0 ");
    CHECK_STR(at(0, 2), "nowhere");
    CHECK_STR(at(0, 4), "nowhere");
    CHECK_STR(at(0, 6), "nowhere");
}

static void mappings_of_a_line_may_come_in_any_order(void)
{
    CHECK_STR(said_of("{\"sources\":[\"a\"],\"mappings\":\"UAAA,JACA,UACA,AACA\"}"), "");
    CHECK_STR(at(0, 6), "/app/dist/a:1:0 ");
    CHECK_STR(at(0, 10), "/app/dist/a:0:0 ");
    CHECK_STR(at(0, 16), "/app/dist/a:2:0 ");
}

static void sources_are_beside_the_map_and_below_the_root(void)
{
    CHECK_STR(said_of("{\"sourceRoot\":\"../src\",\"sources\":[\"a b%20c.ts\",\"/x/./y/../z.ts\","
                      "\"webpack://shop/./src/w.ts?1\",\"file:///f%2Fg.ts\",\"../../../../up.ts\"],"
                      "\"mappings\":\"AAAA;ACAA;ACAA;ACAA;ACAA\"}"),
              "");
    CHECK_STR(at(0, 0), "/app/src/a b c.ts:0:0 ");
    CHECK_STR(at(1, 0), "/x/z.ts:0:0 ");
    CHECK_STR(at(2, 0), "webpack://shop/src/w.ts?1:0:0 ");
    CHECK_STR(at(3, 0), "/f/g.ts:0:0 ");
    CHECK_STR(at(4, 0), "/up.ts:0:0 ");
    CHECK_STR(said_of("{\"sourceRoot\":\"webpack://shop/\",\"sources\":[\"./a.ts\"],"
                      "\"mappings\":\"AAAA\"}"),
              "");
    CHECK_STR(at(0, 0), "webpack://shop/a.ts:0:0 ");
}

#define PART(line, column, source, mappings)                                                      \
    "{\"offset\":{\"line\":" #line ",\"column\":" #column                                         \
    "},\"map\":{\"version\":3,\"names\":[],\"sources\":[\"" source "\"],\"mappings\":\"" mappings \
    "\"}}"

static void an_index_map_is_as_one_map(void)
{
    CHECK_STR(said_of("{\"version\":3,\"sections\":[" PART(
                  0, 0, "a", "AAAA,UACA;AACA;AACA") "," PART(1, 5, "b", "AAAA,EACA;AACA") "]}"),
              "");
    CHECK_STR(at(0, 12), "/app/dist/a:1:0 ");
    CHECK_STR(at(1, 4), "/app/dist/a:2:0 ");
    CHECK_STR(at(1, 5), "/app/dist/b:0:0 ");
    CHECK_STR(at(1, 7), "/app/dist/b:1:0 ");
    CHECK_STR(at(2, 0), "/app/dist/b:2:0 ");
    CHECK_STR(said_of("{\"sections\":[" PART(3, 0, "a", "A") "," PART(2, 9, "b", "A") "]}"),
              "its sections are not in order");
}

static void a_guard_before_the_json_is_skipped(void)
{
    CHECK_STR(said_of(")]}'\n{\"sources\":[\"a\"],\"mappings\":\"AAAA\"}"), "");
    CHECK_STR(at(0, 0), "/app/dist/a:0:0 ");
}

static bool says(const char *json, const char *want)
{
    struct str said = said_of(json);

    if (memmem(said.ptr, said.len, want, strlen(want)))
        return true;
    printf("# of %s: \"%.*s\"\n", json, STR_ARG(said));
    return false;
}

static void what_is_wrong_is_said(void)
{
    CHECK(says("", "the file ends too early"));
    CHECK(says("<html>", "an object is expected here"));
    CHECK(says("{}", "there is no \"mappings\": this is no source map"));
    CHECK(
        says("{\"version\":2,\"mappings\":\"\"}", "it is of version 2, and 3 is the one there is"));
    CHECK(says("{\"mappings\":1}", "a text is expected here"));
    CHECK(says("{\"mappings\":\"AA!\"}", "no base64 VLQ number at character 2"));
    CHECK(says("{\"mappings\":\"AAg\"}", "no base64 VLQ number at character 3"));
    CHECK(says("{\"mappings\":\"gggggggggA\"}", "no base64 VLQ number"));
    CHECK(says("{\"mappings\":\"AA\"}", "neither 1, 4 nor 5 numbers"));
    CHECK(says("{\"mappings\":\"D\"}", "a column is out of range"));
    CHECK(says("{\"sections\":[{\"offset\":{\"line\":0,\"column\":0},\"url\":\"x\"}]}",
               "one that is elsewhere is not followed"));
    CHECK(says("{\"sections\":[{\"offset\":{\"line\":-1}}]}", "out of range"));
    CHECK(says("{\"sections\":[{\"offset\":{\"line\":16777215},\"map\":{\"mappings\":\";\"}}]}",
               "more than 16777216 lines"));
}

static void sections_within_sections_end(void)
{
    AUTO(buf_done) struct buf text = { 0 };

    for (u32 i = 0; i < 900; i++)
        buf_add(&text, STR("{\"sections\":[{\"offset\":{},\"map\":"));
    buf_add(&text, STR("{\"mappings\":\"\"}"));
    for (u32 i = 0; i < 900; i++)
        buf_add(&text, STR("}]}"));
    buf_addc(&text, '\0');
    CHECK(says(text.ptr, "nested too deeply"));
}

static struct str content_of(const char *json, const char *source)
{
    static struct buf out;

    buf_done(&out);
    problem = (struct problem){ 0 };
    return sourcemap_content(str_of(json), STR("/app/dist/"), str_of(source), &out, &problem)
               ? STR("none")
               : buf_str(&out);
}

static void the_text_of_a_source_may_be_in_the_map(void)
{
    static const char *const map_text =
        "{\"sourcesContent\":[\"one\\n\",null,\"three\"],\"sources\":[\"a\",\"b\",\"../c\"],"
        "\"mappings\":\"\"}";
    static const char *const index =
        "{\"sections\":[{\"offset\":{\"line\":0,\"column\":0},\"map\":{\"sources\":[\"a\"],"
        "\"mappings\":\"\"}},{\"offset\":{\"line\":1,\"column\":0},\"map\":{\"sources\":[\"b\"],"
        "\"sourcesContent\":[\"two\"],\"mappings\":\"\"}}]}";

    CHECK_STR(content_of(map_text, "/app/dist/a"), "one\n");
    CHECK_STR(content_of(map_text, "/app/dist/b"), "none");
    CHECK_STR(content_of(map_text, "/app/c"), "three");
    CHECK_STR(content_of(map_text, "/app/d"), "none");
    CHECK_STR(content_of(index, "/app/dist/a"), "none");
    CHECK_STR(content_of(index, "/app/dist/b"), "two");
    CHECK_STR(
        content_of("{\"sources\":[\"a\"],\"mappings\":\"\",\"sourcesContent\":7}", "/app/dist/a"),
        "none");
    CHECK_STR(content_of("{\"sources\":[\"a", "/app/dist/a"), "none");
}

static void a_map_may_have_no_more_mappings_than_may_be(void)
{
    struct str json = STR("{\"sources\":[\"a\"],\"mappings\":\"AAAA,CAAC,CAAC\"}");

    sourcemap_done(&map);
    problem = (struct problem){ 0 };
    CHECK_EQ(sourcemap_read_some(&map, json, STR("/"), 3, &problem), 0);
    CHECK_EQ(map.mappings.count, 3);
    sourcemap_done(&map);
    CHECK_EQ(sourcemap_read_some(&map, json, STR("/"), 2, &problem), -EINVAL);
    CHECK_STR(str_of(problem.text), "\"mappings\" has more than 2 groups");
}

int main(void)
{
    TEST(a_place_is_that_of_the_last_mapping_before_it);
    TEST(what_comes_from_nowhere_ends_what_was_before_it);
    TEST(mappings_of_a_line_may_come_in_any_order);
    TEST(sources_are_beside_the_map_and_below_the_root);
    TEST(an_index_map_is_as_one_map);
    TEST(a_guard_before_the_json_is_skipped);
    TEST(what_is_wrong_is_said);
    TEST(sections_within_sections_end);
    TEST(the_text_of_a_source_may_be_in_the_map);
    TEST(a_map_may_have_no_more_mappings_than_may_be);
    sourcemap_done(&map);
    return tap_done();
}
