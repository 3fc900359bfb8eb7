/* What requests ask of others: the table, what records may hold, and what is advised. */
#include "admin/queries.h"
#include "admin/remedy.h"
#include "tap.h"

static char payload[8192];

static u32 route_record(const char *route, u32 requests, u32 queries)
{
    struct shm_calls_route r = { .requests = requests,
                                 .queries = queries,
                                 .route_len = (u32)strlen(route) };

    memcpy(payload, &r, sizeof(r));
    memcpy(payload + sizeof(r), route, r.route_len);
    return (u32)sizeof(r) + r.route_len;
}

static u32 statement_record(const char *route, const char *statement, u64 hash, u32 count, u64 ns)
{
    struct shm_calls_statement r = { .hash = hash,
                                     .system = SHM_CALL_SQLITE,
                                     .count = count,
                                     .total_ns = ns,
                                     .max_ns = ns,
                                     .route_len = (u32)strlen(route),
                                     .statement_len = (u32)strlen(statement) };

    memcpy(payload, &r, sizeof(r));
    memcpy(payload + sizeof(r), route, r.route_len);
    memcpy(payload + sizeof(r) + r.route_len, statement, r.statement_len);
    return (u32)sizeof(r) + r.route_len + r.statement_len;
}

static void what_routes_ask_is_added_up(void)
{
    struct queries *q;
    const struct queries_route *r;
    const struct queries_statement *s;

    assert(queries_new(&q) == 0);
    CHECK(queries_route_add(q, 1, 10, payload, route_record("GET /a", 2, 6)));
    CHECK(queries_route_add(q, 1, 20, payload, route_record("GET /a", 1, 3)));
    CHECK(queries_route_add(q, 2, 20, payload, route_record("GET /a", 7, 7)));
    r = queries_route_find(q, 1, STR("GET /a"));
    CHECK(r && r->requests == 3 && r->queries == 9);
    CHECK(!queries_route_find(q, 3, STR("GET /a")));
    CHECK(!queries_route_find(q, 0, STR("")));

    CHECK(
        queries_statement_add(q, 1, 10, payload, statement_record("GET /a", "select 1", 1, 1, 5)));
    CHECK(
        queries_statement_add(q, 1, 10, payload, statement_record("GET /a", "select 2", 2, 1, 9)));
    CHECK(
        queries_statement_add(q, 1, 10, payload, statement_record("GET /a", "select 1", 1, 3, 6)));
    s = queries_slowest(q, 1, STR("GET /a"));
    CHECK(s && s->count == 4 && s->total_ns == 11 && s->max_ns == 6);
    CHECK_STR(str_of(s ? s->statement : ""), "select 1");
    queries_free(q);
    queries_free(NULL);
}

static void the_table_is_of_one_size(void)
{
    struct queries *q;
    char route[32];
    u32 n = 0;

    assert(queries_new(&q) == 0);
    for (u32 i = 0; i < 20000; i++) {
        snprintf(route, sizeof(route), "GET /%u", i);
        CHECK(queries_route_add(q, 0, i, payload, route_record(route, 1, 1)));
        CHECK(queries_statement_add(q, 0, i, payload, statement_record(route, "select", i, 1, 1)));
    }
    CHECK(queries_route_find(q, 0, str_of(route)) != NULL);
    for (u32 i = 0; i < QUERIES_ROUTES_MAX; i++)
        n += queries_route_at(q, i) != NULL;
    CHECK(n > QUERIES_ROUTES_MAX / 2);
    CHECK(!queries_route_at(q, QUERIES_ROUTES_MAX));
    CHECK(!queries_statement_at(q, QUERIES_STATEMENTS_MAX));
    queries_free(q);
}

static void a_record_that_makes_no_sense_is_left_out(void)
{
    struct queries *q;
    struct queries_repeated repeated;
    struct shm_calls_repeated h = { .requests = 1, .route_len = 3, .via_len = 4 };
    u32 len = route_record("GET /a", 1, 1);

    assert(queries_new(&q) == 0);
    for (u32 i = 0; i < len; i++)
        CHECK(!queries_route_add(q, 0, 1, payload, i));
    len = route_record("", 1, 1);
    CHECK(!queries_route_add(q, 0, 1, payload, len));
    len = statement_record("GET /a", "select", 1, 1, 1);
    for (u32 i = 0; i < len; i++)
        CHECK(!queries_statement_add(q, 0, 1, payload, i));
    memcpy(payload, &h, sizeof(h));
    memcpy(payload + sizeof(h), "abcdefg", 7);
    CHECK(!queries_repeated_read(&repeated, payload, sizeof(h) + 6));
    CHECK(queries_repeated_read(&repeated, payload, sizeof(h) + 7));
    CHECK_STR(repeated.route, "abc");
    CHECK_STR(repeated.via, "defg");
    h.system = SHM_CALL_SYSTEMS;
    memcpy(payload, &h, sizeof(h));
    CHECK(!queries_repeated_read(&repeated, payload, sizeof(h) + 7));
    h = (struct shm_calls_repeated){ .route_len = UINT32_MAX, .via_len = 8 };
    memcpy(payload, &h, sizeof(h));
    CHECK(!queries_repeated_read(&repeated, payload, sizeof(h) + 7));
    queries_free(q);
}

static void a_pair_of_statements_is_read_or_left_out(void)
{
    struct queries_sequential pair;
    struct shm_calls_sequential h = { .requests = 1, .route_len = 2, .second_len = 3 };

    memcpy(payload, &h, sizeof(h));
    memcpy(payload + sizeof(h), "abcde", 5);
    for (u32 i = 0; i < sizeof(h) + 5; i++)
        CHECK(!queries_sequential_read(&pair, payload, i));
    CHECK(queries_sequential_read(&pair, payload, sizeof(h) + 5));
    CHECK_STR(pair.route, "ab");
    CHECK_STR(pair.second, "cde");
}

static void advice_is(enum shm_call_system system, const char *statement, const char *via,
                      const char *want)
{
    AUTO(buf_done) struct buf out = { 0 };

    remedy_write(&out, &(struct remedy_case){
                           .system = system, .statement = str_of(statement), .via = str_of(via) });
    CHECK_STR(buf_str(&out), want);
    CHECK(out.len < 256); /* what the table of findings keeps */
}

static void advice_is_for_the_statement_and_its_library(void)
{
    advice_is(
        SHM_CALL_POSTGRESQL, "select * from users where id = $1", "pg",
        "Ask once for all of them: WHERE id = ANY($1), or join users in the statement before.");
    advice_is(SHM_CALL_MYSQL, "select * from `users` where `id` = ?", "mysql2",
              "Ask once for all of them: WHERE `id` IN (?, ?, …), or join `users` in the statement "
              "before.");
    advice_is(SHM_CALL_POSTGRESQL, "select * from users where id = $1", "pg graphql",
              "Let the resolvers share a DataLoader that asks for many id at once.");
    advice_is(SHM_CALL_SQLITE, "insert into items (a) values (?)", "knex",
              "Insert all rows with one statement: INSERT INTO items (…) VALUES (…), (…), … With "
              "Knex: .insert([…]).");
    advice_is(SHM_CALL_POSTGRESQL, "update t set a = $1 where id = $2", "",
              "Update all rows with one statement: UPDATE t SET … FROM (VALUES …) AS v (id, …) "
              "WHERE t.id = v.id.");
    advice_is(SHM_CALL_POSTGRESQL, "delete from t where id = $1", "",
              "Delete all of them with one statement: DELETE FROM t WHERE id = ANY($1).");
    advice_is(SHM_CALL_REDIS, "GET user:*", "",
              "Ask once for all of them: MGET, or send them together in a pipeline.");
    advice_is(SHM_CALL_OTHER, "", "", "");
}

int main(void)
{
    TEST(what_routes_ask_is_added_up);
    TEST(the_table_is_of_one_size);
    TEST(a_record_that_makes_no_sense_is_left_out);
    TEST(a_pair_of_statements_is_read_or_left_out);
    TEST(advice_is_for_the_statement_and_its_library);
    return tap_done();
}
