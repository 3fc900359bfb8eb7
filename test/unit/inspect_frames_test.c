/* inspect_frames_test -- the JavaScript stack of a process, by its inspector */
#include "tap.h"

#include "inspect/frames.h"

static struct json_value *json(const char *text)
{
    struct json_value *v = NULL;
    struct problem p;

    CHECK_EQ(json_value_parse(&v, str_of(text), "", &p), 0);
    return v;
}

static void frames_are_written_as_error_stack_has_them(void)
{
    AUTO(json_value_freep)
    struct json_value *script = json("{\"scriptId\":\"71\",\"url\":\"file:///srv/app.js\"}");
    AUTO(json_value_freep)
    struct json_value *other = json("{\"scriptId\":\"7\",\"url\":\"node:fs\"}");
    AUTO(json_value_freep)
    struct json_value *halted =
        json("{\"callFrames\":["
             "{\"functionName\":\"spin\",\"location\":{\"scriptId\":\"71\",\"lineNumber\":4,"
             "\"columnNumber\":2}},"
             "{\"functionName\":\"\",\"url\":\"file:///srv/b.mjs\",\"location\":{\"scriptId\":"
             "\"71\",\"lineNumber\":0,\"columnNumber\":0}},"
             "{\"functionName\":\"readSync\",\"location\":{\"scriptId\":\"7\",\"lineNumber\":9}},"
             "{\"functionName\":\"x\",\"location\":{\"scriptId\":\"8\"}}]}");
    AUTO(buf_done) struct buf scripts = { 0 };
    AUTO(buf_done) struct buf out = { 0 };

    frames_script(&scripts, script);
    frames_script(&scripts, other);
    frames_text(&out, halted, buf_str(&scripts));
    CHECK_STR(buf_str(&out), "    at spin (file:///srv/app.js:5:3)\n"
                             "    at file:///srv/b.mjs:1:1\n"
                             "    at readSync (node:fs:10:1)\n"
                             "    at x (<anonymous>:1:1)\n");
}

static void what_makes_no_sense_gives_no_frames(void)
{
    AUTO(json_value_freep) struct json_value *v = json("{\"callFrames\":{\"a\":1},\"url\":3}");
    AUTO(buf_done) struct buf out = { 0 };

    frames_script(&out, v);
    frames_script(&out, NULL);
    frames_text(&out, NULL, STR(""));
    CHECK_EQ(out.len, 0);
}

int main(void)
{
    TEST(frames_are_written_as_error_stack_has_them);
    TEST(what_makes_no_sense_gives_no_frames);
    return tap_done();
}
