/* Spans of a worker's calls, on their way into the journal. */
#include "spans.h"

#include "journal.h"
#include "tap.h"

/* ---- the journal: what was put, and how much it takes ---- */

static char got[1 << 20];
static uint32_t got_len, room = UINT32_MAX, dropped;

uint32_t journal_put_many(enum shm_record_type type, const char *records, uint32_t bytes)
{
    uint32_t at = 0, len;

    CHECK_EQ(type, SHM_RECORD_SPAN);
    while (at < bytes) {
        memcpy(&len, records + at, sizeof len);
        if (sizeof len + len > room || got_len + sizeof len + len > sizeof got)
            break;
        memcpy(got + got_len, records + at, sizeof len + len);
        got_len += (uint32_t)sizeof len + len;
        room -= (uint32_t)sizeof len + len;
        at += (uint32_t)sizeof len + len;
    }
    return at;
}

bool journal_put(enum shm_record_type type, const void *payload, uint32_t len)
{
    (void)type, (void)payload, (void)len;
    return false;
}

void journal_dropped(void)
{
    dropped++;
}

/* The next record; false: there is none. Its attributes as "key=value key=value". */
static struct shm_span_reader span;
static char attributes[8192];
static uint32_t got_at;

static void attributes_read(void)
{
    size_t len = 0;

    attributes[0] = '\0';
    while (shm_span_next(&span)) {
        int64_t n;
        double d;

        len += (size_t)snprintf(attributes + len, sizeof attributes - len,
                                "%s%.*s=", len ? " " : "", span.attribute.key_len, span.key);
        memcpy(&n, span.value, span.attribute.value_len < 8 ? 0 : 8);
        memcpy(&d, &n, sizeof d);
        switch ((enum shm_attribute_type)span.attribute.type) {
        case SHM_ATTRIBUTE_TEXT:
            len += (size_t)snprintf(attributes + len, sizeof attributes - len, "%.*s",
                                    span.attribute.value_len, span.value);
            break;
        case SHM_ATTRIBUTE_INT:
            len +=
                (size_t)snprintf(attributes + len, sizeof attributes - len, "%lld", (long long)n);
            break;
        case SHM_ATTRIBUTE_DOUBLE:
            len += (size_t)snprintf(attributes + len, sizeof attributes - len, "%g", d);
            break;
        case SHM_ATTRIBUTE_BOOL:
            len += (size_t)snprintf(attributes + len, sizeof attributes - len, "%s",
                                    *span.value ? "true" : "false");
            break;
        }
    }
}

static bool next(void)
{
    uint32_t len;

    if (got_at == got_len)
        return false;
    memcpy(&len, got + got_at, sizeof len);
    CHECK(shm_span_read(&span, got + got_at + sizeof len, len));
    got_at += (uint32_t)sizeof len + len;
    attributes_read();
    return true;
}

static void begin(void)
{
    room = UINT32_MAX;
    spans_rows_take();
    got_len = got_at = dropped = 0;
}

static bool is_named(const char *name)
{
    return str_eq(str_make(span.name, span.span.name_len), str_of(name));
}

/* ---- */

#define PARENT "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

static struct calls_text text(const char *s)
{
    return (struct calls_text){ s, strlen(s) };
}

static uint32_t statement(enum shm_call_system system, const char *sql)
{
    uint32_t shape;

    return calls_statement(system, sql, strlen(sql), 0, &shape);
}

static void row(uint32_t parent, uint32_t number, uint32_t target)
{
    int at = (int)spans_rows.count++;

    spans_rows.row[at] = (struct spans_row){ parent, number, target, 1.5, 2.25 };
}

static void a_row_is_told_with_what_its_numbers_stand_for(void)
{
    struct spanrecord_target target = { text("db.example"), text("shop"), 5432 };

    begin();
    spans_origin(1e9);
    row(spans_parent(text(PARENT)),
        statement(SHM_CALL_POSTGRESQL, "SELECT * FROM orders WHERE id = 7 AND name = 'secret'"),
        spans_target(&target));
    CHECK_EQ(spans_rows_take(), 0);
    CHECK(next());
    CHECK(is_named("SELECT orders"));
    CHECK_STR(str_of(attributes),
              "db.system.name=postgresql db.operation.name=SELECT db.collection.name=orders "
              "db.namespace=shop server.address=db.example server.port=5432 "
              "db.query.text=select * from orders where id = $1 and name = $2");
    CHECK_EQ(span.span.kind, SHM_SPAN_CLIENT);
    CHECK_EQ(span.span.status, SHM_SPAN_UNSET);
    CHECK_EQ(span.span.begun_ns, 1001500000);
    CHECK_EQ(span.span.ended_ns, 1002250000);
    CHECK_EQ(span.span.trace[0], 0x0a);
    CHECK_EQ(span.span.trace[15], 0x9c);
    CHECK_EQ(span.span.parent[0], 0xb7);
    CHECK_EQ(span.span.parent[7], 0x31);
    CHECK(!next());
}

static void what_a_statement_does_is_kept_by_its_number_and_made_anew_for_the_next(void)
{
    static const struct {
        enum shm_call_system system;
        const char *statement, *name;
    } all[] = {
        { SHM_CALL_MYSQL, "INSERT INTO `order lines` VALUES (1)", "INSERT order lines" },
        { SHM_CALL_SQLITE, "UPDATE t SET a = 1", "UPDATE t" },
        { SHM_CALL_SQLITE, "DELETE FROM \"T\" WHERE a = 1", "DELETE T" },
        { SHM_CALL_SQLITE, "BEGIN", "sqlite" },
        { SHM_CALL_REDIS, "GET user:*", "GET" },
        { SHM_CALL_MONGODB, "find users (id)", "find users" },
    };
    uint32_t parent = spans_parent(text(PARENT));

    begin();
    for (int twice = 0; twice < 2; twice++)
        for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
            row(parent, statement(all[i].system, all[i].statement), 0);
            spans_rows_take();
            CHECK(next());
            CHECK(is_named(all[i].name));
        }
}

static void numbers_that_have_gone_leave_the_span_without_what_they_stood_for(void)
{
    uint32_t parent = spans_parent(text(PARENT)), first, made = 0;
    uint32_t target = spans_target(&(struct spanrecord_target){ .address = text("gone") });
    char sql[64];

    begin();
    first = statement(SHM_CALL_SQLITE, "SELECT gone FROM gone");
    row(parent, first, 0);
    spans_rows_take();
    CHECK(next());
    CHECK(is_named("SELECT gone"));
    for (int i = 0; i < CALLS_STATEMENTS_MAX; i++) {
        snprintf(sql, sizeof sql, "SELECT a%d FROM t", i);
        made = statement(SHM_CALL_SQLITE, sql);
    }
    CHECK_EQ(made % CALLS_STATEMENTS_MAX, first % CALLS_STATEMENTS_MAX);
    for (int i = 0; i < SPANS_TARGETS_MAX; i++)
        spans_target(&(struct spanrecord_target){ .address = text("other") });
    row(parent, first, target);
    row(parent, made, 0);
    spans_rows_take();
    CHECK(next());
    CHECK(is_named("other_sql"));
    CHECK_STR(str_of(attributes), "db.system.name=other_sql");
    CHECK(next());
    CHECK(is_named("SELECT t"));
}

static void rows_without_a_parent_that_is_known_are_dropped_and_counted(void)
{
    static const double bad[] = { 0, -1, 0.5, 1e300, 4e9 };
    uint32_t old = spans_parent(text(PARENT));

    begin();
    CHECK_EQ(spans_parent(text("00-zz")), 0);
    CHECK_EQ(spans_parent(text("")), 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        spans_rows.row[i] = (struct spans_row){ .parent = bad[i] };
    spans_rows.count = sizeof bad / sizeof *bad;
    for (int i = 0; i < SPANS_PARENTS_MAX; i++)
        spans_parent(text(PARENT));
    row(old, 0, 0);
    CHECK_EQ(spans_rows_take(), 0);
    CHECK(!next());
    CHECK_EQ(dropped, sizeof bad / sizeof *bad + 1);
}

static void a_count_that_makes_no_sense_is_no_row_too_many(void)
{
    begin();
    memset(spans_rows.row, 0, sizeof spans_rows.row);
    spans_rows.count = 1e9;
    spans_rows_take();
    CHECK_EQ(dropped, SPANS_ROWS_MAX);
    spans_rows.count = 0.0 / 0.0;
    spans_rows_take();
    CHECK_EQ(dropped, SPANS_ROWS_MAX);
    CHECK(spans_rows.count == 0);
}

static void a_request_has_its_method_its_status_and_its_id(void)
{
    struct spanrecord_call call = { .system = SHM_CALL_HTTP,
                                    .method = text("GET"),
                                    .url = text("https://example/a?b=REDACTED"),
                                    .target = { .address = text("example"), .port = 443 },
                                    .error = text("503"),
                                    .status = 503 };

    begin();
    CHECK(spanrecord_parent(text(PARENT), &call.parent));
    spanrecord_id(text("00000000000000ff"), call.span);
    CHECK(spans_call(&call) > 0);
    CHECK_EQ(spans_flush(), 0);
    CHECK(next());
    CHECK(is_named("GET"));
    CHECK_STR(str_of(attributes), "http.request.method=GET http.response.status_code=503 "
                                  "server.address=example server.port=443 error.type=503 "
                                  "url.full=https://example/a?b=REDACTED");
    CHECK_EQ(span.span.status, SHM_SPAN_ERROR);
    CHECK_EQ(span.span.span[7], 0xff);
    spanrecord_id(text("xx"), call.span);
    CHECK_EQ(call.span[7], 0);
}

static void what_the_app_measures_has_its_details(void)
{
    struct spanrecord_inner inner = {
        .name = text("checkout"),
        .begun_ns = 5,
        .ended_ns = 9,
        .attribute = { { text("a"), SHM_ATTRIBUTE_TEXT, text("b"), 0 },
                       { text("n"), SHM_ATTRIBUTE_INT, { 0 }, -3 },
                       { text("d"), SHM_ATTRIBUTE_DOUBLE, { 0 }, 0.5 },
                       { text("yes"), SHM_ATTRIBUTE_BOOL, { 0 }, 1 } },
        .attributes = 4,
    };
    char long_text[5000];

    begin();
    memset(long_text, 'x', sizeof long_text);
    spanrecord_parent(text(PARENT), &inner.parent);
    spans_inner(&inner);
    inner.attributes = SPANRECORD_ATTRIBUTES_MAX + 9;
    for (int i = 0; i < SPANRECORD_ATTRIBUTES_MAX; i++)
        inner.attribute[i] = (struct spanrecord_attribute){
            { long_text, sizeof long_text }, SHM_ATTRIBUTE_TEXT, { long_text, sizeof long_text }, 0
        };
    spans_inner(&inner);
    spans_flush();
    CHECK(next());
    CHECK(is_named("checkout"));
    CHECK_EQ(span.span.kind, SHM_SPAN_INTERNAL);
    CHECK_STR(str_of(attributes), "a=b n=-3 d=0.5 yes=true");
    CHECK(next());
    CHECK(strlen(attributes) <= SPANRECORD_MAX);
}

static void what_has_no_room_waits_in_order_and_then_is_dropped(void)
{
    uint32_t parent = spans_parent(text(PARENT)), n, waiting = 0, before;
    uint32_t number = statement(SHM_CALL_SQLITE, "SELECT a FROM t WHERE b = 1");

    begin();
    room = 0;
    for (n = 0; dropped == 0; n++) {
        spans_rows.count = 0;
        spans_rows.row[0] = (struct spans_row){ parent, number, 0, n, n };
        spans_rows.count = 1;
        before = waiting;
        waiting = spans_rows_take();
        CHECK(waiting <= SPANS_WAITING_MAX && waiting >= before);
    }
    CHECK_EQ(got_len, 0);
    for (uint32_t told = 0; told < n - 1;) { /* a little at a time, while more come */
        room = 5000;
        got_len = got_at = 0;
        spans_flush();
        while (next())
            CHECK_EQ(span.span.begun_ns, spans_ns(told++));
    }
    CHECK_EQ(spans_flush(), 0);
    CHECK_EQ(dropped, 1);
}

int main(void)
{
    TEST(a_row_is_told_with_what_its_numbers_stand_for);
    TEST(what_a_statement_does_is_kept_by_its_number_and_made_anew_for_the_next);
    TEST(numbers_that_have_gone_leave_the_span_without_what_they_stood_for);
    TEST(rows_without_a_parent_that_is_known_are_dropped_and_counted);
    TEST(a_count_that_makes_no_sense_is_no_row_too_many);
    TEST(a_request_has_its_method_its_status_and_its_id);
    TEST(what_the_app_measures_has_its_details);
    TEST(what_has_no_room_waits_in_order_and_then_is_dropped);
    return tap_done();
}
