/* heapview: a snapshot's pages for a browser */
#include "view/heapview.h"

#include "heap_made.h"
#include "tap.h"

/* root → global → cache (Map) → 300 Session → a text each; cache → weakly the global. */
enum { SESSIONS = 300, CACHE = 3, FIRST = 4 };

static struct made *made;
static struct analysis analysis;
static struct heapview view;
static struct buf out;

static void begin(void)
{
    struct problem p = { 0 };

    made = made_new();
    made_node(made, MADE_OBJECT, "Map", 7, 40);
    made_link(made, 2, MADE_PROPERTY, "cache", CACHE);
    for (u32 i = 0; i < SESSIONS; i++) {
        u32 session = made_node(made, MADE_OBJECT, "Session", 1001 + 2 * i, 100);

        made_link(made, CACHE, MADE_ELEMENT, "1", session);
    }
    for (u32 i = 0; i < SESSIONS; i++) {
        u32 text = made_node(made, MADE_STRING, "said \"hello\"", 5001 + 2 * i, 10 + i);

        made_link(made, FIRST + i, MADE_PROPERTY, "text", text);
    }
    made_link(made, CACHE, MADE_WEAK, "owner", 2);
    made_write(made);
    assert(analysis_run(&analysis, &made->in, 1, HEAPVIEW_NEEDS, NULL, &p) == 0);
    view = (struct heapview){ 0 };
    assert(heapview_add(&view, STR("a.heapsnapshot"), 1234, &analysis) == 0);
}

static void end(void)
{
    heapview_done(&view);
    analysis_done(&analysis);
    made_free(made);
    buf_done(&out);
}

static u32 ask(const char *name, const char *query)
{
    u32 status;

    buf_clear(&out);
    status = heapview_page(&view, str_of(name), str_of(query), &out);
    CHECK(!out.failed);
    return status;
}

static bool says(const char *text)
{
    return memmem(out.ptr, out.len, text, strlen(text)) != NULL;
}

static u32 times(const char *text)
{
    size_t len = strlen(text);
    u32 count = 0;

    for (size_t i = 0; i + len <= out.len; i++)
        count += memcmp(out.ptr + i, text, len) == 0;
    return count;
}

static void the_files_are_told_with_their_statistics(void)
{
    begin();
    CHECK_EQ(ask("files", ""), 200);
    CHECK(says("\"name\":\"a.heapsnapshot\",\"bytes\":1234,\"nodes\":604,"));
    CHECK(says("\"total_bytes\":77922,"));
    CHECK(says("\"strings\":47850,"));
    end();
}

static void classes_are_sorted_and_filtered_as_asked(void)
{
    begin();
    CHECK_EQ(ask("classes", ""), 200);
    CHECK(says("{\"total\":4,\"rows\":[{\"class_id\":"));
    CHECK_EQ(ask("classes", "sort=count&limit=1"), 200);
    CHECK(says("\"count\":300,"));
    CHECK_EQ(times("\"class_id\""), 1);
    CHECK_EQ(ask("classes", "sort=count&order=reversed&limit=1"), 200);
    CHECK(says("\"count\":1,"));
    CHECK_EQ(ask("classes", "filter=sEsS"), 200);
    CHECK(says("{\"total\":1,"));
    CHECK(
        says("\"class\":\"Session\",\"count\":300,\"shallow_bytes\":30000,\"retained_bytes\":77850,"
             "\"distance\":3"));
    CHECK_EQ(ask("classes", "sort=class&offset=3"), 200);
    CHECK(says("\"class\":\"global\""));
    CHECK_EQ(times("\"class_id\""), 1);
    end();
}

static u32 class_of(u32 node)
{
    return classes_of(&analysis.c, node);
}

static void objects_of_a_class_come_page_by_page(void)
{
    char query[64];

    begin();
    snprintf(query, sizeof(query), "class=%u", class_of(FIRST));
    CHECK_EQ(ask("objects", query), 200);
    CHECK(says("\"total\":300,"));
    CHECK_EQ(times("\"node\":"), HEAPVIEW_ROWS_MAX);
    CHECK(says("\"rows\":[{\"node\":303,\"id\":1599,"));
    snprintf(query, sizeof(query), "class=%u&offset=298", class_of(FIRST));
    CHECK_EQ(ask("objects", query), 200);
    CHECK_EQ(times("\"node\":"), 2);
    CHECK(says("\"node\":4,\"id\":1001,"));
    snprintf(query, sizeof(query), "class=%u&sort=id&limit=1", class_of(FIRST));
    CHECK_EQ(ask("objects", query), 200);
    CHECK(says("\"rows\":[{\"node\":4,\"id\":1001,"));
    snprintf(query, sizeof(query), "class=%u&offset=4000000000", class_of(FIRST));
    CHECK_EQ(ask("objects", query), 200);
    CHECK(says("\"rows\":[]"));
    end();
}

static void an_object_is_found_by_its_id(void)
{
    begin();
    CHECK_EQ(ask("object", "id=1001"), 200);
    CHECK(says("{\"node\":4,\"id\":1001,\"type\":\"object\","));
    CHECK(says(
        "\"shallow_bytes\":100,\"retained_bytes\":110,\"distance\":3,\"fields\":1,\"retainers\""
        ":1"));
    CHECK(says("\"dominator\":{\"node\":3,"));
    CHECK_EQ(ask("object", "node=0"), 200);
    CHECK(!says("dominator"));
    CHECK_EQ(ask("object", "id=4"), 404);
    CHECK(says("{\"error\":\"no object of this snapshot is @4\"}"));
    end();
}

static void fields_come_largest_first_and_weak_ones_last(void)
{
    begin();
    CHECK_EQ(ask("fields", "node=3&limit=1"), 200);
    CHECK(says(
        "{\"total\":301,\"rows\":[{\"edge\":{\"type\":\"element\",\"index\":1},\"node\":303,"));
    CHECK_EQ(ask("fields", "node=3&offset=300"), 200);
    CHECK(says("\"rows\":[{\"edge\":{\"type\":\"weak\",\"name\":\"owner\"},\"node\":2,"));
    CHECK_EQ(ask("fields", "node=4"), 200);
    CHECK(says("{\"edge\":{\"type\":\"property\",\"name\":\"text\"},"));
    CHECK(says("\"text\":\"said \\\"hello\\\"\""));
    end();
}

static void retainers_and_the_path_lead_to_the_root(void)
{
    begin();
    CHECK_EQ(ask("retainers", "node=4"), 200);
    CHECK(says(
        "{\"total\":1,\"complete\":true,\"rows\":[{\"edge\":{\"type\":\"element\",\"index\":1},"
        "\"node\":3,"));
    CHECK_EQ(ask("path", "node=4"), 200);
    CHECK(says("\"complete\":true,\"from\":{"));
    CHECK(says("{\"edge\":{\"type\":\"property\",\"name\":\"cache\"},\"node\":3,"));
    end();
}

static void the_map_has_the_largest_and_the_rest_by_class(void)
{
    begin();
    CHECK_EQ(ask("treemap", "node=3"), 200);
    CHECK(says("\"ancestors_complete\":true,\"ancestors\":[{\"node\":0,"));
    CHECK(says("\"children\":[{\"node\":303,"));
    CHECK(says("\"class\":\"Session\",\"count\":240,\"retained_bytes\":"));
    CHECK(says("\"rest\":{\"count\":0,\"retained_bytes\":0}"));
    CHECK_EQ(ask("treemap", ""), 200);
    CHECK(says("{\"node\":0,"));
    CHECK(says("\"edge\":{\"type\":\"property\",\"name\":\"cache\"}"));
    end();
}

static void what_cannot_be_answered_is_refused_with_a_reason(void)
{
    static const struct {
        const char *name, *query;
        u32 status;
    } rows[] = {
        { "nothing", "", 404 },          { "files", "file=1", 404 },
        { "classes", "sort=size", 400 }, { "classes", "order=down", 400 },
        { "classes", "limit=201", 400 }, { "classes", "offset=-1", 400 },
        { "classes", "filter=%", 400 },  { "objects", "", 400 },
        { "objects", "class=99", 404 },  { "objects", "class=x", 400 },
        { "object", "", 400 },           { "object", "node=604", 404 },
        { "object", "id=x", 400 },       { "fields", "node=604", 404 },
        { "retainers", "", 400 },        { "path", "node=99999999999", 400 },
        { "treemap", "node=604", 404 },  { "diff", "", 404 },
    };

    begin();
    for (u32 i = 0; i < ARRAY_LEN(rows); i++) {
        CHECK_EQ(ask(rows[i].name, rows[i].query), rows[i].status);
        CHECK(str_starts(buf_str(&out), STR("{\"error\":\"")));
    }
    end();
}

int main(void)
{
    TEST(the_files_are_told_with_their_statistics);
    TEST(classes_are_sorted_and_filtered_as_asked);
    TEST(objects_of_a_class_come_page_by_page);
    TEST(an_object_is_found_by_its_id);
    TEST(fields_come_largest_first_and_weak_ones_last);
    TEST(retainers_and_the_path_lead_to_the_root);
    TEST(the_map_has_the_largest_and_the_rest_by_class);
    TEST(what_cannot_be_answered_is_refused_with_a_reason);
    return tap_done();
}
