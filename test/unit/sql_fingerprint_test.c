#include "base/buf.h"
#include "sql/fingerprint.h"
#include "tap.h"

static char text[4096];

static struct str of(enum sql_dialect dialect, const char *statement)
{
    return str_make(
        text, sql_fingerprint(statement, strlen(statement), dialect, text, sizeof(text), NULL));
}

#define POSTGRESQL(statement, want) CHECK_STR(of(SQL_POSTGRESQL, statement), want)
#define MYSQL(statement, want) CHECK_STR(of(SQL_MYSQL, statement), want)
#define SQLITE(statement, want) CHECK_STR(of(SQL_SQLITE, statement), want)

static u64 hash_of(enum sql_dialect dialect, const char *statement)
{
    uint64_t hash;

    sql_fingerprint(statement, strlen(statement), dialect, text, sizeof(text), &hash);
    return hash;
}

static bool same(enum sql_dialect dialect, const char *a, const char *b)
{
    return hash_of(dialect, a) == hash_of(dialect, b);
}

static void values_become_placeholders(void)
{
    POSTGRESQL("SELECT * FROM t WHERE a = 1 AND b='x''y' AND c = 1.5e-3 AND d=.5",
               "select * from t where a = $1 and b = $2 and c = $3 and d = $4");
    POSTGRESQL("select $1::int, $2", "select $1::int, $2");
    MYSQL("select * from t where a = 1 and b = 'x\\'y' and c = \"it's\" and d = 0x1F",
          "select * from t where a = ? and b = ? and c = ? and d = ?");
    SQLITE(
        "select * from t where a = ?1 and b = :b and c = @c and d = $d and e = x'00ff' and f = ?",
        "select * from t where a = ? and b = ? and c = ? and d = ? and e = ? and f = ?");
}

static void quotes_of_postgresql_are_known(void)
{
    POSTGRESQL("select E'it\\'s', U&'d\\0061t', B'01', X'1F', N'x', $$a'b$$, $tag$ $$ x $tag$",
               "select $1, $2, $3, $4, $5, $6, $7");
    POSTGRESQL("select 'a\\', b", "select $1, b"); /* no escape without E */
    POSTGRESQL("select 'a'\n  'b', c", "select $1, c");
    POSTGRESQL("select 'never closed", "select $1");
    POSTGRESQL("select $tag$ never closed $tag", "select $1");
    POSTGRESQL("select \"a\"\"b\", U&\"c\"", "select \"a\"\"b\", U&\"c\"");
    POSTGRESQL("select a$1 from t$", "select a$1 from t$");
}

static void quotes_of_mysql_are_known(void)
{
    MYSQL("select `a``b`, _utf8mb4'x', _latin1 'y', n'z', b'01', X'1F'",
          "select `a``b`, ?, ?, ?, ?, ?");
    MYSQL("select 'a' 'b' \"c\", d", "select ?, d");
    MYSQL("select * from 2fa where 2fa.x = 1e5 and y = 12",
          "select * from 2fa where 2fa.x = ? and y = ?");
    MYSQL("set @a := 1, @@session.b = 2", "set @a := ?, @@session.b = ?");
}

static void a_text_in_the_quotes_of_a_name_is_no_value_kept_in_sqlite(void)
{
    SQLITE(
        "select \"full name\" from \"t\" where a = \"bob smith\" and b like \"x%\" and c = \"d\"",
        "select \"full name\" from \"t\" where a = ? and b like ? and c = \"d\"");
    SQLITE("select [a b] from [t]", "select [a b] from [t]");
}

static void comments_are_dropped(void)
{
    POSTGRESQL("/* a /* b */ c */ select 1 -- d\n, x /*e", "select $1, x");
    MYSQL("select 1 # d\n, x -- e\n, 1--1 /* a /* b */", "select ?, x, ? - ?");
    MYSQL("select /*!40001 sql_no_cache */ /*+ hint(x) */ a from t",
          "select sql_no_cache a from t");
    SQLITE("select 1 --d\n, x /* a */", "select ?, x");
}

static void lists_are_folded(void)
{
    POSTGRESQL("select * from t where a in (1,2,3)", "select * from t where a in ($1)");
    POSTGRESQL("select * from t where (a, b) in ((1,2),(3,4)) and c = 5",
               "select * from t where (a, b) in (($1, $2)) and c = $3");
    POSTGRESQL("insert into t (a) values (1), (2), (3) returning id",
               "insert into t(a) values ($1) returning id");
    POSTGRESQL("insert into t values (1, now()), (2, null), (3, now())",
               "insert into t values ($1, now()), ($2, $3)");
    POSTGRESQL("select array[1,2], a[1] from t", "select array[$1], a[$2] from t");
    POSTGRESQL("select * from t where a in (select b, b from c where d in (1,2))",
               "select * from t where a in (select b, b from c where d in ($1))");
    MYSQL("insert into t(a,b) value (1,2),(3,4) on duplicate key update a=values(a), b=values(b)",
          "insert into t(a, b) value(?, ?) on duplicate key update a = values (a), b = values (b)");
    CHECK(same(SQL_POSTGRESQL, "select 1 where a in (1)", "select 2 where a in ($1,$2,$3)"));
    CHECK(!same(SQL_POSTGRESQL, "select f(1)", "select f(1,2)"));
}

static void numbers_of_placeholders_do_not_make_statements_differ(void)
{
    CHECK(same(SQL_POSTGRESQL, "insert into t values ($1,$2),($3,$4); select $5",
               "insert into t values ($1,$2); select $3"));
    CHECK(same(SQL_POSTGRESQL, "select a where b = 'x' and c = 2",
               "select a where b = $1 and c = $2"));
}

static void signs_belong_to_numbers_where_they_are_no_operators(void)
{
    POSTGRESQL(
        "select -1, a-1, a - -1, (b)-2 from t where c=-5 and d between -1 and +2 limit -1",
        "select $1, a - $2, a - $3, (b) - $4 from t where c = $5 and d between $6 and $7 limit $8");
}

static void null_and_booleans_are_values_unless_they_are_asked_for(void)
{
    POSTGRESQL("update t set a = NULL, b = true where c is not null and d IS NULL and e is true",
               "update t set a = $1, b = $2 where c is not null and d is null and e is true");
    CHECK(same(SQL_MYSQL, "update t set a = null", "update t set a = 'x'"));
}

static void ordinals_stay(void)
{
    POSTGRESQL("select a, count(*) from t group by 1, b order by 2 desc, f(3) limit 4",
               "select a, count(*) from t group by 1, b order by 2 desc, f($1) limit $2");
    CHECK(!same(SQL_MYSQL, "select a, b from t order by 1", "select a, b from t order by 2"));
}

static void case_is_kept_where_it_matters(void)
{
    POSTGRESQL("SELECT Name FROM Users U", "select name from users u");
    MYSQL("SELECT Name, COUNT(*) FROM Users U", "select Name, count(*) from Users U");
    SQLITE("SELECT Name FROM Users U", "select name from users u");
    POSTGRESQL("SELECT \"Name\" FROM \"Users\"", "select \"Name\" from \"Users\"");
}

static void space_does_not_matter(void)
{
    CHECK(
        same(SQL_POSTGRESQL, "select  a ,b\tfrom\n t where a=1", "SELECT a, b FROM t WHERE a = 2"));
    POSTGRESQL("select a . b , count ( * ) from t where ( a,b )=( 1,2 ) ;;",
               "select a.b, count(*) from t where (a, b) = ($1, $2)");
    POSTGRESQL("begin;select 1;", "begin; select $1");
    POSTGRESQL("", "");
    POSTGRESQL(" ; /* nothing */ ;", "");
}

static void operators_of_postgresql_are_known(void)
{
    POSTGRESQL(
        "select a->>'b', a ? 'c', a ?| $1, a @? '$.x', a@>'{}'::jsonb, b[1:2], c=any($2)",
        "select a ->> $1, a ? $2, a ?| $3, a @? $4, a @> $5::jsonb, b[$6 : $7], c = any($8)");
    POSTGRESQL("select * from t where a = :name and b = ?",
               "select * from t where a = $1 and b = $2");
}

static void names_that_a_library_makes_up_are_left_out(void)
{
    POSTGRESQL("SAVEPOINT \"typeorm_1\"", "savepoint $1");
    POSTGRESQL("ROLLBACK TO SAVEPOINT sp_17", "rollback to savepoint $1");
    POSTGRESQL("FETCH 100 FROM c_9", "fetch $1 from $2");
    POSTGRESQL("declare c_9 cursor for select * from t", "declare $1 cursor for select * from t");
    POSTGRESQL("rollback", "rollback");
    MYSQL("RELEASE SAVEPOINT trx3", "release savepoint ?");
}

static void what_does_not_fit_is_left_out_but_counts(void)
{
    const char *a = "select aaaaaaaaaa, bbbbbbbbbb from t",
               *b = "select aaaaaaaaaa, bbbbbbbbbb from u";
    char small[24];
    uint64_t hash_a, hash_b;
    size_t len = sql_fingerprint(a, strlen(a), SQL_POSTGRESQL, small, sizeof(small), &hash_a);

    CHECK_STR(str_make(small, len), "select aaaaaaaaaa,…");
    CHECK(!sql_fingerprint_is_whole(small, len));
    CHECK(sql_fingerprint_is_whole("select", 6));
    CHECK_EQ(small[len], 0);
    sql_fingerprint(b, strlen(b), SQL_POSTGRESQL, small, sizeof(small), &hash_b);
    CHECK(hash_a != hash_b);
    CHECK(hash_a == hash_of(SQL_POSTGRESQL, a));
    CHECK_EQ(sql_fingerprint(a, strlen(a), SQL_POSTGRESQL, small, 0, NULL), 0);
    CHECK_EQ(sql_fingerprint(a, strlen(a), SQL_POSTGRESQL, small, 1, NULL), 0);
}

static void a_list_that_is_folded_makes_room(void)
{
    AUTO(buf_done) struct buf big = { 0 };
    char small[64];
    size_t len;

    buf_add(&big, STR("insert into t values (1, 'x')"));
    for (int i = 0; i < 1000; i++)
        buf_addf(&big, ", (%d, 'x')", i);
    buf_add(&big, STR(" returning id"));
    len = sql_fingerprint(big.ptr, big.len, SQL_POSTGRESQL, small, sizeof(small), NULL);
    CHECK_STR(str_make(small, len), "insert into t values ($1, $2) returning id");
}

static void the_hash_is_the_same_everywhere(void)
{
    CHECK(hash_of(SQL_POSTGRESQL, "select * from users where id = $1") == 0xb0c388f9f090816b);
}

int main(void)
{
    TEST(values_become_placeholders);
    TEST(quotes_of_postgresql_are_known);
    TEST(quotes_of_mysql_are_known);
    TEST(a_text_in_the_quotes_of_a_name_is_no_value_kept_in_sqlite);
    TEST(comments_are_dropped);
    TEST(lists_are_folded);
    TEST(numbers_of_placeholders_do_not_make_statements_differ);
    TEST(signs_belong_to_numbers_where_they_are_no_operators);
    TEST(null_and_booleans_are_values_unless_they_are_asked_for);
    TEST(ordinals_stay);
    TEST(case_is_kept_where_it_matters);
    TEST(space_does_not_matter);
    TEST(operators_of_postgresql_are_known);
    TEST(names_that_a_library_makes_up_are_left_out);
    TEST(what_does_not_fit_is_left_out_but_counts);
    TEST(a_list_that_is_folded_makes_room);
    TEST(the_hash_is_the_same_everywhere);
    return tap_done();
}
