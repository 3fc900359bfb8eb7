#include "finding/opened.h"
#include "tap.h"

static struct {
    struct shm_opened head;
    char text[1000];
} record;
static struct opened out;

static bool read_of(u32 kind, const char *text)
{
    record.head = (struct shm_opened){ kind, 60, 40, (u32)strlen(text) };
    memcpy(record.text, text, strlen(text));
    return opened_read(&out, &record, sizeof(record.head) + strlen(text));
}

static void places_have_numbers_names_and_stacks(void)
{
    CHECK(read_of(SHM_OPENED_SOCKETS,
                  "12 0 14 5 3\nconnect\n/app/a.js\n    at connect (/app/a.js:5:3)"
                  "\n    at /app/b.js:1:1\n\n3 1 3 0 0\n\n\n\n"));
    CHECK_EQ(out.kind, SHM_OPENED_SOCKETS);
    CHECK_EQ(out.seconds, 60);
    CHECK_EQ(out.opened, 40);
    CHECK_EQ(out.places, 2);
    CHECK_EQ(out.alive, 15);
    CHECK_EQ(out.expiring, 1);
    CHECK_EQ(out.place[0].alive, 12);
    CHECK_EQ(out.place[0].opened, 14);
    CHECK_EQ(out.place[0].line, 5);
    CHECK_EQ(out.place[0].column, 3);
    CHECK_STR(out.place[0].function, "connect");
    CHECK_STR(out.place[0].file, "/app/a.js");
    CHECK_STR(out.place[0].stack, "    at connect (/app/a.js:5:3)\n    at /app/b.js:1:1");
    CHECK_EQ(out.place[1].function.len, 0);
    CHECK_EQ(out.place[1].stack.len, 0);
}

static void there_may_be_none(void)
{
    CHECK(read_of(SHM_OPENED_TIMERS, ""));
    CHECK_EQ(out.places, 0);
}

static void what_makes_no_sense_is_passed_over(void)
{
    CHECK(!read_of(SHM_OPENED_NONE, ""));
    CHECK(!read_of(SHM_OPENED_KINDS, ""));
    CHECK(read_of(SHM_OPENED_FILES, "twelve 0 0 0 0\n\n\n\n"));
    CHECK_EQ(out.places, 0);
    CHECK(read_of(SHM_OPENED_FILES, "1 2 3"));
    CHECK_EQ(out.places, 0);
    CHECK(read_of(SHM_OPENED_FILES, "1 2 3 4 5"));
    CHECK_EQ(out.places, 1);
    CHECK_EQ(out.expiring, 1); /* not more than there are */
    record.head.text_len = 5000;
    CHECK(!opened_read(&out, &record, sizeof(record)));
    CHECK(!opened_read(&out, &record, 3));
}

static void there_are_no_more_places_than_there_is_room_for(void)
{
    static const char one[] = "1 0 1 1 1\nf\n/a.js\n\n";
    char text[2 * OPENED_PLACES_MAX * sizeof(one)];
    size_t len = 0;

    for (u32 i = 0; i < 2 * OPENED_PLACES_MAX; i++, len += sizeof(one) - 1)
        memcpy(text + len, one, sizeof(one));
    CHECK(read_of(SHM_OPENED_CHILDREN, text));
    CHECK_EQ(out.places, OPENED_PLACES_MAX);
}

int main(void)
{
    TEST(places_have_numbers_names_and_stacks);
    TEST(there_may_be_none);
    TEST(what_makes_no_sense_is_passed_over);
    TEST(there_are_no_more_places_than_there_is_room_for);
    return tap_done();
}
