/* inspect_message_test -- messages of the DevTools protocol, however they are cut */
#include "tap.h"

#include "inspect/message.h"

struct want {
    const char *from, *text, *bulk;
    enum message_bulk kind;
};

static const struct want cases[] = {
    { "{\"id\":1,\"result\":{}}", "{\"id\":1,\"result\":{}}", "", MESSAGE_NO_BULK },
    { "{\"method\":\"HeapProfiler.addHeapSnapshotChunk\",\"params\":{\"chunk\":\"{\\\"a\\\":1,"
      "\\n\"}}",
      "{\"method\":\"HeapProfiler.addHeapSnapshotChunk\",\"params\":{\"chunk\":null}}",
      "{\"a\":1,\n", MESSAGE_CHUNK },
    { "{ \"params\" : { \"chunk\" : \"x\\\\\" } , \"method\":\"m\" }",
      "{ \"params\" : { \"chunk\" :null } , \"method\":\"m\" }", "x\\", MESSAGE_CHUNK },
    { "{\"id\":2,\"result\":{\"profile\":{\"nodes\":[{\"a\":\"}]\\\"\"}],\"n\":1}}}",
      "{\"id\":2,\"result\":{\"profile\":null}}", "{\"nodes\":[{\"a\":\"}]\\\"\"}],\"n\":1}",
      MESSAGE_PROFILE },
    { "{\"id\":2,\"result\":{\"profile\":17,\"x\":1}}",
      "{\"id\":2,\"result\":{\"profile\":null,\"x\":1}}", "17", MESSAGE_PROFILE },
    /* The same names elsewhere, or with another kind of value, are nothing special. */
    { "{\"params\":{\"chunk\":5}}", "{\"params\":{\"chunk\":5}}", "", MESSAGE_NO_BULK },
    { "{\"chunk\":\"a\",\"params\":{\"x\":{\"chunk\":\"b\"}}}",
      "{\"chunk\":\"a\",\"params\":{\"x\":{\"chunk\":\"b\"}}}", "", MESSAGE_NO_BULK },
    { "{\"params\":[\"chunk\",\"x\"],\"a\":\"params\",\"b\":{\"chunk\":\"y\"}}",
      "{\"params\":[\"chunk\",\"x\"],\"a\":\"params\",\"b\":{\"chunk\":\"y\"}}", "",
      MESSAGE_NO_BULK },
    { "{\"result\":{\"chunk\":\"y\"},\"params\":{\"profile\":{}}}",
      "{\"result\":{\"chunk\":\"y\"},\"params\":{\"profile\":{}}}", "", MESSAGE_NO_BULK },
};

static void feed(struct message *m, const struct want *w, size_t piece)
{
    AUTO(buf_done) struct buf bulk = { 0 };
    struct str s = str_of(w->from);

    message_clear(m);
    for (; s.len; s = str_sub(s, piece, s.len))
        CHECK_EQ(message_feed(m, str_sub(s, 0, piece), &bulk), 0);
    CHECK_STR(buf_str(&m->text), w->text);
    CHECK_STR(buf_str(&bulk), w->bulk);
    CHECK_EQ(m->bulk, w->kind);
}

static void a_large_value_is_handed_on_however_the_message_is_cut(void)
{
    struct message m = { 0 };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        for (size_t piece = 1; piece <= strlen(cases[i].from); piece++)
            feed(&m, &cases[i], piece);
    message_done(&m);
}

static void an_escape_that_there_is_not_is_an_error(void)
{
    AUTO(buf_done) struct buf bulk = { 0 };
    struct message m = { 0 };

    CHECK_EQ(message_feed(&m, STR("{\"params\":{\"chunk\":\"\\q\"}}"), &bulk), -EPROTO);
    message_done(&m);
}

static void a_message_has_a_limit_and_the_next_one_is_read(void)
{
    AUTO(buf_done) struct buf bulk = { 0 };
    AUTO(buf_done) struct buf text = { 0 };
    struct message m = { 0 };

    for (u32 i = 0; i < 1024; i++)
        buf_add(&text, STR("\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\","));
    for (u32 i = 0; i < 2 * MESSAGE_TEXT_MAX / text.len; i++)
        CHECK_EQ(message_feed(&m, buf_str(&text), &bulk), 0);
    CHECK(m.text.failed && m.text.len <= MESSAGE_TEXT_MAX);
    message_clear(&m);
    CHECK_EQ(message_feed(&m, STR("{\"id\":1}"), &bulk), 0);
    CHECK_STR(buf_str(&m.text), "{\"id\":1}");
    message_done(&m);
}

int main(void)
{
    TEST(a_large_value_is_handed_on_however_the_message_is_cut);
    TEST(an_escape_that_there_is_not_is_an_error);
    TEST(a_message_has_a_limit_and_the_next_one_is_read);
    return tap_done();
}
