/* test/unit/worker_jsonline_test.c */
#include "worker/jsonline.h"

#include "tap.h"

#include <jansson.h>

static void whole_objects_are_objects(void)
{
    static const char *const yes[] = {
        "{}",
        " { } ",
        "{\"a\":1}",
        "{\"a\":[],\"b\":{},\"c\":[1,2.5e-3,-0,{\"d\":null}],\"e\":\"\\u00e9\\n\"}",
        "{\"a\":true,\"b\":false,\"c\":null}\r",
        "{\"\xc3\xa9\":\"\xf0\x9f\x98\x80\"}",
        "{\"a\":[[[]]]}",
    };

    for (size_t i = 0; i < ARRAY_LEN(yes); i++)
        CHECK(jsonline_is_object(str_of(yes[i])));
}

static void everything_else_is_not(void)
{
    static const char *const no[] = {
        "",
        "x",
        "[]",
        "\"a\"",
        "1",
        "{",
        "}",
        "{}}",
        "{},{}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,\"a\":1}",
        "{a:1}",
        "{\"a\":01}",
        "{\"a\":1.}",
        "{\"a\":.5}",
        "{\"a\":+1}",
        "{\"a\":1e}",
        "{\"a\":tru}",
        "{\"a\":[1,]}",
        "{\"a\":[1}",
        "{\"a\":[}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u12g4\"}",
        "{\"a\":\"\t\"}",
        "{\"a\":\"",
        "{\"a\":\"\\",
        "{\"a\":\"\xff\"}",
        "{\"a\":\"\xc0\x80\"}",
        "{\"a\":\"\xed\xa0\x80\"}",
        "{\"a\":\"\xe2\x82\"}",
        "{\"a\":1 \"b\":2}",
        "{\"a\":-}",
    };

    for (size_t i = 0; i < ARRAY_LEN(no); i++)
        CHECK(!jsonline_is_object(str_of(no[i])));
}

static void no_start_of_an_object_is_one(void)
{
    struct str whole = STR("{\"a\":[1,2.5e-3,{\"d\":\"\\u00e9\xc3\xa9\"}],\"e\":true}");

    for (size_t len = 0; len < whole.len; len++)
        CHECK(!jsonline_is_object(str_sub(whole, 0, len)));
    CHECK(jsonline_is_object(whole));
}

static void deep_nesting_is_refused_without_a_deep_stack(void)
{
    static char deep[100000];
    struct str s;

    memset(deep, '[', sizeof(deep));
    memcpy(deep, "{\"a\":", 5);
    s = str_make(deep, sizeof(deep));
    CHECK(!jsonline_is_object(s));
    memcpy(deep, "{\"a\":", 5);
    memset(deep + 5, '[', 63);
    memset(deep + 68, ']', 63);
    deep[131] = '}';
    CHECK(jsonline_is_object(str_make(deep, 132)));
}

/* What jsonline takes, a JSON library takes: the outer object cannot be broken. */
static void whatever_is_taken_is_json(void)
{
    static const char seed[] =
        "{\"a\":[1,-2.5e3,{\"d\":\"\\u00e9\\n\xc3\xa9\"},[]],\"e\":true,\"f\":null,\"g\":{}}";
    static const char bytes[] = "{}[]\":,\\u0e1-+.tn \t\xc3\xa9";
    u32 random = 1, taken = 0;

    for (int i = 0; i < 100000; i++) {
        char text[sizeof(seed)];
        size_t len = sizeof(seed) - 1;
        json_error_t error;
        json_t *json;

        memcpy(text, seed, sizeof(seed));
        for (int k = i % 3; k >= 0; k--) {
            random = random * 1664525 + 1013904223;
            text[(random >> 8) % len] = bytes[(random >> 20) % (sizeof(bytes) - 1)];
        }
        if (!jsonline_is_object(str_make(text, len)))
            continue;
        json = json_loadb(text, len, JSON_ALLOW_NUL, &error);
        CHECK(json_is_object(json) || json_error_code(&error) == json_error_numeric_overflow);
        taken += json != NULL;
        json_decref(json);
    }
    CHECK(taken > 100);
}

int main(void)
{
    TEST(whole_objects_are_objects);
    TEST(everything_else_is_not);
    TEST(no_start_of_an_object_is_one);
    TEST(deep_nesting_is_refused_without_a_deep_stack);
    TEST(whatever_is_taken_is_json);
    return tap_done();
}
