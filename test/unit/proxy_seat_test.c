/* test/unit/proxy_seat_test.c -- the numbers of connections, and what is said of their requests */
#include "proxy/seat.h"

#include "tap.h"

static struct shm_peers *peers;

static void threads_share_all_numbers_but_0(void)
{
    static bool given[SHM_CONNECTIONS_MAX];
    u32 twice = 0, all = 0;

    for (u32 i = 0; i < 3; i++) {
        struct seats s;
        u32 number;

        CHECK_EQ(seats_init(&s, peers, i, 3), 0);
        while ((number = seats_take(&s, 7)) != 0) {
            twice += given[number];
            given[number] = true;
            all++;
        }
        seats_done(&s);
    }
    CHECK_EQ(twice, 0);
    CHECK_EQ(all, SHM_CONNECTIONS_MAX - 1);
    CHECK(!given[0]);
}

static void a_number_that_was_given_back_rests_before_it_is_used_again(void)
{
    struct seats s;
    u32 first, taken = 0, numbers[200];

    CHECK_EQ(seats_init(&s, peers, 0, 64), 0);
    first = seats_take(&s, 7);
    seats_give(&s, first);
    for (int i = 0; i < 10000; i++) {
        u32 number = seats_take(&s, 7);

        if (number == first) {
            taken++;
            CHECK(i >= 60);
        }
        seats_give(&s, number);
    }
    CHECK(taken > 10);
    CHECK(s.unused - s.first < 100); /* few are used at all: each is memory */
    for (u32 i = 0; i < ARRAY_LEN(numbers); i++)
        numbers[i] = seats_take(&s, 7);
    for (u32 i = 0; i < ARRAY_LEN(numbers); i++)
        for (u32 j = 0; j < i; j++)
            CHECK(numbers[i] != numbers[j]);
    seats_give(&s, 0);
    seats_done(&s);
}

static struct str get(u32 number, u32 connection, u64 bytes)
{
    static char text[SHM_PEER_TEXT_MAX];

    return str_make(text, shm_peer_get(&peers->peer[number], connection, bytes, text));
}

static void put(u32 number, u64 at, const char *text)
{
    shm_peer_put(&peers->peer[number], at, text, strlen(text), NULL);
}

static void a_reader_finds_the_request_that_it_is_at(void)
{
    struct seats s;
    u32 number;

    CHECK_EQ(seats_init(&s, peers, 0, 1), 0);
    number = seats_take(&s, 5);
    CHECK_STR(get(number, 5, 0), "");
    put(number, 0, "1.1.1.1 1 2.2.2.2 2");
    CHECK_STR(get(number, 5, 0), ""); /* has read nothing of it yet */
    CHECK_STR(get(number, 5, 10), "1.1.1.1 1 2.2.2.2 2");
    put(number, 100, "3.3.3.3 3 2.2.2.2 2"); /* the next one, written early */
    CHECK_STR(get(number, 5, 100), "1.1.1.1 1 2.2.2.2 2");
    CHECK_STR(get(number, 5, 101), "3.3.3.3 3 2.2.2.2 2");
    put(number, 5000000000, "4.4.4.4 4 2.2.2.2 2");
    CHECK_STR(get(number, 5, 4999999999), "3.3.3.3 3 2.2.2.2 2");
    CHECK_STR(get(number, 5, 5000000099), "4.4.4.4 4 2.2.2.2 2");
    seats_done(&s);
}

static void another_connection_in_the_same_place_is_never_taken_for_it(void)
{
    struct seats s;
    u32 number;

    CHECK_EQ(seats_init(&s, peers, 0, 1), 0);
    number = seats_take(&s, 5);
    put(number, 0, "1.1.1.1 1 2.2.2.2 2");
    seats_give(&s, number);
    CHECK_STR(get(number, 5, 100), "1.1.1.1 1 2.2.2.2 2"); /* the worker may not be ready with it */
    shm_peer_open(&peers->peer[number], 6);
    CHECK_STR(get(number, 6, 100), "");
    put(number, 0, "3.3.3.3 3 2.2.2.2 2");
    CHECK_STR(get(number, 5, 100), "");
    CHECK_STR(get(number, 6, 100), "3.3.3.3 3 2.2.2.2 2");
    seats_done(&s);
}

static void a_place_whose_writer_died_is_read_as_empty_and_can_be_used_again(void)
{
    struct shm_peer *p = &peers->peer[9];

    shm_peer_open(p, 5);
    put(9, 0, "1.1.1.1 1 2.2.2.2 2");
    shm_peer_begin(p);
    CHECK_STR(get(9, 5, 100), "");
    shm_peer_open(p, 6);
    put(9, 0, "3.3.3.3 3 2.2.2.2 2");
    CHECK_STR(get(9, 6, 100), "3.3.3.3 3 2.2.2.2 2");
}

int main(void)
{
    peers = calloc(1, sizeof(*peers));
    CHECK(peers != NULL);
    TEST(threads_share_all_numbers_but_0);
    TEST(a_number_that_was_given_back_rests_before_it_is_used_again);
    TEST(a_reader_finds_the_request_that_it_is_at);
    TEST(another_connection_in_the_same_place_is_never_taken_for_it);
    TEST(a_place_whose_writer_died_is_read_as_empty_and_can_be_used_again);
    free(peers);
    return tap_done();
}
