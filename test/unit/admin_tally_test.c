#include "admin_fixture.h"

static struct shm *shm;
static struct tally t[SHM_SERIES_MAX];

static void begin(void)
{
    free(shm);
    shm = fixture_shm();
}

static const struct tally *find(u32 count, const char *route)
{
    for (u32 i = 0; i < count; i++)
        if (strcmp(t[i].route, route) == 0)
            return &t[i];
    return NULL;
}

static void what_was_counted_is_read(void)
{
    begin();
    CHECK_EQ(tally_read_all(shm, t), 3);
    CHECK(find(3, "(other)") != NULL);
    CHECK_STR(str_of(find(3, "/cart")->method), "POST");
    CHECK_STR(str_of(find(3, "/cart")->status), "503");
    CHECK(find(3, "/cart")->is_error && !find(3, "(other)")->is_error);
}

static void what_is_being_made_is_left_out(void)
{
    begin();
    shm->series[1].state = 1;
    CHECK_EQ(tally_read_all(shm, t), 2);
}

static void a_route_is_bounded_text(void)
{
    u32 count;

    begin();
    shm->series[1].route_len = 255;
    memset(shm->series[1].route, 'r', SHM_ROUTE_MAX);
    memcpy(shm->series[2].route, "a\n\xc3\xa9\xff", 5);
    shm->series[2].route_len = 5;
    fixture_series(shm, 3, "GET", "", 204);
    count = tally_read_all(shm, t);
    CHECK_EQ(count, 4);
    CHECK(find(count, "a?\xc3\xa9?") != NULL);
    CHECK(find(count, "(none)") != NULL);
    CHECK_EQ(strlen(t[3].route), SHM_ROUTE_MAX);
}

static void methods_and_statuses_that_make_no_sense_are_named_so(void)
{
    u32 count;

    begin();
    memset(shm->series[1].method, 'M', sizeof(shm->series[1].method));
    shm->series[1].status = 60000;
    str_to_cstr(STR("G T"), shm->series[2].method, 12);
    count = tally_read_all(shm, t);
    CHECK_STR(str_of(find(count, "/cart/:id")->method), "_OTHER");
    CHECK_STR(str_of(find(count, "/cart/:id")->status), "0");
    CHECK_STR(str_of(find(count, "/cart")->method), "_OTHER");
}

static void the_same_key_twice_is_added(void)
{
    begin();
    fixture_series(shm, 5, "POST", "/cart", 503);
    CHECK_EQ(tally_read_all(shm, t), 3);
    CHECK_EQ(find(3, "/cart")->bucket[2], 4);
    CHECK_EQ(find(3, "/cart")->sum_ns, 30 * MS);
}

static void bounds_are_those_of_the_layout(void)
{
    static const u64 le_us[SHM_SERIES_LE] = SHM_SERIES_LE_US;

    for (u32 i = 0; i < SHM_SERIES_LE; i++)
        CHECK_EQ(tally_le_ns[i], le_us[i] * NS_PER_US);
}

int main(void)
{
    TEST(what_was_counted_is_read);
    TEST(what_is_being_made_is_left_out);
    TEST(a_route_is_bounded_text);
    TEST(methods_and_statuses_that_make_no_sense_are_named_so);
    TEST(the_same_key_twice_is_added);
    TEST(bounds_are_those_of_the_layout);
    free(shm);
    return tap_done();
}
