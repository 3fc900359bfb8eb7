/* Statements that take long: which are, what is said of them, and what their records may hold. */
#include "admin/slow_statement.h"
#include "base/clock.h"
#include "tap.h"

#define MS NS_PER_MS

static char payload[8192];

static struct queries_statement of(u64 count, u64 slow, u64 each_ns, u64 requests_ns)
{
    static char text[] = "select * from orders where user_id = $1";

    return (struct queries_statement){
        .system = SHM_CALL_POSTGRESQL,
        .statement = text,
        .hash = 0x4f2a91c000000001,
        .recent = { count, count * each_ns, requests_ns, slow },
    };
}

static bool is_slow(u64 count, u64 slow, u64 each_ns, u64 requests_ns)
{
    struct queries_statement s = of(count, slow, each_ns, requests_ns);

    return slow_statement_is(&s, 100 * MS);
}

static void one_in_twenty_makes_a_statement_slow(void)
{
    CHECK(is_slow(5, 5, 150 * MS, 5000 * MS));
    CHECK(is_slow(100, 5, 10 * MS, 9999 * MS));
    CHECK(!is_slow(4, 4, 150 * MS, 5000 * MS)); /* a cold cache */
    CHECK(!is_slow(120, 5, 10 * MS, 9999 * MS));
    CHECK(!is_slow(2000, 99, 10 * MS, 99999 * MS));
    CHECK(is_slow(2000, 100, 10 * MS, 99999 * MS));
}

static void one_that_most_of_its_requests_time_goes_to_is_slow(void)
{
    CHECK(is_slow(20, 0, 25 * MS, 1000 * MS));
    CHECK(!is_slow(19, 0, 25 * MS, 19 * 50 * MS));
    CHECK(!is_slow(20, 0, 24 * MS, 900 * MS));     /* quick enough */
    CHECK(!is_slow(20, 0, 30 * MS, 20 * 61 * MS)); /* others take more */
}

static void what_is_switched_off_is_never_slow(void)
{
    struct queries_statement s = of(5, 5, 150 * MS, 750 * MS);

    CHECK(!slow_statement_is(&s, 0));
}

static void what_waits_on_purpose_is_none(void)
{
    CHECK(slow_statement_waits(SHM_CALL_POSTGRESQL, STR("select pg_sleep($1)")));
    CHECK(slow_statement_waits(SHM_CALL_POSTGRESQL, STR("SELECT PG_ADVISORY_LOCK ($1)")));
    CHECK(slow_statement_waits(SHM_CALL_MYSQL, STR("do sleep(?)")));
    CHECK(slow_statement_waits(SHM_CALL_MYSQL, STR("select get_lock(?, ?)")));
    CHECK(!slow_statement_waits(SHM_CALL_MYSQL, STR("select sleep from nights")));
    CHECK(!slow_statement_waits(SHM_CALL_MYSQL, STR("select `sleep`(1)")));
    CHECK(!slow_statement_waits(SHM_CALL_SQLITE, STR("select 'sleep(' from orders")));
    CHECK(slow_statement_waits(SHM_CALL_REDIS, STR("BLPOP queue:*")));
    CHECK(!slow_statement_waits(SHM_CALL_REDIS, STR("LPOP queue:*")));
    CHECK(!slow_statement_waits(SHM_CALL_MONGODB, STR("find sleep (id)")));
    CHECK(slow_statement_waits(SHM_CALL_HTTP, STR("GET http://localhost/")));
}

static void advice_is(enum shm_call_system system, const char *statement, const char *want)
{
    AUTO(buf_done) struct buf out = { 0 };
    struct queries_statement s = of(1, 1, 1, 1);
    char text[100];

    snprintf(text, sizeof(text), "%s", statement);
    s.system = system;
    s.statement = text;
    slow_statement_advice(&out, &s, STR("shop"));
    CHECK(str_starts(buf_str(&out), str_of(want)));
    CHECK(out.len < 200); /* room for an app's name in what the table of findings keeps */
}

static void advice_is_what_to_type(void)
{
    advice_is(SHM_CALL_POSTGRESQL, "select 1 from a",
              "fettle sql explain --db postgresql://… shop 4f2a91c0 says what");
    advice_is(SHM_CALL_MYSQL, "delete from a",
              "fettle sql explain --db mysql://… shop 4f2a91c0 says what");
    advice_is(SHM_CALL_SQLITE, "select 1 from a",
              "fettle sql explain --db sqlite:FILE shop 4f2a91c0 says what");
    advice_is(SHM_CALL_POSTGRESQL, "commit", "It has no plan");
    advice_is(SHM_CALL_MONGODB, "find users (email)", "Look at its explain()");
    advice_is(SHM_CALL_REDIS, "KEYS *", "Ask for less at a time");
}

static u32 statement_record(u32 count, u64 ns, u32 bucket)
{
    struct shm_calls_statement r = { .hash = 7,
                                     .system = SHM_CALL_SQLITE,
                                     .count = count,
                                     .rows_of = count,
                                     .rows = 3 * (u64)count,
                                     .total_ns = count * ns,
                                     .max_ns = ns,
                                     .requests_ns = 2 * count * ns,
                                     .route_len = 6,
                                     .statement_len = 8 };

    r.bucket[bucket] = count;
    memcpy(payload, &r, sizeof(r));
    memcpy(payload + sizeof(r), "GET /aselect 1", 14);
    return (u32)sizeof(r) + 14;
}

static void sums_are_kept_and_the_recent_ones_count(void)
{
    struct queries *q;
    const struct queries_statement *s = NULL;
    const struct shm_calls_slow slow = { .hash = 7, .system = SHM_CALL_SQLITE, .slow = 10 };
    AUTO(buf_done) struct buf out = { 0 };

    assert(queries_new(&q) == 0);
    CHECK(!queries_slow_add(q, 0, STR("GET /a"), &slow));
    CHECK(!queries_slow_add(q, 0, (struct str){ 0 }, &slow));
    for (u32 i = 0; i < 1000; i++) {
        CHECK(queries_statement_add(q, 0, 1, payload, statement_record(10, MS, 13)));
        s = queries_slow_add(q, 0, STR("GET /a"), &slow);
    }
    CHECK(s && s->count == 10000 && s->bucket[13] == 10000 && s->rows == 30000);
    CHECK(s && s->recent.count >= 1000 && s->recent.count <= 2060);
    CHECK(s && s->recent.slow >= s->recent.count - 10 && s->recent.slow <= s->recent.count + 10);
    CHECK(s && s->recent.requests_ns - 2 * s->recent.total_ns <= 8); /* of halves */
    if (s)
        slow_statement_evidence(&out, s);
    CHECK_STR(buf_str(&out),
              "p50 0.7 ms, p99 0.9 ms, at the longest 1.0 ms; 10000 times, 10.0 s in "
              "all, 50 % of its requests' time; 3 rows each\n");
    queries_free(q);
}

static void bounds_are_those_of_the_records(void)
{
    for (u32 i = 0; i + 1 < SHM_CALL_BUCKETS; i++)
        CHECK_EQ(queries_le_ns[i], shm_call_le_ns(i));
    CHECK_EQ(shm_call_le_ns(0), 10000);
    CHECK_EQ(shm_call_le_ns(42), 10000ull << 21);
}

static void a_record_that_makes_no_sense_is_left_out(void)
{
    struct shm_calls_slow h = { .route_len = 3, .file_len = 2, .place_len = 4 };
    struct queries_slow out;

    memcpy(payload, &h, sizeof(h));
    memcpy(payload + sizeof(h), "abcdefghi", 9);
    for (u32 i = 0; i < sizeof(h) + 9; i++)
        CHECK(!queries_slow_read(&out, payload, i));
    CHECK(queries_slow_read(&out, payload, sizeof(h) + 9));
    CHECK_STR(out.route, "abc");
    CHECK_STR(out.file, "de");
    CHECK_STR(out.place, "fghi");
    h.system = SHM_CALL_SYSTEMS;
    memcpy(payload, &h, sizeof(h));
    CHECK(!queries_slow_read(&out, payload, sizeof(h) + 9));
}

int main(void)
{
    TEST(one_in_twenty_makes_a_statement_slow);
    TEST(one_that_most_of_its_requests_time_goes_to_is_slow);
    TEST(what_is_switched_off_is_never_slow);
    TEST(what_waits_on_purpose_is_none);
    TEST(advice_is_what_to_type);
    TEST(sums_are_kept_and_the_recent_ones_count);
    TEST(bounds_are_those_of_the_records);
    TEST(a_record_that_makes_no_sense_is_left_out);
    return tap_done();
}
