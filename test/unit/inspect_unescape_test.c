/* inspect_unescape_test -- the inside of a JSON string, however it is cut */
#include "tap.h"

#include "inspect/unescape.h"

struct want {
    const char *from;
    const char *text;
    enum unescape_step end;
};

static const struct want cases[] = {
    { "\"", "", UNESCAPE_DONE },
    { "abc\"", "abc", UNESCAPE_DONE },
    { "abc", "abc", UNESCAPE_MORE },
    { "{\\\"nodes\\\":[1,2,\\n3]}\"", "{\"nodes\":[1,2,\n3]}", UNESCAPE_DONE },
    { "\\\\\\/\\b\\f\\n\\r\\t\"", "\\/\b\f\n\r\t", UNESCAPE_DONE },
    { "\\u0041\\u00e9\\u20AC\"", "A\xc3\xa9\xe2\x82\xac", UNESCAPE_DONE },
    { "\\ud83d\\ude00\"", "\xf0\x9f\x98\x80", UNESCAPE_DONE },
    { "\\ud83dx\"", "\xef\xbf\xbdx", UNESCAPE_DONE },
    { "\\ud83d\\n\"", "\xef\xbf\xbd\n", UNESCAPE_DONE },
    { "\\ud83d\\ud83d\\ude00\"", "\xef\xbf\xbd\xf0\x9f\x98\x80", UNESCAPE_DONE },
    { "\\ude00\"", "\xef\xbf\xbd", UNESCAPE_DONE },
    { "\\ud83d\"", "\xef\xbf\xbd", UNESCAPE_DONE },
    { "h\xc3\xa9\"", "h\xc3\xa9", UNESCAPE_DONE },
    { "\\x\"", "", UNESCAPE_BAD },
    { "\\u00g0\"", "", UNESCAPE_BAD },
    { "a\nb\"", "a", UNESCAPE_BAD },
};

static void feed(const struct want *w, size_t piece)
{
    AUTO(buf_done) struct buf out = { 0 };
    struct unescape u = { 0 };
    enum unescape_step step = UNESCAPE_MORE;
    struct str s = str_of(w->from);

    for (size_t at = 0; at < s.len && step == UNESCAPE_MORE;) {
        struct str part = str_sub(s, at, piece);
        size_t used;

        step = unescape_feed(&u, part.ptr, part.len, &used, &out);
        CHECK(used <= part.len);
        CHECK(step != UNESCAPE_MORE || used == part.len);
        at += used;
    }
    CHECK_EQ(step, w->end);
    CHECK_STR(buf_str(&out), w->text);
}

static void a_string_is_read_however_it_is_cut(void)
{
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        for (size_t piece = 1; piece <= strlen(cases[i].from); piece++)
            feed(&cases[i], piece);
}

static void what_follows_the_quote_is_left(void)
{
    AUTO(buf_done) struct buf out = { 0 };
    struct unescape u = { 0 };
    size_t used;

    CHECK_EQ(unescape_feed(&u, "ab\"}}", 5, &used, &out), UNESCAPE_DONE);
    CHECK_EQ(used, 3);
}

int main(void)
{
    TEST(a_string_is_read_however_it_is_cut);
    TEST(what_follows_the_quote_is_left);
    return tap_done();
}
