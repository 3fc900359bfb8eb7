/* test/unit/conf_words_test.c -- a text split into words as a shell does */
#include "conf/words.h"

#include "tap.h"

/* The words joined by '|'. */
static enum words_kind split(const char *s, struct buf *out)
{
    u32 count = 0, nuls = 0;
    enum words_kind kind;

    buf_clear(out);
    kind = words_split(str_of(s), out, &count);
    for (size_t i = 0; i < out->len; i++) {
        if (out->ptr[i] == 0) {
            out->ptr[i] = '|';
            nuls++;
        }
    }
    if (kind != WORDS_OPEN)
        CHECK_EQ(nuls, count);
    return kind;
}

static void plain_words_are_what_a_shell_would_run(void)
{
    struct buf b = { 0 };

    CHECK_EQ(split("node  server.js\t-x", &b), WORDS_PLAIN);
    CHECK_STR(buf_str(&b), "node|server.js|-x|");
    CHECK_EQ(split("  a 'b c' \"d e\"f \\g 'h'\\''i' ", &b), WORDS_PLAIN);
    CHECK_STR(buf_str(&b), "a|b c|d ef|g|h'i|");
    CHECK_EQ(split("A='' b \"\"", &b), WORDS_PLAIN);
    CHECK_STR(buf_str(&b), "A=|b||");
    CHECK_EQ(split("\"a\\\"b\\n\"", &b), WORDS_PLAIN);
    CHECK_STR(buf_str(&b), "a\"b\\n|");
    CHECK_EQ(split("", &b), WORDS_PLAIN);
    CHECK_EQ(b.len, 0);
    CHECK_EQ(split("a\n", &b), WORDS_PLAIN);
    CHECK_EQ(split("a#b a~b", &b), WORDS_PLAIN);
    buf_done(&b);
}

static void what_a_shell_would_do_more_is_seen(void)
{
    static const char *const more[] = { "a | b",  "a && b",  "a; b",   "a &",   "a > b", "a < b",
                                        "a $B",   "a `b`",   "a *.js", "a ?",   "a [b]", "(a)",
                                        "\"$A\"", "\"`a`\"", "~/a",    "A=~/b", "# a",   "{a,b}",
                                        "! a",    "a\nb",    "a ~",    "a $(b)" };
    struct buf b = { 0 };

    for (u32 i = 0; i < ARRAY_LEN(more); i++) {
        if (split(more[i], &b) != WORDS_SHELL) {
            CHECK(!"only plain words");
            printf("# %s\n", more[i]);
        }
    }
    CHECK_EQ(split("'a $B | c'", &b), WORDS_PLAIN);
    CHECK_STR(buf_str(&b), "a $B | c|");
    buf_done(&b);
}

static void an_open_quote_is_told(void)
{
    static const char *const open[] = { "'a", "a \"b", "a\\", "\"a\\\"", "'" };
    struct buf b = { 0 };

    for (u32 i = 0; i < ARRAY_LEN(open); i++)
        CHECK_EQ(split(open[i], &b), WORDS_OPEN);
    buf_done(&b);
}

static void a_quoted_word_is_one_word_again(void)
{
    static const char *const words[] = { "",  "a",   "a b", "it's", "$HOME", "a\nb",
                                         "*", "--x", "\\",  "\"",   "'''",   "ä|;&" };

    for (u32 i = 0; i < ARRAY_LEN(words); i++) {
        struct buf quoted = { 0 }, back = { 0 };
        u32 count;

        words_quote(str_of(words[i]), &quoted);
        CHECK_EQ(words_split(buf_str(&quoted), &back, &count), WORDS_PLAIN);
        CHECK_EQ(count, 1);
        CHECK_STR(str_sub(buf_str(&back), 0, back.len - 1), words[i]);
        buf_done(&quoted);
        buf_done(&back);
    }
}

int main(void)
{
    TEST(plain_words_are_what_a_shell_would_run);
    TEST(what_a_shell_would_do_more_is_seen);
    TEST(an_open_quote_is_told);
    TEST(a_quoted_word_is_one_word_again);
    return tap_done();
}
