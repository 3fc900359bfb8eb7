/* The table of what has been found. */
#include "finding/found.h"

#include "base/buf.h"
#include "base/clock.h"
#include "tap.h"

#define MS NS_PER_MS

static struct found *found;

static void begin(void)
{
    found_free(found);
    assert(found_new(&found) == 0);
}

static struct finding block(u64 at_ns, u64 took_ns)
{
    return (struct finding){ .kind = FINDING_SYNC_IO,
                             .worker = 1,
                             .at_ns = at_ns,
                             .took_ns = took_ns,
                             .route = STR("/report"),
                             .subject = STR("readFileSync"),
                             .function = STR("handler"),
                             .file = STR("/app/server.js"),
                             .line = 12,
                             .text = STR("at handler (/app/server.js:12:3)\n") };
}

static void every_kind_has_a_word_of_its_own(void)
{
    for (u32 i = FINDING_NONE + 1; i < FINDING_KINDS; i++) {
        CHECK(finding_word(i).len > 0 && finding_title(i).len > 0);
        for (u32 k = FINDING_NONE + 1; k < i; k++)
            CHECK(!str_eq(finding_word(i), finding_word(k)));
        CHECK_EQ(finding_is_block(i), str_starts(finding_word(i), STR("blocked-loop/")));
    }
    CHECK_EQ(finding_word(FINDING_NONE).len, 0);
    CHECK_EQ(finding_word(FINDING_KINDS).len, 0);
    CHECK(!finding_is_block(FINDING_NONE));
}

static void evidence_that_is_sums_is_the_newest(void)
{
    struct finding w = block(10 * MS, 300 * MS);
    const struct found_entry *e;
    bool news;
    u64 id;

    begin();
    w.kind = FINDING_SLOW_STATEMENT;
    w.count = 2;
    w.total_ns = 500 * MS;
    id = found_add(found, &w, &news);
    w.took_ns = 200 * MS;
    w.total_ns = 0;
    w.text = STR("newer\n");
    CHECK_EQ(found_add(found, &w, &news), id);
    e = found_get(found, id);
    CHECK_STR(e->finding.text, "newer\n");
    CHECK_EQ(e->finding.took_ns, 300 * MS);
    CHECK_EQ(e->finding.count, 4);
    CHECK_EQ(e->total_ns, 700 * MS);
}

static void what_is_found_again_is_counted(void)
{
    struct finding w = block(10 * MS, 100 * MS);
    const struct found_entry *e;
    bool news;
    u64 id;

    begin();
    id = found_add(found, &w, &news);
    CHECK(id && news);
    w = block(20 * MS, 300 * MS);
    w.worker = 3;
    w.text = STR("at other (/app/server.js:12:3)\n");
    CHECK_EQ(found_add(found, &w, &news), id);
    CHECK(!news);
    w = block(30 * MS, 200 * MS);
    CHECK_EQ(found_add(found, &w, &news), id);
    e = found_at(found, 0);
    CHECK_EQ(e->finding.count, 3);
    CHECK_EQ(e->finding.took_ns, 300 * MS);
    CHECK_EQ(e->total_ns, 600 * MS);
    CHECK_EQ(e->first_ns, 10 * MS);
    CHECK_EQ(e->last_ns, 30 * MS);
    CHECK_EQ(e->workers[0], 1u << 1 | 1u << 3);
    CHECK_STR(e->finding.text, "at other (/app/server.js:12:3)\n"); /* of its worst time */
    CHECK_STR(e->finding.advice, finding_advice(FINDING_SYNC_IO).ptr);
    CHECK(found_at(found, 1) == NULL);
    CHECK_EQ(found_total(found, 0, FINDING_SYNC_IO), 3);
}

static void how_soon_its_stack_was_there_is_of_the_newest_time(void)
{
    struct finding w = block(10 * MS, 300 * MS);
    bool news;

    begin();
    w.stack_ns = 32 * MS;
    u64 id = found_add(found, &w, &news);
    CHECK_EQ(found_get(found, id)->finding.stack_ns, 32 * MS);
    w = block(20 * MS, 400 * MS); /* the worst one is another matter */
    w.stack_ns = 31 * MS;
    found_add(found, &w, &news);
    CHECK_EQ(found_get(found, id)->finding.stack_ns, 31 * MS);
    w = block(15 * MS, 500 * MS); /* told of late */
    w.stack_ns = 40 * MS;
    found_add(found, &w, &news);
    CHECK_EQ(found_get(found, id)->finding.at_ns, 20 * MS);
    CHECK_EQ(found_get(found, id)->finding.stack_ns, 31 * MS);
    w = block(30 * MS, 100 * MS); /* had none */
    found_add(found, &w, &news);
    CHECK_EQ(found_get(found, id)->finding.stack_ns, 0);
}

static void another_place_route_subject_kind_or_app_is_another_entry(void)
{
    struct finding w = block(1, 1);
    bool news;

    begin();
    CHECK_EQ(found_add(found, &w, &news), 1);
    w.line++;
    CHECK_EQ(found_add(found, &w, &news), 2);
    w.route = STR("/other");
    CHECK_EQ(found_add(found, &w, &news), 3);
    w.subject = STR("statSync");
    CHECK_EQ(found_add(found, &w, &news), 4);
    w.kind = FINDING_JSON;
    CHECK_EQ(found_add(found, &w, &news), 5);
    w.app = 1;
    CHECK_EQ(found_add(found, &w, &news), 6);
    w.column++; /* of the same line */
    w.function = STR("anonymous");
    CHECK_EQ(found_add(found, &w, &news), 6);
}

static void it_is_news_at_powers_of_ten(void)
{
    struct finding w = block(1, 1);
    u32 told = 0;
    bool news;

    begin();
    for (u32 i = 1; i <= 1000; i++) {
        found_add(found, &w, &news);
        CHECK_EQ(news, i == 1 || i == 10 || i == 100 || i == 1000);
        told += news;
    }
    CHECK_EQ(told, 4);
    w.count = 20000; /* several at once */
    found_add(found, &w, &news);
    CHECK(news);
    found_add(found, &w, &news);
    CHECK(!news);
}

static void one_that_lasts_gets_longer(void)
{
    struct finding w = block(1, 100 * MS);
    bool news;

    begin();
    u64 id = found_add(found, &w, &news);
    found_lasts(found, id, 100 * MS, 400 * MS);
    found_lasts(found, id, 400 * MS, 300 * MS); /* makes no sense */
    found_lasts(found, id + 1, 0, NS_PER_S);    /* nobody's */
    found_lasts(found, 0, 0, NS_PER_S);
    CHECK_EQ(found_get(found, id)->total_ns, 400 * MS);
    CHECK_EQ(found_get(found, id)->finding.took_ns, 400 * MS);
    CHECK_EQ(found_get(found, id)->finding.count, 1);
}

static void one_that_was_another_is_taken_back(void)
{
    struct finding w = block(1, 100 * MS);
    bool news;

    begin();
    u64 id = found_add(found, &w, &news);
    CHECK_EQ(found_add(found, &w, &news), id);
    found_take_back(found, id, 100 * MS);
    CHECK_EQ(found_get(found, id)->finding.count, 1);
    CHECK_EQ(found_get(found, id)->total_ns, 100 * MS);
    found_take_back(found, id, 100 * MS);
    CHECK(!found_get(found, id));
    CHECK(!found_at(found, 0));
    CHECK_EQ(found_total(found, w.app, w.kind), 2);
    found_take_back(found, id, 100 * MS); /* nobody's by now */
}

static void the_one_seen_least_lately_goes(void)
{
    bool news;

    begin();
    for (u32 i = 0; i < FOUND_MAX; i++) {
        struct finding w = block(1000 + i, 1);
        w.line = i + 1;
        found_add(found, &w, &news);
    }
    struct finding again = block(5000, 1);
    again.line = 1;
    found_add(found, &again, &news);
    CHECK_EQ(found_evicted(found), 0);
    again.line = 100000;
    found_add(found, &again, &news);
    CHECK_EQ(found_evicted(found), 1);
    CHECK(found_get(found, 1) != NULL);
    CHECK(found_get(found, 2) == NULL);
    CHECK_EQ(found_total(found, 0, FINDING_SYNC_IO), FOUND_MAX + 2);
}

static void texts_are_bounded_at_whole_characters_and_lines(void)
{
    AUTO(buf_done) struct buf long_text = { 0 };
    struct finding w = block(1, 1);
    const struct found_entry *e;
    bool news;

    begin();
    for (u32 i = 0; i < 1000; i++)
        buf_add(&long_text, STR("at a line of ä stack\n"));
    w.text = buf_str(&long_text);
    w.route = str_make(long_text.ptr + 14, 1000); /* 0xa4 of an ä is the 256th byte or near */
    found_add(found, &w, &news);
    e = found_at(found, 0);
    CHECK(e->finding.text.len <= FOUND_TEXT_MAX && str_ends(e->finding.text, STR("stack\n")));
    CHECK(e->finding.route.len <= FOUND_NAME_MAX && e->finding.route.len > FOUND_NAME_MAX - 4);
}

static void what_makes_no_sense_is_not_kept(void)
{
    struct finding w = block(1, 1);
    bool news = true;

    begin();
    w.kind = FINDING_KINDS;
    CHECK_EQ(found_add(found, &w, &news), 0);
    CHECK(!news);
    w = block(1, 1);
    w.app = FOUND_APPS_MAX;
    CHECK_EQ(found_add(found, &w, &news), 0);
    CHECK(found_at(found, 0) == NULL);
}

static void an_app_that_is_gone_is_forgotten(void)
{
    struct finding w = block(1, 1);
    bool news;

    begin();
    found_add(found, &w, &news);
    w.app = 1;
    found_add(found, &w, &news);
    w.line = 7;
    w.app = 0;
    found_add(found, &w, &news);
    found_forget(found, 0);
    CHECK_EQ(found_at(found, 0)->finding.app, 1);
    CHECK(found_at(found, 1) == NULL);
}

int main(void)
{
    TEST(every_kind_has_a_word_of_its_own);
    TEST(evidence_that_is_sums_is_the_newest);
    TEST(what_is_found_again_is_counted);
    TEST(how_soon_its_stack_was_there_is_of_the_newest_time);
    TEST(another_place_route_subject_kind_or_app_is_another_entry);
    TEST(it_is_news_at_powers_of_ten);
    TEST(one_that_lasts_gets_longer);
    TEST(one_that_was_another_is_taken_back);
    TEST(the_one_seen_least_lately_goes);
    TEST(texts_are_bounded_at_whole_characters_and_lines);
    TEST(what_makes_no_sense_is_not_kept);
    TEST(an_app_that_is_gone_is_forgotten);
    found_free(found);
    return tap_done();
}
