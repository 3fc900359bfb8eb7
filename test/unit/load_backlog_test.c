/* load_backlog_test -- first in, first out, within its bound */
#include "tap.h"

#include "load/backlog.h"

static void what_is_put_comes_out_in_order_while_it_grows(void)
{
    struct backlog b = { 0 };
    u64 put = 0, taken = 0;

    CHECK(!backlog_first(&b));
    while (put < 5000) {
        for (u32 i = 0; i < 3; i++)
            CHECK(backlog_put(&b, (struct backlog_item){ put++, 1 }));
        CHECK_EQ(backlog_first(&b)->meant_ns, taken);
        CHECK_EQ(backlog_take(&b).meant_ns, taken++);
    }
    while (backlog_first(&b))
        CHECK_EQ(backlog_take(&b).meant_ns, taken++);
    CHECK_EQ(taken, put);
    backlog_done(&b);
}

static void it_is_bounded(void)
{
    struct backlog b = { 0 };

    for (u32 i = 0; i < BACKLOG_MAX; i++)
        if (!backlog_put(&b, (struct backlog_item){ i, 0 }))
            CHECK(false);
    CHECK(!backlog_put(&b, (struct backlog_item){ 0, 0 }));
    CHECK_EQ(backlog_take(&b).meant_ns, 0);
    CHECK(backlog_put(&b, (struct backlog_item){ 9, 0 }));
    backlog_done(&b);
    backlog_done(&b);
}

int main(void)
{
    TEST(what_is_put_comes_out_in_order_while_it_grows);
    TEST(it_is_bounded);
    return tap_done();
}
