/* The ring of records from a Node process to the monitor. */
#include "shm/journal.h"

#include "base/base.h"
#include "tap.h"

#include <pthread.h>
#include <sched.h>

static struct shm_journal journal;
static char payload[SHM_RECORD_MAX];

static void put_text(const char *text)
{
    CHECK(shm_journal_put(&journal, 1, 7, text, (u32)strlen(text)));
}

static void records_come_in_order(void)
{
    struct shm_record r;
    u64 at = 0, lost = 0;

    put_text("one");
    put_text("two and a half");
    CHECK(shm_journal_get(&journal, &at, &r, payload, &lost) && r.len == 3 && r.type == 1 &&
          r.at_ns == 7 && memcmp(payload, "one", 3) == 0);
    CHECK(shm_journal_get(&journal, &at, &r, payload, &lost) && r.len == 14 &&
          memcmp(payload, "two and a half", 14) == 0);
    CHECK(!shm_journal_get(&journal, &at, &r, payload, &lost) && lost == 0);
}

static void what_is_too_long_is_refused(void)
{
    u64 tail = journal.tail;

    CHECK(!shm_journal_put(&journal, 1, 0, payload, SHM_RECORD_MAX + 1) && journal.tail == tail);
}

static void records_cross_the_end_of_the_ring(void)
{
    struct shm_record r;
    u64 at = journal.tail, lost = 0;
    bool same = true;

    for (u32 i = 0; i < 1000 && same; i++) {
        char text[900];
        u32 len = 1 + i * 7 % 899;

        memset(text, (int)('a' + i % 26), len);
        same = shm_journal_put(&journal, 2, i, text, len) &&
               shm_journal_get(&journal, &at, &r, payload, &lost) && r.len == len && r.at_ns == i &&
               memcmp(payload, text, len) == 0;
    }
    CHECK(same && lost == 0);
}

static void what_was_overwritten_is_lost_and_counted(void)
{
    struct shm_record r;
    u64 at = journal.tail, lost = 0, begin = at;

    for (u32 i = 0; i < 100; i++)
        CHECK(shm_journal_put(&journal, 1, i, payload, 1000));
    CHECK(!shm_journal_get(&journal, &at, &r, payload, &lost) && lost == journal.tail - begin);
    put_text("after");
    CHECK(shm_journal_get(&journal, &at, &r, payload, &lost) && r.len == 5);
}

static void a_writer_that_died_costs_its_own_record_only(void)
{
    struct shm_record r;
    u64 at = journal.tail, lost = 0;

    put_text("whole");
    journal.reserved += 512; /* it was about to write 512 bytes */
    memset(journal.ring + journal.tail % SHM_JOURNAL_BYTES, 'x', 8);
    CHECK(shm_journal_get(&journal, &at, &r, payload, &lost) && r.len == 5);
    shm_journal_take(&journal);
    put_text("the next");
    CHECK(!shm_journal_get(&journal, &at, &r, payload, &lost) && lost > 0);
    put_text("and on");
    CHECK(shm_journal_get(&journal, &at, &r, payload, &lost) && r.len == 6);
}

static void a_hostile_writer_leads_nobody_out_of_the_ring(void)
{
    struct shm_record r;
    u64 at = journal.tail, lost = 0;
    u32 len = UINT32_MAX - 3;

    put_text("evil");
    memcpy(journal.ring + at % SHM_JOURNAL_BYTES + offsetof(struct shm_record, len), &len, 4);
    CHECK(!shm_journal_get(&journal, &at, &r, payload, &lost));
    at = journal.tail;
    journal.tail = at + 4;
    CHECK(!shm_journal_get(&journal, &at, &r, payload, &lost));
    journal.tail = 0;
    CHECK(!shm_journal_get(&journal, &at, &r, payload, &lost) && at == 0);
}

enum { SEEN_ENOUGH = 20000 };
static const u64 WRITTEN_MAX = 4ull << 30; /* bytes */
static atomic_bool seen_enough;

static void *writes(void *arg)
{
    struct shm_journal *j = arg;
    u64 text[64];

    for (u64 i = 0; j->tail < WRITTEN_MAX && !seen_enough; i++) {
        u32 len = (u32)(8 + i % 57 * 8);

        for (u32 k = 0; k < len / 8; k++)
            text[k] = i;
        if (!shm_journal_put(j, 3, i, text, len))
            return arg;
        /* Where both share a CPU, the reader comes to it before all of the ring is overwritten. */
        if (i % 128 == 0)
            sched_yield();
    }
    return NULL;
}

static void a_reader_beside_the_writer_sees_whole_records_only(void)
{
    static struct shm_journal j;
    struct shm_record r;
    u64 at = 0, lost = 0, seen = 0, torn = 0;
    pthread_t thread;
    void *failed;

    CHECK(pthread_create(&thread, NULL, writes, &j) == 0);
    while (seen < SEEN_ENOUGH && j.tail < WRITTEN_MAX) {
        if (!shm_journal_get(&j, &at, &r, payload, &lost)) {
            sched_yield();
            continue;
        }
        const u64 *words = (const u64 *)(void *)payload;

        seen++;
        for (u32 k = 0; k < r.len / 8; k++)
            torn += words[k] != r.at_ns;
    }
    seen_enough = true;
    CHECK(pthread_join(thread, &failed) == 0);
    CHECK(!failed && torn == 0 && seen == SEEN_ENOUGH);
}

int main(void)
{
    TEST(records_come_in_order);
    TEST(what_is_too_long_is_refused);
    TEST(records_cross_the_end_of_the_ring);
    TEST(what_was_overwritten_is_lost_and_counted);
    TEST(a_writer_that_died_costs_its_own_record_only);
    TEST(a_hostile_writer_leads_nobody_out_of_the_ring);
    TEST(a_reader_beside_the_writer_sees_whole_records_only);
    return tap_done();
}
