/* test/unit/base_slab_test.c -- objects of one size, packed together */
#include "base/slab.h"

#include "tap.h"

struct thing {
    u64 word[5];
};

static void objects_are_zeroed_and_apart(void)
{
    struct slab s = { .size = sizeof(struct thing) };
    struct thing *t[1000];

    for (int round = 0; round < 3; round++) {
        for (u32 i = 0; i < ARRAY_LEN(t); i++) {
            t[i] = slab_take(&s);
            for (u32 k = 0; k < 5; k++)
                CHECK_EQ(t[i]->word[k], 0);
            for (u32 k = 0; k < 5; k++)
                t[i]->word[k] = i + 1;
        }
        for (u32 i = 0; i < ARRAY_LEN(t); i++)
            for (u32 k = 0; k < 5; k++)
                CHECK_EQ(t[i]->word[k], i + 1);
        for (u32 i = 0; i < ARRAY_LEN(t); i++)
            slab_give(&s, t[i * 7 % ARRAY_LEN(t)]);
    }
    slab_give(&s, NULL);
    slab_done(&s);
    slab_done(&s);
}

static void what_was_given_back_is_taken_again(void)
{
    struct slab s = { .size = sizeof(struct thing) };
    void *first = slab_take(&s);

    slab_give(&s, first);
    CHECK(slab_take(&s) == first);
    slab_done(&s);
}

int main(void)
{
    TEST(objects_are_zeroed_and_apart);
    TEST(what_was_given_back_is_taken_again);
    return tap_done();
}
