/* test/unit/conf_json_value_test.c -- JSON with lines; what it holds is compared with jansson's */
#include "conf/json_write.h"

#include "tap.h"

#include <jansson.h>

static const char *const documents[] = {
    "{}",
    "[]",
    " [ 1 , -0, 0.5e+3, 1E9 ] ",
    "{\"a\":{\"b\":[true,false,null,\"\"]}}",
    "\"\\u00e4\\ud83d\\ude00\\n\\\"\\\\\\/\"",
    "\xef\xbb\xbf{\"a\":1}",
    "",
    " ",
    "{",
    "[1,]",
    "{\"a\":1,}",
    "{a:1}",
    "{'a':1}",
    "[01]",
    "[1.]",
    "[.5]",
    "[+1]",
    "[1e]",
    "[-]",
    "[\"\\x\"]",
    "[\"\\u12\"]",
    "[\"\\ud800\"]",
    "[\"\\ud800\\u0041\"]",
    "[\"\\udc00\"]",
    "[\"\\udc00\\udc00\"]",
    "[\"a\nb\"]",
    "[\"\x01\"]",
    "[\"\xff\"]",
    "[\"\xc0\x80\"]",
    "[\"\\u0000\"]",
    "[1 2]",
    "{\"a\" 1}",
    "{} {}",
    "// x\n{}",
    "[tru]",
    "[NaN]",
    "[\"a",
    "[\"a\\",
};

static void what_is_json_is_decided_as_jansson_does(void)
{
    for (u32 i = 0; i < ARRAY_LEN(documents); i++) {
        AUTO(json_value_freep) struct json_value *ours = NULL;
        AUTO(buf_done) struct buf text = { 0 };
        struct str plain = str_of(documents[i]);
        struct problem p;
        json_t *theirs;
        bool same;

        if (str_starts(plain, STR("\xef\xbb\xbf")))
            plain = str_sub(plain, 3, plain.len);
        theirs = json_loadb(plain.ptr, plain.len, JSON_DECODE_ANY, NULL);
        same = (json_value_parse(&ours, str_of(documents[i]), "f", &p) == 0) == (theirs != NULL);
        if (ours && theirs) {
            json_t *back;

            json_write(ours, &text);
            back = json_loadb(text.ptr, text.len, JSON_DECODE_ANY, NULL);
            same = same && json_equal(theirs, back);
            json_decref(back);
        }
        if (!same)
            printf("# %s: %s\n", documents[i], ours ? "taken" : p.text);
        CHECK(same);
        json_decref(theirs);
    }
}

static void every_value_knows_its_line(void)
{
    AUTO(json_value_freep) struct json_value *root = NULL;
    const struct json_value *list;
    struct problem p;

    CHECK_EQ(json_value_parse(&root, STR("\n{\"a\":\n 1,\r\n\"b\": [\n2,\n\"x\"]}"), "f", &p), 0);
    list = json_value_member(root, "b");
    CHECK_EQ(json_value_line(root), 2);
    CHECK_EQ(json_value_line(json_value_member(root, "a")), 3);
    CHECK_EQ(json_value_line(list), 4);
    CHECK_EQ(json_value_line(json_value_at(list, 1)), 6);
    CHECK_EQ(json_value_count(list), 2);
    CHECK_EQ(json_value_line(NULL), 0);
    json_value_lines_forget(root);
    CHECK_EQ(json_value_line(json_value_at(list, 1)), 0);
}

static bool says(const char *text, u32 line, const char *what)
{
    struct json_value *root = NULL;
    struct problem p;
    bool ok = json_value_parse(&root, str_of(text), "f.json", &p) == -EINVAL && p.line == line &&
              strstr(p.text, what) && strcmp(p.file, "f.json") == 0;

    if (!ok)
        printf("# %u: %s\n", p.line, p.text);
    return ok;
}

static void a_mistake_has_its_line_and_says_what_it_is(void)
{
    CHECK(says("{\n\"a\": 1,\n}", 3, "near '}'; is there a comma too many"));
    CHECK(says("[\n1,\n]", 3, "near ']'; is there a comma too many"));
    CHECK(says("{\n// x\n\"a\": 1}", 2, "near '/'; comments are not possible"));
    CHECK(says("{\n'a': 1}", 2, "names and texts stand in double quotes"));
    CHECK(says("{\"a\": 'x'}", 1, "names and texts stand in double quotes"));
    CHECK(says("{\n\"a\": 1\n\"b\": 2}", 3, "'}' expected near '\"b\"'"));
    CHECK(says("{\"a\": \"x\n\"}", 1, "unexpected newline"));
    CHECK(says("{", 1, "near end of file"));
    CHECK(says("[99999999999999999999]", 1, "too big integer"));
}

static void a_nul_byte_is_refused_wherever_it_is(void)
{
    static const struct str texts[] = {
        STR("{\"a\":5\0,\"b\":1}"), STR("[1\0]"), STR("\0"),
        STR("[\"a\0\"]"),           STR("{}\0"),  STR("[\n\n1,\0 2]")
    };
    struct json_value *root;
    struct problem p;

    for (u32 i = 0; i < ARRAY_LEN(texts); i++) {
        CHECK_EQ(json_value_parse(&root, texts[i], "f.json", &p), -EINVAL);
        CHECK(strstr(p.text, "a NUL byte") && strcmp(p.file, "f.json") == 0);
    }
    CHECK_EQ(p.line, 3);
}

static void texts_are_decoded_in_place(void)
{
    AUTO(json_value_freep) struct json_value *root = NULL;
    struct problem p;

    CHECK_EQ(
        json_value_parse(
            &root, STR("[\"a\\\"b\\\\\",\"\\u00e4\\ud83d\\ude00\",\"\",{\"\\n\":\"c\"}]"), "f", &p),
        0);
    CHECK_STR(json_value_text(json_value_at(root, 0)), "a\"b\\");
    CHECK_STR(json_value_text(json_value_at(root, 1)), "\u00e4\U0001f600");
    CHECK_STR(json_value_text(json_value_at(root, 2)), "");
    CHECK_STR(json_value_text(json_value_member(json_value_at(root, 3), "\n")), "c");
}

static void nesting_has_a_limit(void)
{
    char text[2 * JSON_VALUE_DEPTH_MAX + 3] = { 0 };
    struct json_value *root;
    struct problem p;

    memset(text, '[', JSON_VALUE_DEPTH_MAX);
    memset(text + JSON_VALUE_DEPTH_MAX, ']', JSON_VALUE_DEPTH_MAX);
    CHECK_EQ(json_value_parse(&root, str_of(text), "f", &p), 0);
    json_value_free(root);
    memset(text, '[', JSON_VALUE_DEPTH_MAX + 1);
    memset(text + JSON_VALUE_DEPTH_MAX + 1, ']', JSON_VALUE_DEPTH_MAX + 1);
    CHECK_EQ(json_value_parse(&root, str_of(text), "f", &p), -EINVAL);
    CHECK(strstr(p.text, "more than 100 levels"));
}

static void what_is_asked_of_another_type_is_empty(void)
{
    AUTO(json_value_freep) struct json_value *root = NULL;
    struct problem p;
    u64 n = 7;

    CHECK_EQ(json_value_parse(&root, STR("{\"a\":1,\"b\":\"x\",\"a\":2}"), "f", &p), 0);
    CHECK_EQ(json_value_text(json_value_member(root, "a")).len, 0);
    CHECK_STR(json_value_number(json_value_member(root, "a")), "2");
    CHECK(!json_value_u64(json_value_member(root, "b"), &n) && n == 7);
    CHECK(!json_value_at(root, 0));
    CHECK(!json_value_member(json_value_member(root, "b"), "x"));
    CHECK(!json_value_member(NULL, "x"));
    CHECK_EQ(json_value_kind(NULL), JSON_VALUE_NONE);
}

int main(void)
{
    TEST(what_is_json_is_decided_as_jansson_does);
    TEST(every_value_knows_its_line);
    TEST(a_mistake_has_its_line_and_says_what_it_is);
    TEST(a_nul_byte_is_refused_wherever_it_is);
    TEST(texts_are_decoded_in_place);
    TEST(nesting_has_a_limit);
    TEST(what_is_asked_of_another_type_is_empty);
    return tap_done();
}
