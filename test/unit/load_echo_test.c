/* load_echo_test -- frames out, frames in, however they are cut */
#include "tap.h"

#include "load/echo.h"

/* What a server would read: the payload of one masked frame. */
static void unmask(struct str frame, u8 first, struct buf *out)
{
    const u8 *p = (const u8 *)frame.ptr;
    size_t len = p[1] & 0x7f, at = 2;

    CHECK_EQ(p[0], first);
    CHECK(p[1] & 0x80);
    if (len == 126) {
        len = (size_t)p[2] << 8 | p[3];
        at = 4;
    } else if (len == 127) {
        len = 0;
        for (u32 i = 0; i < 8; i++)
            len = len << 8 | p[2 + i];
        at = 10;
    }
    CHECK_EQ(frame.len, at + 4 + len);
    for (size_t i = 0; i < len; i++)
        buf_addc(out, (char)(p[at + 4 + i] ^ p[at + i % 4]));
}

static void messages_of_every_length_are_masked_and_can_be_read(void)
{
    static const size_t lengths[] = { 0, 1, 7, 8, 125, 126, 127, 65535, 65536, 70001 };
    struct random r = { 4 };

    for (u32 i = 0; i < ARRAY_LEN(lengths); i++) {
        AUTO(buf_done) struct buf message = { 0 };
        AUTO(buf_done) struct buf frame = { 0 };
        AUTO(buf_done) struct buf back = { 0 };
        struct echo e = { 0 };

        for (size_t k = 0; k < lengths[i]; k++)
            buf_addc(&message, (char)('a' + k % 26));
        echo_send(&e, buf_str(&message), &r, &frame);
        unmask(buf_str(&frame), 0x81, &back);
        CHECK(str_eq(buf_str(&back), buf_str(&message)));
    }
}

static void two_frames_never_have_the_same_mask_and_bytes_go_as_binary(void)
{
    AUTO(buf_done) struct buf a = { 0 };
    AUTO(buf_done) struct buf b = { 0 };
    AUTO(buf_done) struct buf back = { 0 };
    struct random r = { 4 };
    struct echo e = { 0 };

    echo_send(&e, STR("\xff\xfe"), &r, &a);
    echo_send(&e, STR("\xff\xfe"), &r, &b);
    CHECK(!str_eq(buf_str(&a), buf_str(&b)));
    unmask(buf_str(&a), 0x82, &back);
}

struct echo_case {
    const char *name;
    struct str bytes;
    enum echo_step end;
    const char *text;
};

/* The echo of "hello". */
static const struct echo_case cases[] = {
    { "text", STR("\x81\x05hello"), .end = ECHO_DONE },
    { "binary", STR("\x82\x05hello"), .end = ECHO_DONE },
    { "two parts", STR("\x01\x02he\x80\x03llo"), .end = ECHO_DONE },
    { "a pong between the parts", STR("\x01\x02he\x8a\x01p\x00\x00\x80\x03llo"), .end = ECHO_DONE },
    { "a longer way to write the length", STR("\x81\x7e\x00\x05hello"), .end = ECHO_DONE },
    { "a part", STR("\x81\x05hell"), .end = ECHO_MORE },
    { "a ping", STR("\x89\x02hi"), .end = ECHO_PING },
    { "a good-bye", STR("\x88\x02\x03\xe8"), .end = ECHO_CLOSED },
    { "another text", STR("\x81\x05help!"), ECHO_BAD, "the echo differs from what was sent" },
    { "longer", STR("\x81\x06hello!"), ECHO_BAD, "the echo is longer than what was sent" },
    { "shorter", STR("\x81\x04hell"), ECHO_BAD, "the echo is shorter than what was sent" },
    { "2^63 bytes", STR("\x81\x7f\x80\x00\x00\x00\x00\x00\x00\x00"), ECHO_BAD,
      "the echo is longer than what was sent" },
    { "masked", STR("\x81\x85hellohello"), ECHO_BAD, "a server's frame is masked" },
    { "reserved bits", STR("\xc1\x05hello"), ECHO_BAD, "a frame with reserved bits" },
    { "unknown", STR("\x83\x05hello"), ECHO_BAD, "a frame of an unknown kind" },
    { "a continuation of nothing", STR("\x80\x05hello"), ECHO_BAD, "a continuation of nothing" },
    { "a message within", STR("\x01\x02he\x81\x03llo"), ECHO_BAD, "a message within a message" },
    { "a cut ping", STR("\x09\x00"), ECHO_BAD, "a control frame that is cut or too long" },
    { "a long ping", STR("\x89\x7e\x00\x80"), ECHO_BAD, "a control frame that is cut or too long" },
};

static enum echo_step run(struct echo *e, struct str s, const size_t *cuts, size_t cuts_n)
{
    enum echo_step step = ECHO_MORE;
    size_t from = 0, used;

    for (size_t i = 0; i <= cuts_n && step == ECHO_MORE; i++) {
        size_t to = i < cuts_n ? cuts[i] : s.len;
        char *piece = malloc(to - from + 1);

        memcpy(piece, s.ptr + from, to - from);
        step = echo_feed(e, piece, to - from, &used);
        from += used;
        free(piece);
    }
    return step;
}

static void check(const struct echo_case *c, const size_t *cuts, size_t cuts_n)
{
    AUTO(buf_done) struct buf sent = { 0 };
    struct random r = { 1 };
    struct echo e = { 0 };
    enum echo_step step;

    echo_send(&e, STR("hello"), &r, &sent);
    step = run(&e, c->bytes, cuts, cuts_n);
    if (step != c->end || (c->text && strcmp(c->text, e.bad_text))) {
        printf("# %s: %d, %s\n", c->name, step, e.bad_text ? e.bad_text : "");
        CHECK(false);
    }
}

static void an_echo_is_known_however_it_is_cut(void)
{
    for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
        size_t cuts[64];

        check(&cases[i], NULL, 0);
        for (size_t k = 0; k < cases[i].bytes.len; k++) {
            cuts[k] = k;
            check(&cases[i], &k, 1);
        }
        check(&cases[i], cuts, cases[i].bytes.len);
    }
}

static void a_ping_is_answered_with_its_own_bytes(void)
{
    AUTO(buf_done) struct buf pong = { 0 };
    AUTO(buf_done) struct buf back = { 0 };
    struct random r = { 1 };
    struct echo e = { 0 };

    CHECK_EQ(run(&e, STR("\x89\x02hi"), NULL, 0), ECHO_PING);
    echo_pong(&e, &r, &pong);
    unmask(buf_str(&pong), 0x8a, &back);
    CHECK_STR(buf_str(&back), "hi");
}

static void what_nobody_asked_for_is_no_echo(void)
{
    struct echo e = { 0 };

    CHECK_EQ(run(&e, STR("\x81\x05hello"), NULL, 0), ECHO_BAD);
    CHECK_STR(str_of(e.bad_text), "a message that is no echo");
}

int main(void)
{
    TEST(messages_of_every_length_are_masked_and_can_be_read);
    TEST(two_frames_never_have_the_same_mask_and_bytes_go_as_binary);
    TEST(an_echo_is_known_however_it_is_cut);
    TEST(a_ping_is_answered_with_its_own_bytes);
    TEST(what_nobody_asked_for_is_no_echo);
    return tap_done();
}
