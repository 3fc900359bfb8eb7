#include "base/buf.h"
#include "sql/candidate.h"
#include "sql/explainable.h"
#include "sql/model.h"
#include "sql/mysql_plan.h"
#include "sql/mysql_url.h"
#include "sql/pg_plan.h"
#include "sql/selection.h"
#include "sql/sqlite_plan.h"
#include "tap.h"

static struct demand demand;
static struct catalog catalog;

/* Two tables of 10,000 rows, with the columns that the statements below have. */
static void facts(void)
{
    static const char *const columns[] = { "id", "user_id", "status", "total", "at" };
    static const char *const tables[] = { "orders", "users" };

    catalog_done(&catalog);
    for (u32 i = 0; i < 2; i++) {
        struct catalog_table *t = catalog_add(&catalog, (struct str){ 0 }, str_of(tables[i]));

        t->rows = 10000;
        for (u32 k = 0; k < ARRAY_LEN(columns); k++)
            *catalog_add_column(t) = (struct catalog_column){ .name = str_of(columns[k]),
                                                              .distinct = k == 2 ? 3 : 1000,
                                                              .ordered = true };
        *catalog_add_index(t) =
            (struct catalog_index){ .name = STR("primary"), .column = { STR("id") }, .columns = 1 };
    }
}

static void read_statement(const char *statement)
{
    demand = (struct demand){ 0 };
    facts();
    CHECK_EQ(selection_read(&demand, str_of(statement), SQL_SQLITE, NULL), 0);
    CHECK_EQ(selection_read(&demand, str_of(statement), SQL_SQLITE, &catalog), 0);
}

/* "o.user_id= o.at<" and so on: alias, column, and what is asked of it. */
static void uses_write(struct buf *out)
{
    static const char *const sign[] = {
        [DEMAND_EQUAL] = "=",      [DEMAND_NULL] = " null",   [DEMAND_NOT_NULL] = " not null",
        [DEMAND_TRUE] = " true",   [DEMAND_FALSE] = " false", [DEMAND_RANGE] = "<",
        [DEMAND_PREFIX] = " like", [DEMAND_JOIN] = " join",   [DEMAND_ORDER] = " order",
        [DEMAND_GROUP] = " group",
    };

    for (u32 i = 0; i < demand.uses; i++) {
        const struct demand_use *u = &demand.use[i];

        buf_addf(out, "%s%.*s.%.*s%s%s", i ? ", " : "", STR_ARG(demand.table[u->table].alias),
                 STR_ARG(u->column), sign[u->kind], u->descending ? " desc" : "");
    }
}

#define USES(statement, want)                   \
    do {                                        \
        AUTO(buf_done) struct buf out_ = { 0 }; \
        read_statement(statement);              \
        uses_write(&out_);                      \
        CHECK_STR(buf_str(&out_), want);        \
    } while (0)

static void conditions_that_and_connects_are_read(void)
{
    USES("select * from orders where user_id = ? and (total > 5) and status in ('a', 'b')",
         "orders.user_id=, orders.total<, orders.status=");
    USES("select * from orders where ? = user_id and at between ? and ? and status is null",
         "orders.user_id=, orders.at<, orders.status null");
    USES("select * from orders where (at, id) < (?, ?) and status is not null",
         "orders.at<, orders.status not null");
    USES("select * from orders where status like 'x%' and total like '%x'", "orders.status like");
}

static void what_no_index_serves_is_left_out(void)
{
    USES("select * from orders where user_id = ? or total = ?", "");
    USES("select * from orders where not (user_id = 5) and total <> 4 and total + 1 = 5", "");
    USES("select * from orders where user_id not in (1, 2) and nosuch = 5", "");
    USES("select * from orders where user_id = 1 and (total = 1 or total = 2)", "orders.user_id=");
}

static void joins_and_scopes_are_read(void)
{
    USES("select * from orders o join users u on u.id = o.user_id where u.status = ?",
         "u.id join, o.user_id join, u.status=");
    USES("select * from users where id in (select user_id from orders where total = ?)",
         "users.id join, orders.total=");
    USES("select * from users u where exists (select 1 from orders where user_id = u.id)",
         "orders.user_id join, u.id join");
    USES("update orders set total = 1 where user_id = ?", "orders.user_id=");
    USES("delete from \"orders\" where [user_id] = ?", "orders.user_id=");
}

static void orders_and_groups_are_read(void)
{
    USES("select * from orders where user_id = ? order by at desc, id limit 5",
         "orders.user_id=, orders.at order desc, orders.id order");
    CHECK(demand.limited);
    USES("select status, count(*) from orders group by status order by count(*)",
         "orders.status group");
    USES("select * from orders o join users u on u.id = o.id order by o.at, u.at",
         "u.id join, o.id join");
}

static bool is_proposed(const char *columns)
{
    static struct candidate c[CANDIDATES_MAX];
    u32 count = candidates_make(&demand, &catalog, SQL_SQLITE, c, CANDIDATES_MAX);

    for (u32 i = 0; i < count; i++) {
        AUTO(buf_done) struct buf text = { 0 };

        candidate_columns_add(&text, &c[i], SQL_SQLITE);
        if (str_eq(buf_str(&text), str_of(columns)))
            return true;
    }
    return false;
}

static void equalities_come_before_a_range_or_the_order(void)
{
    read_statement("select * from orders where at > ? and user_id = ? order by total desc");
    CHECK(is_proposed("user_id, \"at\"") || is_proposed("user_id, at"));
    CHECK(is_proposed("user_id, total"));
    CHECK(is_proposed("user_id"));
    CHECK(!is_proposed("total, user_id"));
}

static void what_an_index_serves_already_is_no_candidate(void)
{
    read_statement("select * from orders where id = ?");
    CHECK(!is_proposed("id"));
}

static void small_and_unknown_tables_have_no_candidates(void)
{
    read_statement("with x as (select 1 user_id) select * from x where user_id = ?");
    CHECK(!is_proposed("user_id"));
    read_statement("select * from orders where user_id = ?");
    catalog.table[0].rows = 999;
    CHECK(!is_proposed("user_id"));
}

static void names_are_quoted_where_they_must_be(void)
{
    AUTO(buf_done) struct buf out = { 0 };

    candidate_quote(&out, STR("a"), SQL_POSTGRESQL);
    candidate_quote(&out, STR("Ab"), SQL_POSTGRESQL);
    candidate_quote(&out, STR("Ab"), SQL_MYSQL);
    candidate_quote(&out, STR("user"), SQL_POSTGRESQL);
    candidate_quote(&out, STR("a`b"), SQL_MYSQL);
    CHECK_STR(buf_str(&out), "a\"Ab\"Ab\"user\"`a``b`");
}

static void a_plan_of_postgresql_is_read(void)
{
    static const char plan[] =
        "[{\"Plan\":{\"Node Type\":\"Sort\",\"Total Cost\":120,\"Plan Rows\":7,\"Sort "
        "Key\":[\"o.at "
        "DESC\"],\"Plans\":[{\"Node Type\":\"Seq Scan\",\"Relation Name\":\"Orders\",\"Schema\":"
        "\"public\",\"Alias\":\"o\",\"Total Cost\":100,\"Plan Rows\":7,\"Filter\":\"((o.user_id = "
        "$1) AND (lower((o.\\\"shipTo\\\")::text) = 'x'::text))\"}]}}]";
    static struct explanation e;
    struct problem p;

    CHECK_EQ(pg_plan_read(&e, str_of(plan), &p), 0);
    CHECK_EQ(e.steps, 2);
    CHECK(e.step[0].cost == 20 && e.step[1].cost == 100);
    CHECK_STR(e.demand.table[0].name, "Orders");
    CHECK_EQ(e.demand.uses, 3); /* that of the sort first */
    CHECK_STR(e.demand.use[2].column, "shipTo");
    CHECK_STR(e.demand.use[2].function, "lower");
    explanation_done(&e);
    CHECK_EQ(pg_plan_read(&e, STR("[]"), &p), -EINVAL);
    explanation_done(&e);
    CHECK_EQ(pg_plan_read(&e, STR("{"), &p), -EINVAL);
    explanation_done(&e);
}

static void statements_are_made_ready(void)
{
    AUTO(buf_done) struct buf out = { 0 };
    struct str rest = STR("select 1; ; select ';' -- x\n"), one;
    u32 params;

    CHECK_STR(explainable_next(&rest, SQL_POSTGRESQL), "select 1");
    one = explainable_next(&rest, SQL_POSTGRESQL);
    CHECK_STR(one, "select ';'");
    CHECK(!explainable_next(&rest, SQL_POSTGRESQL).ptr);
    CHECK_EQ(explainable_verb(STR("( select 1)"), SQL_MYSQL), EXPLAINABLE_YES);
    CHECK_EQ(explainable_verb(STR("begin"), SQL_MYSQL), EXPLAINABLE_NO);
    explainable_prepare(STR("select * from t where a = ? and b > date $2 limit $3 offset :n"),
                        SQL_POSTGRESQL, &out, &params);
    CHECK_STR(buf_str(&out), "select * from t where a = $1 and b > $2::date limit 20 offset 0");
    CHECK_EQ(params, 2);
}

static void urls_of_mysql_are_read(void)
{
    struct mysql_url u;
    struct problem p;

    CHECK_EQ(mysql_url_read(&u, "mysql://a:p%40s:s@[::1]:3307/shop?ssl-mode=REQUIRED", &p), 0);
    CHECK_STR(str_of(u.user), "a");
    CHECK_STR(str_of(u.password), "p@s:s");
    CHECK_STR(str_of(u.host), "::1");
    CHECK_STR(str_of(u.database), "shop");
    CHECK(u.port == 3307 && u.tls == MYSQL_URL_TLS_ON);
    CHECK_EQ(mysql_url_read(&u, "mysql://h:99999/x", &p), -EINVAL);
    CHECK_EQ(mysql_url_read(&u, "mysql://h/x?ssl-mode=maybe", &p), -EINVAL);
    CHECK_EQ(mysql_url_read(&u, "mysql://h/x?socket=/run/x.sock", &p), 0);
    CHECK_STR(str_of(u.socket), "/run/x.sock");
}

int main(void)
{
    TEST(conditions_that_and_connects_are_read);
    TEST(what_no_index_serves_is_left_out);
    TEST(joins_and_scopes_are_read);
    TEST(orders_and_groups_are_read);
    TEST(equalities_come_before_a_range_or_the_order);
    TEST(what_an_index_serves_already_is_no_candidate);
    TEST(small_and_unknown_tables_have_no_candidates);
    TEST(names_are_quoted_where_they_must_be);
    TEST(a_plan_of_postgresql_is_read);
    TEST(statements_are_made_ready);
    TEST(urls_of_mysql_are_read);
    catalog_done(&catalog);
    return tap_done();
}
