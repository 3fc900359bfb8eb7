#include "base/str.h"
#include "sql/shape.h"
#include "tap.h"

static u32 shape(enum sql_dialect dialect, const char *text)
{
    return sql_shape(text, strlen(text), dialect);
}

#define PG(text) shape(SQL_POSTGRESQL, text)
#define READ SQL_SHAPE_READ
#define WRITE SQL_SHAPE_WRITE
#define DELIBERATE SQL_SHAPE_DELIBERATE
#define PAGE SQL_SHAPE_PAGE

static void a_row_by_its_key_is_read_or_written(void)
{
    CHECK_EQ(PG("SELECT * FROM users WHERE id = $1"), READ);
    CHECK_EQ(PG("select name from users where id = 42 limit 1"), READ);
    CHECK_EQ(PG("/* a */ (select a from b where c = $1)"), READ);
    CHECK_EQ(PG("with a as (select 1 from b where c = $1) select * from a"), READ);
    CHECK_EQ(PG("INSERT INTO items (a, b) VALUES ($1, $2) RETURNING id"), WRITE);
    CHECK_EQ(PG("update users set a = $1 where id = $2"), WRITE);
    CHECK_EQ(PG("delete from users where id = $1"), WRITE);
    CHECK_EQ(PG("with a as (delete from b where c = $1 returning d) select * from a"), WRITE);
    CHECK_EQ(shape(SQL_MYSQL, "replace into t values (1, 'a')"), WRITE);
    CHECK_EQ(shape(SQL_MYSQL, "select * from `select` where `in` = 'x in (1,2)'"), READ);
}

static void the_newest_few_of_each_are_no_page(void)
{
    CHECK_EQ(PG("select * from comments where post_id = $1 order by created desc limit 3"), READ);
    CHECK_EQ(PG("select count(*) from votes where post_id = $1 and value > 0"), READ);
}

static void what_asks_for_many_at_once_is_deliberate(void)
{
    CHECK_EQ(PG("select * from users where id in (1, 2)"), READ | DELIBERATE);
    CHECK_EQ(PG("select * from users where id in ($1)"), READ);
    CHECK_EQ(PG("select * from users where id in (select a from b where c = $1)"), READ);
    CHECK_EQ(PG("select * from users where id = any($1::int[])"), READ | DELIBERATE);
    CHECK_EQ(PG("select * from unnest($1::int[]) i join users on id = i"), READ | DELIBERATE);
    CHECK_EQ(PG("select * from t where id in (select value from JSON_EACH($1))"),
             READ | DELIBERATE);
    CHECK_EQ(PG("insert into t (a) values ($1), ($2)"), WRITE | DELIBERATE);
    CHECK_EQ(PG("insert into t (a, b) values (f($1, (2)), $2)"), WRITE);
}

static void pages_and_pieces_of_ranges_are_deliberate(void)
{
    CHECK_EQ(PG("select * from t order by id limit 100 offset $1"), READ | DELIBERATE | PAGE);
    CHECK_EQ(PG("select * from t where id = $1 limit $2 offset $3"), READ | DELIBERATE | PAGE);
    CHECK_EQ(PG("select * from t where id in ($1, $2) offset $3"), READ | DELIBERATE);
    CHECK_EQ(PG("select * from t order by id limit 100 offset 200"), READ | DELIBERATE);
    CHECK_EQ(PG("select * from t where id > $1 order by id limit 100"), READ | DELIBERATE);
    CHECK_EQ(PG("select * from t where id >= $1 and id < $2"), READ | DELIBERATE);
    CHECK_EQ(PG("delete from t where id between $1 and $2"), WRITE | DELIBERATE);
    CHECK_EQ(PG("select * from jobs where done = false for update skip locked limit 1"),
             READ | DELIBERATE);
}

static void what_reads_no_table_is_deliberate(void)
{
    CHECK_EQ(PG("select pg_advisory_lock($1)"), READ | DELIBERATE);
    CHECK_EQ(PG("select 1"), READ | DELIBERATE);
    CHECK_EQ(PG("fetch 100 from c"), DELIBERATE);
    CHECK_EQ(PG("set search_path = a"), DELIBERATE);
    CHECK_EQ(shape(SQL_SQLITE, "pragma table_info(a)"), DELIBERATE);
    CHECK_EQ(PG(""), DELIBERATE);
    CHECK_EQ(PG("'"), DELIBERATE);
}

static void transactions_begin_and_end(void)
{
    CHECK_EQ(PG("BEGIN"), SQL_SHAPE_TRANSACTION_BEGIN | DELIBERATE);
    CHECK_EQ(PG("start transaction"), SQL_SHAPE_TRANSACTION_BEGIN | DELIBERATE);
    CHECK_EQ(PG("COMMIT;"), SQL_SHAPE_TRANSACTION_END | DELIBERATE);
    CHECK_EQ(PG("rollback"), SQL_SHAPE_TRANSACTION_END | DELIBERATE);
    CHECK_EQ(PG("rollback to savepoint a"), DELIBERATE);
}

static void subject_is(const char *text, enum sql_word verb, const char *table, const char *column)
{
    struct sql_subject s = sql_subject(text, strlen(text), SQL_POSTGRESQL);

    CHECK_EQ(s.verb, verb);
    CHECK_STR(str_make(s.table, s.table_len), table);
    CHECK_STR(str_make(s.column, s.column_len), column);
}

static void a_statement_is_about_a_table_and_a_column(void)
{
    subject_is("select * from users where id = $1", SQL_KW_SELECT, "users", "id");
    subject_is("select u.* from public.\"Users\" u where u.org = $1 and a > 2", SQL_KW_SELECT,
               "\"Users\"", "org");
    subject_is("insert into a.items (b) values ($1)", SQL_KW_INSERT, "items", "");
    subject_is("update t set a = $1 where b = $2", SQL_KW_UPDATE, "t", "b");
    subject_is("delete from t where b = $1 or c = $2", SQL_KW_DELETE, "t", "");
    subject_is("select * from (select 1) a", SQL_KW_SELECT, "", "");
    subject_is("vacuum", SQL_KW_NONE, "", "");
}

int main(void)
{
    TEST(a_row_by_its_key_is_read_or_written);
    TEST(the_newest_few_of_each_are_no_page);
    TEST(what_asks_for_many_at_once_is_deliberate);
    TEST(pages_and_pieces_of_ranges_are_deliberate);
    TEST(what_reads_no_table_is_deliberate);
    TEST(transactions_begin_and_end);
    TEST(a_statement_is_about_a_table_and_a_column);
    return tap_done();
}
