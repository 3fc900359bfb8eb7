/* params: what stands behind the "?" of an address */
#include "view/params.h"

#include "tap.h"

static void a_value_is_found_by_its_whole_key(void)
{
    struct str value;

    CHECK(params_find(STR("note=1&node=7&x="), "node", &value));
    CHECK_STR(value, "7");
    CHECK(params_find(STR("note=1&node=7&x="), "x", &value));
    CHECK_STR(value, "");
    CHECK(!params_find(STR("note=1"), "node", &value));
    CHECK(!params_find((struct str){ 0 }, "node", &value));
}

static void a_number_is_refused_when_it_is_none_or_too_large(void)
{
    u64 n;

    CHECK(params_number(STR("n=12"), "n", 3, 100, &n));
    CHECK_EQ(n, 12);
    CHECK(params_number(STR("m=12"), "n", 3, 100, &n));
    CHECK_EQ(n, 3);
    CHECK(params_number(STR("n=100"), "n", 3, 100, &n));
    CHECK(!params_number(STR("n=101"), "n", 3, 100, &n));
    CHECK(!params_number(STR("n=-1"), "n", 3, 100, &n));
    CHECK(!params_number(STR("n="), "n", 3, 100, &n));
    CHECK(!params_number(STR("n"), "n", 3, 100, &n));
    CHECK(!params_number(STR("n=99999999999999999999999"), "n", 3, UINT64_MAX, &n));
}

static void a_text_is_decoded(void)
{
    AUTO(buf_done) struct buf out = { 0 };

    CHECK(params_text(STR("q=a%20b+c%C3%A9"), "q", &out));
    CHECK_STR(buf_str(&out), "a b c\xc3\xa9");
    buf_clear(&out);
    CHECK(params_text(STR("x=1"), "q", &out));
    CHECK_EQ(out.len, 0);
    CHECK(!params_text(STR("q=%2"), "q", &out));
    CHECK(!params_text(STR("q=%zz"), "q", &out));
}

static void a_text_has_a_limit(void)
{
    AUTO(buf_done) struct buf query = { 0 }, out = { 0 };

    buf_add(&query, STR("q="));
    for (u32 i = 0; i < PARAMS_TEXT_MAX; i++)
        buf_add(&query, STR("%41"));
    CHECK(params_text(buf_str(&query), "q", &out));
    CHECK_EQ(out.len, PARAMS_TEXT_MAX);
    buf_clear(&out);
    buf_addc(&query, 'b');
    CHECK(!params_text(buf_str(&query), "q", &out));
    CHECK_EQ(out.len, PARAMS_TEXT_MAX);
}

static void a_word_is_one_of_those_that_there_are(void)
{
    u32 n;

    CHECK(params_word(STR("sort=name"), "sort", "size|name|id", &n));
    CHECK_EQ(n, 1);
    CHECK(params_word(STR(""), "sort", "size|name|id", &n));
    CHECK_EQ(n, 0);
    CHECK(!params_word(STR("sort=nam"), "sort", "size|name|id", &n));
    CHECK(!params_word(STR("sort="), "sort", "size|name|id", &n));
}

int main(void)
{
    TEST(a_value_is_found_by_its_whole_key);
    TEST(a_number_is_refused_when_it_is_none_or_too_large);
    TEST(a_text_is_decoded);
    TEST(a_text_has_a_limit);
    TEST(a_word_is_one_of_those_that_there_are);
    return tap_done();
}
