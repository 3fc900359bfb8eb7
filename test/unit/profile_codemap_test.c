#include "profile/codemap.h"

#include "tap.h"

enum { SPACE = 512, STEPS = 20000 };

static u32 state = 1;

static u32 below(u32 n)
{
    state = state * 1664525 + 1013904223;
    return (state >> 8) % n;
}

/* The same by hand: what is at each address, and where what is there begins. */
struct byte {
    u32 what; /* 0: nothing */
    u32 begin;
};

static struct byte space[SPACE * 2];

static void plain_remove(u32 begin)
{
    for (u32 i = begin; i < SPACE * 2 && space[i].what && space[i].begin == begin; i++)
        space[i].what = 0;
}

static void plain_add(u32 begin, u32 bytes, u32 what)
{
    for (u32 i = begin; i < begin + bytes; i++)
        if (space[i].what) {
            u32 old = space[i].begin;

            for (u32 k = old; k < SPACE * 2 && (space[k].what && space[k].begin == old); k++)
                space[k].what = 0;
        }
    for (u32 i = begin; i < begin + bytes; i++)
        space[i] = (struct byte){ what, begin };
}

static void it_answers_as_a_table_of_all_addresses_does(void)
{
    AUTO(codemap_done) struct codemap m = { 0 };
    bool same = true;

    for (u32 step = 0; step < STEPS; step++) {
        u32 begin = below(SPACE), bytes = 1 + below(30), to = below(SPACE);

        switch (below(4)) {
        case 0:
        case 1:
            CHECK(codemap_add(&m, begin, bytes, step + 1));
            plain_add(begin, bytes, step + 1);
            break;
        case 2:
            codemap_remove(&m, begin);
            if (space[begin].what && space[begin].begin == begin)
                plain_remove(begin);
            break;
        case 3:
            CHECK(codemap_move(&m, begin, to));
            if (space[begin].what && space[begin].begin == begin) {
                u32 n = 0, what = space[begin].what;

                while (space[begin + n].what && space[begin + n].begin == begin)
                    n++;
                plain_remove(begin);
                plain_add(to, n, what);
            }
            break;
        }
        for (u32 i = 0; i < 8; i++) {
            u32 at = below(SPACE * 2), found = codemap_find(&m, at);

            same &= (found == CODEMAP_NONE ? 0 : found) == space[at].what;
        }
    }
    CHECK(same);
    CHECK(m.codes < SPACE * 2); /* what went is used again */
}

static void a_library_is_asked_last(void)
{
    AUTO(codemap_done) struct codemap m = { 0 };

    CHECK(codemap_library(&m, 0x1000, 0x2000, 7));
    CHECK(codemap_add(&m, 0x1800, 0x10, 8));
    CHECK_EQ(codemap_find(&m, 0x17ff), 7);
    CHECK_EQ(codemap_find(&m, 0x1800), 8);
    CHECK_EQ(codemap_find(&m, 0x1810), 7);
    CHECK_EQ(codemap_find(&m, 0x2000), CODEMAP_NONE);
}

static void a_million_in_order_take_no_time(void)
{
    AUTO(codemap_done) struct codemap m = { 0 };

    for (u32 i = 0; i < 300000; i++)
        CHECK(codemap_add(&m, i * 64ull, 64, i));
    CHECK_EQ(codemap_find(&m, 64 * 12345 + 63), 12345);
    CHECK(codemap_add(&m, 0, UINT64_MAX, 5));
    CHECK_EQ(codemap_find(&m, 64 * 12345 + 63), 5);
    CHECK_EQ(m.codes, 300001);
}

int main(void)
{
    TEST(it_answers_as_a_table_of_all_addresses_does);
    TEST(a_library_is_asked_last);
    TEST(a_million_in_order_take_no_time);
    return tap_done();
}
