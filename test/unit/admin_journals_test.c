/* The monitor's reading of the rings. */
#include "admin/journals.h"

#include "admin_fixture.h"

static struct shm *shm;
static struct loop *loop;
static struct found *found;
static struct journals *journals;

static void begin(void)
{
    journals_free(journals);
    loop_free(loop);
    found_free(found);
    free(shm);
    shm = fixture_shm();
    assert(loop_new(&loop) == 0 && found_new(&found) == 0);
    assert(journals_new(&journals, loop, &(struct journals_into){ .shm = shm, .found = found }) ==
           0);
}

static void put(u32 slot, u32 type)
{
    CHECK(shm_journal_put(&shm->journal[slot], type, FIXTURE_NOW, "x", 1));
}

static void what_no_handler_knows_is_counted(void)
{
    begin();
    put(0, SHM_RECORD_NONE);
    put(2, 4000000000u);
    CHECK_EQ(journals_read(journals, FIXTURE_NOW), 2);
    CHECK_EQ(journals_read(journals, FIXTURE_NOW), 0);
    for (u32 i = 0; i < SHM_SLOTS_MAX; i++) /* writers see how far we are */
        CHECK_EQ(shm_journal_unread(&shm->journal[i]), 0);
    CHECK_EQ(journals_sums(journals).unknown, 2);
    CHECK_EQ(journals_sums(journals).records, 0);
    CHECK_EQ(journals_sums(journals).lost_bytes, 0);
}

static void slots_that_were_never_used_are_not_looked_at(void)
{
    begin();
    put(shm->slots_used, 1);
    CHECK_EQ(journals_read(journals, FIXTURE_NOW), 0);
}

static void what_is_overwritten_is_counted_and_reading_goes_on(void)
{
    static const char large[SHM_RECORD_MAX];

    begin();
    for (u32 i = 0; i < 10; i++)
        CHECK(shm_journal_put(&shm->journal[1], 1, 0, large, sizeof(large)));
    CHECK_EQ(journals_read(journals, FIXTURE_NOW), 0);
    CHECK(journals_sums(journals).lost_bytes >= 10 * sizeof(large));
    put(1, SHM_RECORD_NONE);
    CHECK_EQ(journals_read(journals, FIXTURE_NOW), 1);
}

static void a_ring_of_garbage_does_no_harm(void)
{
    begin();
    memset(shm->journal[0].ring, 0xa5, sizeof(shm->journal[0].ring));
    shm->journal[0].tail = 12345;
    shm->journal[0].reserved = 3;
    CHECK_EQ(journals_read(journals, FIXTURE_NOW), 0);
    shm->journal[0].tail = 7; /* backwards */
    CHECK_EQ(journals_read(journals, FIXTURE_NOW), 0);
}

static void one_ring_does_not_keep_it_from_the_others(void)
{
    begin();
    for (u32 i = 0; i < 1000; i++)
        put(0, SHM_RECORD_NONE);
    put(1, SHM_RECORD_NONE);
    CHECK(journals_read(journals, FIXTURE_NOW) < 1000);
    CHECK_EQ(journals_sums(journals).lost_bytes, 0);
    while (journals_read(journals, FIXTURE_NOW))
        ;
    CHECK_EQ(journals_sums(journals).unknown, 1001);
}

static void what_was_there_before_is_not_told_again(void)
{
    begin();
    put(0, SHM_RECORD_NONE);
    journals_free(journals);
    assert(journals_new(&journals, loop, &(struct journals_into){ .shm = shm, .found = found }) ==
           0);
    CHECK_EQ(journals_read(journals, FIXTURE_NOW), 0);
}

int main(void)
{
    freopen("/dev/null", "w", stderr) ? (void)0 : abort();
    TEST(what_no_handler_knows_is_counted);
    TEST(slots_that_were_never_used_are_not_looked_at);
    TEST(what_is_overwritten_is_counted_and_reading_goes_on);
    TEST(a_ring_of_garbage_does_no_harm);
    TEST(one_ring_does_not_keep_it_from_the_others);
    TEST(what_was_there_before_is_not_told_again);
    journals_free(journals);
    loop_free(loop);
    found_free(found);
    free(shm);
    return tap_done();
}
