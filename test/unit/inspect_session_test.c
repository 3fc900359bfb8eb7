/* inspect_session_test -- a conversation with an inspector, from bytes */
#include "tap.h"

#include "inspect/session.h"

/* The request's key gives what must be answered. */
static void upgrade(struct session *s, struct buf *answer)
{
    static const char name[] = "Sec-WebSocket-Key: ";
    const char *key = memmem(s->out.ptr, s->out.len, name, strlen(name));
    char accept[WEBSOCKET_ACCEPT_CHARS];

    CHECK(key);
    websocket_accept(key + strlen(name), accept);
    buf_addf(answer,
             "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Accept: %.*s\r\n\r\n",
             WEBSOCKET_ACCEPT_CHARS, accept);
    buf_clear(&s->out);
}

/* A server's frame: not masked, here always short. */
static void frame(struct buf *out, u8 first, struct str payload)
{
    buf_addc(out, (char)first);
    buf_addc(out, (char)payload.len);
    buf_add(out, payload);
}

static void a_session_opens_asks_and_is_answered_byte_by_byte(void)
{
    AUTO(buf_done) struct buf in = { 0 };
    AUTO(buf_done) struct buf told = { 0 };
    AUTO(buf_done) struct buf bulk = { 0 };
    struct session s;
    size_t at = 0;

    session_init(&s, STR("127.0.0.1:9229"), STR("/uuid"), 7);
    CHECK(str_starts(buf_str(&s.out), STR("GET /uuid HTTP/1.1\r\nHost: 127.0.0.1:9229\r\n")));
    upgrade(&s, &in);
    CHECK_EQ(session_ask(&s, "Runtime.enable", STR("")), 1);
    CHECK_EQ(session_ask(&s, "Profiler.setSamplingInterval", STR("{\"interval\":100}")), 2);
    frame(&in, 0x01, STR("{\"id\":1,\"re")); /* in two frames, with a ping between */
    frame(&in, 0x89, STR("hi"));
    frame(&in, 0x80, STR("sult\":{}}"));
    frame(&in, 0x81, STR("{\"params\":{\"chunk\":\"a\\nb\"}}"));
    frame(&in, 0x88, STR("\x03\xe8"));
    for (size_t have = 0; at < in.len && have <= in.len;) {
        size_t used;

        switch (session_feed(&s, in.ptr + at, have - at, &used)) {
        case SESSION_MORE:
            have++;
            break;
        case SESSION_OPEN:
            buf_add(&told, STR("open;"));
            break;
        case SESSION_BULK:
            buf_add(&bulk, buf_str(&s.bulk));
            buf_clear(&s.bulk);
            break;
        case SESSION_MESSAGE:
            buf_addf(&told, "%.*s;", STR_ARG(buf_str(&s.message.text)));
            break;
        case SESSION_CLOSED:
            buf_add(&told, STR("closed;"));
            break;
        case SESSION_BAD:
            buf_addf(&told, "bad %s;", s.bad_text);
            have = in.len + 1;
            break;
        }
        at += used;
    }
    CHECK_STR(buf_str(&told),
              "open;{\"id\":1,\"result\":{}};{\"params\":{\"chunk\":null}};closed;");
    CHECK_STR(buf_str(&bulk), "a\nb");
    /* Two commands and a pong. */
    CHECK_EQ((u8)s.out.ptr[0], 0x81);
    CHECK_EQ((u8)s.out.ptr[s.out.len - 8], 0x8a);
    session_done(&s);
}

static void bad(struct str answer, const char *why)
{
    struct session s;
    size_t used;

    session_init(&s, STR("127.0.0.1:1"), STR("/"), 7);
    CHECK_EQ(session_feed(&s, answer.ptr, answer.len, &used), SESSION_BAD);
    CHECK_STR(str_of(s.bad_text), why);
    session_done(&s);
}

static void what_is_no_inspector_is_told_from_one(void)
{
    bad(STR("HTTP/1.1 400 Bad Request\r\n\r\n"), "the upgrade was answered with 400");
    bad(STR("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n"),
        "Sec-WebSocket-Accept does not fit the key");
}

int main(void)
{
    TEST(a_session_opens_asks_and_is_answered_byte_by_byte);
    TEST(what_is_no_inspector_is_told_from_one);
    return tap_done();
}
