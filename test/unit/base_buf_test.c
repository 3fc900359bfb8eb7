/* test/unit/base_buf_test.c -- bytes that grow */
#include "base/buf.h"

#include "tap.h"

#include <jansson.h>

static u64 seed = 0xb0f;

static u32 any(u32 below)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (u32)(seed >> 33) % below;
}

static void an_empty_buffer_needs_no_set_up(void)
{
    struct buf b = { 0 };

    CHECK_STR(buf_str(&b), "");
    buf_done(&b);
    buf_add(&b, STR("a"));
    buf_addc(&b, 'b');
    buf_addu(&b, 0);
    buf_addu(&b, UINT64_MAX);
    buf_addf(&b, " %d %s", -5, "x");
    CHECK_STR(buf_str(&b), "ab018446744073709551615 -5 x");
    CHECK(!b.failed);
    buf_done(&b);
    CHECK(b.ptr == NULL && b.len == 0);
}

static void many_small_pieces_give_the_whole(void)
{
    AUTO(buf_done) struct buf b = { 0 };

    for (u32 i = 0; i < 100000; i++)
        buf_addc(&b, (char)('a' + i % 26));
    CHECK_EQ(b.len, 100000);
    for (u32 i = 0; i < 100000; i++)
        if (b.ptr[i] != (char)('a' + i % 26)) {
            CHECK(!"a byte is not where it was put");
            return;
        }
}

static void printed_text_of_any_length_fits(void)
{
    char text[3000];

    for (size_t len = 0; len < sizeof(text); len += 1 + len / 7) {
        AUTO(buf_done) struct buf b = { 0 };

        memset(text, 'x', len);
        text[len] = 0;
        buf_addf(&b, "<%s>", text);
        CHECK_EQ(b.len, len + 2);
        CHECK(b.ptr[0] == '<' && b.ptr[len + 1] == '>');
    }
}

static void the_bound_is_never_passed_and_what_does_not_fit_is_dropped_whole(void)
{
    AUTO(buf_done) struct buf b = { .bytes_max = 10 };

    buf_add(&b, STR("12345678"));
    buf_add(&b, STR("abc"));
    CHECK(b.failed);
    CHECK_STR(buf_str(&b), "12345678");
    buf_addf(&b, "%s", "abcdef");
    CHECK_STR(buf_str(&b), "12345678");
    buf_clear(&b);
    CHECK(!b.failed && b.len == 0);
    buf_add(&b, STR("1234567890"));
    CHECK(!b.failed);
    CHECK_STR(buf_str(&b), "1234567890");
    buf_addc(&b, '!');
    CHECK(b.failed);
}

static void printed_text_may_fill_the_bound_to_the_last_byte(void)
{
    AUTO(buf_done) struct buf b = { .bytes_max = 5 };

    buf_addf(&b, "%s", "12345");
    CHECK_STR(buf_str(&b), "12345");
    CHECK(!b.failed);
}

static void the_front_can_be_dropped(void)
{
    AUTO(buf_done) struct buf b = { 0 };

    buf_add(&b, STR("abcdef"));
    buf_drop(&b, 0);
    CHECK_STR(buf_str(&b), "abcdef");
    buf_drop(&b, 2);
    CHECK_STR(buf_str(&b), "cdef");
    buf_drop(&b, 4);
    CHECK_STR(buf_str(&b), "");
    buf_add(&b, STR("g"));
    CHECK_STR(buf_str(&b), "g");
}

static struct str json_of(struct buf *b, struct str s)
{
    buf_clear(b);
    buf_add_json(b, s);
    return buf_str(b);
}

static void json_text_is_escaped(void)
{
    AUTO(buf_done) struct buf b = { 0 };

    CHECK_STR(json_of(&b, STR("plain ä €")), "plain ä €");
    CHECK_STR(json_of(&b, STR("\"\\/")), "\\\"\\\\/");
    CHECK_STR(json_of(&b, STR("a\nb")), "a\\nb");
    CHECK_STR(json_of(&b, STR("\r\t\x01\x1f\x7f")), "\\u000d\\u0009\\u0001\\u001f\\u007f");
    CHECK_STR(json_of(&b, str_make("a\0b", 3)), "a\\u0000b");
    CHECK_STR(json_of(&b, (struct str){ 0 }), "");
}

static void bytes_that_are_not_utf8_become_the_replacement_character(void)
{
    AUTO(buf_done) struct buf b = { 0 };

    CHECK_STR(json_of(&b, STR("\xff")), "\\ufffd");
    CHECK_STR(json_of(&b, STR("a\xc3")), "a\\ufffd");
    CHECK_STR(json_of(&b, STR("\xc3\x28")), "\\ufffd(");
    CHECK_STR(json_of(&b, STR("\xed\xa0\x80")), "\\ufffd\\ufffd\\ufffd"); /* a surrogate */
    CHECK_STR(json_of(&b, STR("\xc0\xaf")), "\\ufffd\\ufffd");            /* '/' too long */
    CHECK_STR(json_of(&b, STR("\xf0\x9f\x98\x80\xf0\x9f\x98")),
              "\xf0\x9f\x98\x80\\ufffd\\ufffd\\ufffd");
}

/* Whatever the bytes: it parses, and valid text comes back as it was. */
static void any_bytes_make_a_json_string_that_parses(void)
{
    for (int round = 0; round < 5000; round++) {
        AUTO(buf_done) struct buf b = { 0 };
        char bytes[32];
        size_t len = any(sizeof(bytes) + 1);
        bool valid = true;

        for (size_t i = 0; i < len; i++)
            bytes[i] = (char)(any(3) ? any(128) : any(256));
        for (size_t i = 0, n; valid && i < len; i += n)
            valid = (n = str_utf8_len(str_make(bytes, len), i)) > 0;
        buf_add(&b, STR("[\""));
        buf_add_json(&b, str_make(bytes, len));
        buf_add(&b, STR("\"]"));

        json_t *list = json_loadb(b.ptr, b.len, JSON_ALLOW_NUL, NULL);

        CHECK(list != NULL);
        if (list && valid) {
            json_t *text = json_array_get(list, 0);

            CHECK(str_eq(str_make(json_string_value(text), json_string_length(text)),
                         str_make(bytes, len)));
        }
        json_decref(list);
    }
}

int main(void)
{
    TEST(an_empty_buffer_needs_no_set_up);
    TEST(many_small_pieces_give_the_whole);
    TEST(printed_text_of_any_length_fits);
    TEST(the_bound_is_never_passed_and_what_does_not_fit_is_dropped_whole);
    TEST(printed_text_may_fill_the_bound_to_the_last_byte);
    TEST(the_front_can_be_dropped);
    TEST(json_text_is_escaped);
    TEST(bytes_that_are_not_utf8_become_the_replacement_character);
    TEST(any_bytes_make_a_json_string_that_parses);
    return tap_done();
}
