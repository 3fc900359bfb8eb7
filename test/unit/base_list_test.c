/* test/unit/base_list_test.c -- lists whose links live in their owners */
#include "base/list.h"

#include "tap.h"

enum { ITEMS = 16 };

struct item {
    int value;
    struct list link;
};

static u64 seed = 0x115;

static u32 any(u32 below)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (u32)(seed >> 33) % below;
}

static void values(struct list *head, char out[ITEMS + 1])
{
    u32 n = 0;

    list_each (link, head)
        out[n++] = (char)container_of(link, struct item, link)->value;
    out[n] = 0;
}

#define CHECK_LIST(head, want)         \
    do {                               \
        char out_[ITEMS + 1];          \
        values(&(head), out_);         \
        CHECK_STR(str_of(out_), want); \
    } while (0)

static void items_stand_in_the_order_in_which_they_were_added(void)
{
    struct item a = { .value = 'a' }, b = { .value = 'b' }, c = { .value = 'c' };
    struct list head;

    list_init(&head);
    CHECK(list_empty(&head));
    list_add(&head, &a.link);
    list_add(&head, &b.link);
    list_add_first(&head, &c.link);
    CHECK_LIST(head, "cab");
    CHECK_EQ(list_first(&head, struct item, link)->value, 'c');
    CHECK_EQ(list_last(&head, struct item, link)->value, 'b');
}

static void what_is_taken_out_twice_is_out(void)
{
    struct item a = { .value = 'a' }, b = { .value = 'b' };
    struct list head;

    list_init(&head);
    list_add(&head, &a.link);
    list_add(&head, &b.link);
    list_del(&a.link);
    CHECK(list_empty(&a.link));
    list_del(&a.link);
    CHECK_LIST(head, "b");
    list_add(&head, &a.link);
    CHECK_LIST(head, "ba");
}

static void the_body_may_take_its_own_item_out(void)
{
    struct item items[8];
    struct list head;

    list_init(&head);
    for (int i = 0; i < 8; i++) {
        items[i].value = '0' + i;
        list_add(&head, &items[i].link);
    }
    list_each_safe (link, &head)
        if (container_of(link, struct item, link)->value % 2)
            list_del(link);
    CHECK_LIST(head, "0246");
    list_each_safe (link, &head)
        list_del(link);
    CHECK(list_empty(&head));
}

static void all_of_a_list_moves_behind_another(void)
{
    struct item items[6];
    struct list to, from;

    list_init(&to);
    list_init(&from);
    list_move_all(&to, &from);
    CHECK(list_empty(&to) && list_empty(&from));
    for (int i = 0; i < 6; i++) {
        items[i].value = 'a' + i;
        list_add(i < 2 ? &to : &from, &items[i].link);
    }
    list_move_all(&to, &from);
    CHECK_LIST(to, "abcdef");
    CHECK(list_empty(&from));
    list_move_all(&from, &to);
    CHECK_LIST(from, "abcdef");
    CHECK(list_empty(&to));
    list_del(&items[0].link);
    list_del(&items[5].link);
    CHECK_LIST(from, "bcde");
}

/* Against an array that is moved by hand. */
static void any_moves_keep_the_order(void)
{
    struct item items[ITEMS];
    struct list heads[2];
    char want[2][ITEMS + 1] = { "", "" };

    list_init(&heads[0]);
    list_init(&heads[1]);
    for (int i = 0; i < ITEMS; i++) {
        items[i].value = 'a' + i;
        list_init(&items[i].link);
    }
    for (int round = 0; round < 20000; round++) {
        struct item *it = &items[any(ITEMS)];
        u32 h = any(2);
        size_t len;

        for (int k = 0; k < 2; k++) {
            char *at = strchr(want[k], it->value);

            if (at)
                memmove(at, at + 1, strlen(at));
        }
        list_del(&it->link);
        len = strlen(want[h]);
        switch (any(4)) {
        case 0:
            list_add(&heads[h], &it->link);
            want[h][len] = (char)it->value;
            want[h][len + 1] = 0;
            break;
        case 1:
            list_add_first(&heads[h], &it->link);
            memmove(want[h] + 1, want[h], len + 1);
            want[h][0] = (char)it->value;
            break;
        case 2:
            list_move_all(&heads[h], &heads[!h]);
            memcpy(want[h] + len, want[!h], strlen(want[!h]) + 1);
            want[!h][0] = 0;
            break;
        case 3:
            break;
        }
        CHECK_LIST(heads[0], want[0]);
        CHECK_LIST(heads[1], want[1]);
    }
}

int main(void)
{
    TEST(items_stand_in_the_order_in_which_they_were_added);
    TEST(what_is_taken_out_twice_is_out);
    TEST(the_body_may_take_its_own_item_out);
    TEST(all_of_a_list_moves_behind_another);
    TEST(any_moves_keep_the_order);
    return tap_done();
}
