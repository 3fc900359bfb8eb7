/* inspect_afford_test -- whether a heap snapshot can be afforded */
#include "tap.h"

#include "inspect/afford.h"

#define MB (1ull << 20)

static int check(struct afford a, const char *word)
{
    struct problem p = { 0 };
    int err = afford_check(&a, &p);

    if (err)
        CHECK(strstr(p.text, word));
    return err;
}

static u32 warnings(struct afford a)
{
    AUTO(buf_done) struct buf out = { 0 };
    u32 n = 0;

    afford_warnings(&a, &out);
    for (size_t i = 0; i < out.len; i++)
        n += out.ptr[i] == '\n';
    return n;
}

static void memory_and_disk_are_checked_and_what_is_not_known_is_not(void)
{
    CHECK_EQ(check((struct afford){ 100 * MB, UINT64_MAX, UINT64_MAX, false, 22 }, ""), 0);
    CHECK_EQ(check((struct afford){ 100 * MB, 501 * MB, 201 * MB, false, 22 }, ""), 0);
    CHECK_EQ(check((struct afford){ 100 * MB, 499 * MB, UINT64_MAX, false, 22 }, "memory"),
             -EINVAL);
    CHECK_EQ(check((struct afford){ 100 * MB, UINT64_MAX, 199 * MB, false, 22 }, "disk"), -EINVAL);
    CHECK_EQ(check((struct afford){ 100 * MB, UINT64_MAX, 199 * MB, true, 22 }, ""), 0);
}

static void what_may_take_long_or_much_is_told(void)
{
    CHECK_EQ(warnings((struct afford){ 100 * MB, UINT64_MAX, UINT64_MAX, false, 22 }), 0);
    CHECK_EQ(warnings((struct afford){ 100 * MB, 600 * MB, UINT64_MAX, false, 22 }), 1);
    CHECK_EQ(warnings((struct afford){ 100 * MB, 600 * MB, UINT64_MAX, false, 20 }), 2);
    CHECK_EQ(warnings((struct afford){ 10 * MB, UINT64_MAX, UINT64_MAX, false, 18 }), 0);
    CHECK_EQ(warnings((struct afford){ 4 * MB, 30 * MB, UINT64_MAX, false, 18 }), 0);
}

int main(void)
{
    TEST(memory_and_disk_are_checked_and_what_is_not_known_is_not);
    TEST(what_may_take_long_or_much_is_told);
    return tap_done();
}
