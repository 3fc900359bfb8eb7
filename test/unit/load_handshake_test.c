/* load_handshake_test -- the upgrade to WebSocket, beside the example of RFC 6455 */
#include "tap.h"

#include "http/sha1.h"
#include "load/handshake.h"

static void sha1_is_that_of_the_standard(void)
{
    static const struct {
        struct str text;
        const char *hex;
    } cases[] = {
        { STR("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d" },
        { STR(""), "da39a3ee5e6b4b0d3255bfef95601890afd80709" },
        { STR("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
          "84983e441c3bd26ebaae4aa1f95129e5e54670f1" },
        { STR("dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11"),
          "b37a4f2cc0624f1690f64606cf385945b2bec4ea" }, /* RFC 6455 section 1.3 */
    };

    for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
        u8 digest[SHA1_BYTES];
        char hex[2 * SHA1_BYTES + 1];

        sha1(cases[i].text, digest);
        for (u32 k = 0; k < SHA1_BYTES; k++)
            snprintf(hex + 2 * k, 3, "%02x", digest[k]);
        CHECK_STR(str_of(hex), cases[i].hex);
    }
}

static void the_request_has_what_an_upgrade_needs(void)
{
    AUTO(buf_done) struct buf out = { 0 };
    struct random r = { 1 };
    struct handshake h;

    handshake_begin(&h, &r, STR("/chat"), STR("localhost:3000"), true, STR("cookie: a=b\r\n"),
                    &out);
    buf_addc(&out, 0);
    CHECK(str_starts(buf_str(&out), STR("GET /chat HTTP/1.1\r\nHost: localhost:3000\r\n")));
    CHECK(strstr(out.ptr, "\r\ncookie: a=b\r\n"));
    CHECK(strstr(out.ptr, "\r\nUpgrade: websocket\r\n"));
    CHECK(strstr(out.ptr, "\r\nSec-WebSocket-Version: 13\r\n"));
    CHECK(strstr(out.ptr, "==\r\n\r\n"));
}

static enum answer_step answer(struct handshake *h, const char *fmt, size_t *used)
{
    AUTO(buf_done) struct buf bytes = { 0 };
    enum answer_step step;
    const char *at = strchr(fmt, '@');

    buf_add(&bytes, at ? str_make(fmt, (size_t)(at - fmt)) : str_of(fmt));
    if (at) {
        buf_add(&bytes, str_make(h->accept, sizeof(h->accept)));
        buf_add(&bytes, str_of(at + 1));
    }
    for (size_t cut = 0; cut < bytes.len && cut < 20; cut++)
        CHECK(handshake_feed(h, bytes.ptr, cut, used) == ANSWER_MORE && *used == 0);
    step = handshake_feed(h, bytes.ptr, bytes.len, used);
    CHECK(step != ANSWER_DONE || bytes.len - *used == 3);
    return step;
}

#define SWITCHING "HTTP/1.1 101 Switching Protocols\r\n"
#define UPGRADE "Connection: Upgrade\r\nUpgrade: WebSocket\r\n"

static void the_answer_must_fit_the_key(void)
{
    AUTO(buf_done) struct buf out = { 0 };
    struct random r = { 1 };
    struct handshake h;
    size_t used;

    handshake_begin(&h, &r, STR("/"), STR("a"), true, STR(""), &out);
    CHECK_EQ(answer(&h, SWITCHING UPGRADE "Sec-WebSocket-Accept: @\r\n\r\nabc", &used),
             ANSWER_DONE);
    CHECK_EQ(answer(&h, SWITCHING UPGRADE "Sec-WebSocket-Accept: x@\r\n\r\n", &used), ANSWER_BAD);
    CHECK_STR(str_of(h.bad_text), "Sec-WebSocket-Accept does not fit the key");
    CHECK_EQ(answer(&h, SWITCHING UPGRADE "\r\n", &used), ANSWER_BAD);
    CHECK_EQ(answer(&h, SWITCHING "Sec-WebSocket-Accept: @\r\n\r\n", &used), ANSWER_BAD);
    CHECK_EQ(answer(&h,
                    SWITCHING UPGRADE "Sec-WebSocket-Extensions: x\r\n"
                                      "Sec-WebSocket-Accept: @\r\n\r\n",
                    &used),
             ANSWER_BAD);
    CHECK_EQ(answer(&h, "HTTP/1.1 404 Not Found\r\n\r\n", &used), ANSWER_BAD);
    CHECK_STR(str_of(h.bad_text), "the upgrade was answered with 404");
}

int main(void)
{
    TEST(sha1_is_that_of_the_standard);
    TEST(the_request_has_what_an_upgrade_needs);
    TEST(the_answer_must_fit_the_key);
    return tap_done();
}
