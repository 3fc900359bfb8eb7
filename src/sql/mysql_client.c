/* sql/mysql_client.c -- a session of MariaDB or MySQL that explains statements, by libmariadb */
#include <mysql.h> /* first: base.h bans words that stand in its macros */

#include "sql/mysql_client.h"

#include "io/library.h"
#include "sql/candidate.h"
#include "sql/mysql_plan.h"
#include "sql/mysql_url.h"
#include "sql/selection.h"

#include <math.h>

enum { SAMPLES = 20, SAMPLE_ROWS = 500, TIMEOUT_S = 10, VALUE_MAX = 200, CELLS_MAX = 16 };
enum { CANNOT_WRITE = 1792 }; /* ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION */

/* What is used of libmariadb, with its own types. */
#define LIBRARY(X)         \
    X(mysql_init)          \
    X(mysql_optionsv)      \
    X(mysql_real_connect)  \
    X(mysql_real_query)    \
    X(mysql_store_result)  \
    X(mysql_fetch_row)     \
    X(mysql_fetch_lengths) \
    X(mysql_num_fields)    \
    X(mysql_free_result)   \
    X(mysql_error)         \
    X(mysql_errno)         \
    X(mysql_close)         \
    X(mysql_real_escape_string)

static struct {
    bool loaded;
    union {
        struct {
#define X(name) __typeof__(name) *name;
            LIBRARY(X)
#undef X
        };
#define X(name) +1
        void *function[LIBRARY(X)];
#undef X
    };
} my;

struct mysql_client {
    MYSQL *connection;
    struct mysql_url url;
};

/* The rows of an answer, one after the other. */
struct rows {
    MYSQL_RES *result;
    MYSQL_ROW row;
    unsigned long *length;
};

static int load(struct problem *p)
{
#define X(name) #name,
    static const char *const names[] = { LIBRARY(X) };
#undef X
    static const struct library library = {
        .file = "libmariadb.so.3",
        .what = "MariaDB's client library, which is for MySQL, too,",
        .package = "libmariadb3",
        .names = names,
        .count = ARRAY_LEN(names),
    };
    int err = my.loaded ? 0 : library_load(&library, my.function, p);

    my.loaded = !err;
    return err;
}

static void rows_done(struct rows *r)
{
    if (r->result)
        my.mysql_free_result(r->result);
}

static bool next(struct rows *r)
{
    r->row = r->result ? my.mysql_fetch_row(r->result) : NULL;
    r->length = r->row ? my.mysql_fetch_lengths(r->result) : NULL;
    return r->row != NULL;
}

static struct str cell(const struct rows *r, u32 column)
{
    return r->row[column] ? str_make(r->row[column], r->length[column]) : (struct str){ 0 };
}

static double cell_number(const struct rows *r, u32 column, double otherwise)
{
    return r->row[column] ? strtod(r->row[column], NULL) : otherwise;
}

/* False: the server will not have it. */
static bool ask(struct mysql_client *c, const struct buf *text, struct rows *out)
{
    *out = (struct rows){ 0 };
    if (text->failed || my.mysql_real_query(c->connection, text->ptr, text->len))
        return false;
    out->result = my.mysql_store_result(c->connection);
    return out->result != NULL;
}

static void run(struct mysql_client *c, const char *text)
{
    (void)!my.mysql_real_query(c->connection, text, strlen(text));
}

static int said(const struct mysql_client *c, struct problem *p)
{
    return problem_set(p, "the server says: %s", my.mysql_error(c->connection));
}

static const char *given(const char *text, const char *variable)
{
    const char *value = *text ? text : variable ? getenv(variable) : NULL;

    return value && *value ? value : NULL;
}

static void tls_set(struct mysql_client *c)
{
    my_bool yes = 1, no = 0;

    if (c->url.ca[0])
        my.mysql_optionsv(c->connection, MYSQL_OPT_SSL_CA, c->url.ca);
    switch (c->url.tls) {
    case MYSQL_URL_TLS_DEFAULT:
    case MYSQL_URL_TLS_OFF:
        my.mysql_optionsv(c->connection, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &no);
        return;
    case MYSQL_URL_TLS_VERIFY:
        my.mysql_optionsv(c->connection, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &yes);
        my.mysql_optionsv(c->connection, MYSQL_OPT_SSL_ENFORCE, &yes);
        return;
    case MYSQL_URL_TLS_ON:
        my.mysql_optionsv(c->connection, MYSQL_OPT_SSL_ENFORCE, &yes);
        return;
    }
}

int mysql_client_open(struct mysql_client **out, const char *url, struct problem *p)
{
    unsigned int timeout = TIMEOUT_S, answer = 6 * TIMEOUT_S;
    struct mysql_client *c;
    int err = load(p);

    if (err)
        return err;
    c = calloc(1, sizeof(*c));
    if (!c)
        return -ENOMEM;
    err = mysql_url_read(&c->url, url, p);
    if (!err && !(c->connection = my.mysql_init(NULL)))
        err = -ENOMEM;
    if (err) {
        mysql_client_close(c);
        return err;
    }
    my.mysql_optionsv(c->connection, MYSQL_OPT_CONNECT_TIMEOUT, &timeout);
    my.mysql_optionsv(c->connection, MYSQL_OPT_READ_TIMEOUT, &answer);
    my.mysql_optionsv(c->connection, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    tls_set(c);
    if (!my.mysql_real_connect(c->connection, given(c->url.host, "MYSQL_HOST"),
                               given(c->url.user, "MYSQL_USER"),
                               given(c->url.password, "MYSQL_PWD"), given(c->url.database, NULL),
                               c->url.port, given(c->url.socket, NULL), 0)) {
        err = problem_set(p, "%s", my.mysql_error(c->connection));
        mysql_client_close(c);
        return err;
    }
    run(c, "SET SESSION TRANSACTION READ ONLY");
    run(c, "SET SESSION lock_wait_timeout = 1");
    run(c, "SET SESSION max_statement_time = 10");    /* MariaDB, seconds */
    run(c, "SET SESSION max_execution_time = 10000"); /* MySQL, milliseconds */
    *out = c;
    return 0;
}

void mysql_client_close(struct mysql_client *c)
{
    if (!c)
        return;
    if (c->connection)
        my.mysql_close(c->connection);
    explicit_bzero(&c->url, sizeof(c->url));
    free(c);
}

static void text_add(struct mysql_client *c, struct buf *out, struct str text)
{
    if (!buf_reserve(out, 2 * text.len + 3))
        return;
    buf_addc(out, '\'');
    out->len += my.mysql_real_escape_string(c->connection, out->ptr + out->len, text.ptr, text.len);
    buf_addc(out, '\'');
}

/* "schema = 'shop' and name = 'orders'", of one of information_schema's tables. */
static void which_add(struct mysql_client *c, struct buf *out, const struct catalog_table *t)
{
    buf_add(out, STR(" where table_schema = "));
    if (t->schema.len)
        text_add(c, out, t->schema);
    else
        buf_add(out, STR("database()"));
    buf_add(out, STR(" and table_name = "));
    text_add(c, out, t->name);
}

static void table_add(struct buf *out, const struct catalog_table *t)
{
    if (t->schema.len) {
        candidate_quote(out, t->schema, SQL_MYSQL);
        buf_addc(out, '.');
    }
    candidate_quote(out, t->name, SQL_MYSQL);
}

static void columns_read(struct mysql_client *c, struct catalog *to, struct catalog_table *t)
{
    AUTO(rows_done) struct rows r = { 0 };
    AUTO(buf_done) struct buf text = { 0 };

    buf_add(&text, STR("select column_name, data_type from information_schema.columns"));
    which_add(c, &text, t);
    buf_add(&text, STR(" order by ordinal_position"));
    (void)!ask(c, &text, &r);
    while (next(&r)) {
        struct catalog_column *k = catalog_add_column(t);

        if (!k)
            return;
        k->name = catalog_keep(to, cell(&r, 0));
        k->type = catalog_keep(to, cell(&r, 1));
        k->ordered = !str_ends(k->type, STR("text")) && !str_ends(k->type, STR("blob")) &&
                     !str_eq(k->type, STR("json")) && !str_eq(k->type, STR("geometry"));
    }
}

static void indexes_read(struct mysql_client *c, struct catalog *to, struct catalog_table *t)
{
    AUTO(rows_done) struct rows r = { 0 };
    AUTO(buf_done) struct buf text = { 0 };
    struct catalog_index *x = NULL;

    buf_add(&text, STR("select index_name, non_unique, column_name from "
                       "information_schema.statistics"));
    which_add(c, &text, t);
    buf_add(&text, STR(" and index_type = 'BTREE' order by index_name, seq_in_index"));
    (void)!ask(c, &text, &r);
    while (next(&r)) {
        if (!x || !str_eq(x->name, cell(&r, 0))) {
            x = catalog_add_index(t);
            if (!x)
                return;
            x->name = catalog_keep(to, cell(&r, 0));
            x->unique = cell_number(&r, 1, 1) == 0;
        }
        if (x->columns < CATALOG_KEYS_MAX)
            x->column[x->columns++] = catalog_keep(to, cell(&r, 2));
    }
}

static void keys_read(struct mysql_client *c, struct catalog *to, struct catalog_table *t)
{
    AUTO(rows_done) struct rows r = { 0 };
    AUTO(buf_done) struct buf text = { 0 };
    struct catalog_foreign_key *k = NULL;

    buf_add(&text, STR("select constraint_name, column_name, referenced_table_name from "
                       "information_schema.key_column_usage"));
    which_add(c, &text, t);
    buf_add(&text, STR(" and referenced_table_name is not null order by constraint_name, "
                       "ordinal_position"));
    (void)!ask(c, &text, &r);
    while (next(&r)) {
        if (!k || !str_eq(k->name, cell(&r, 0))) {
            k = catalog_add_key(t);
            if (!k)
                return;
            k->name = catalog_keep(to, cell(&r, 0));
            k->references = catalog_keep(to, cell(&r, 2));
        }
        if (k->columns < CATALOG_KEYS_MAX)
            k->column[k->columns++] = catalog_keep(to, cell(&r, 1));
    }
}

/* Views and the like are not taken up. */
static void facts_read(struct mysql_client *c, struct catalog *to, struct str schema,
                       struct str name)
{
    AUTO(rows_done) struct rows r = { 0 };
    AUTO(buf_done) struct buf text = { 0 };
    struct catalog_table which = { .schema = schema, .name = name }, *t;

    if (catalog_find(to, schema, name, true))
        return;
    buf_add(&text, STR("select table_rows, data_length / 16384 from information_schema.tables"));
    which_add(c, &text, &which);
    buf_add(&text, STR(" and table_type = 'BASE TABLE'"));
    if (!ask(c, &text, &r) || !next(&r) || !(t = catalog_add(to, schema, name)))
        return;
    t->rows = cell_number(&r, 0, -1);
    t->pages = cell_number(&r, 1, 0);
    columns_read(c, to, t);
    indexes_read(c, to, t);
    keys_read(c, to, t);
}

/* The whole numbers by which the table is ordered, if it is; the bounds of them. */
static struct str number_key(struct mysql_client *c, const struct catalog_table *t, double *least,
                             double *most)
{
    AUTO(rows_done) struct rows r = { 0 };
    AUTO(buf_done) struct buf text = { 0 };
    struct str key = { 0 };

    for (u32 i = 0; i < t->indexes; i++)
        if (str_eq(t->index[i].name, STR("PRIMARY")))
            key = t->index[i].column[0];
    if (!key.len ||
        !str_ends(catalog_column(t, key, true) ? catalog_column(t, key, true)->type : STR(""),
                  STR("int")))
        return (struct str){ 0 };
    buf_add(&text, STR("select min("));
    candidate_quote(&text, key, SQL_MYSQL);
    buf_add(&text, STR("), max("));
    candidate_quote(&text, key, SQL_MYSQL);
    buf_add(&text, STR(") from "));
    table_add(&text, t);
    if (!ask(c, &text, &r) || !next(&r))
        return (struct str){ 0 };
    *least = cell_number(&r, 0, 0);
    *most = cell_number(&r, 1, 0);
    return key;
}

/* Rows from places all over the table, of one column. */
static void sample_add(struct mysql_client *c, struct buf *out, const struct catalog_table *t,
                       struct str column)
{
    double least = 0, most = 0;
    struct str key =
        t->rows > SAMPLES * SAMPLE_ROWS ? number_key(c, t, &least, &most) : (struct str){ 0 };
    u32 places = key.len ? SAMPLES : 1;

    for (u32 i = 0; i < places; i++) {
        buf_add(out, i ? STR(" union all (select ") : STR("(select "));
        candidate_quote(out, column, SQL_MYSQL);
        buf_add(out, STR(" v from "));
        table_add(out, t);
        if (key.len) {
            buf_add(out, STR(" where "));
            candidate_quote(out, key, SQL_MYSQL);
            buf_addf(out, " >= %.0f order by ", least + (most - least) / places * i);
            candidate_quote(out, key, SQL_MYSQL);
        }
        buf_addf(out, " limit %u)", key.len ? SAMPLE_ROWS : SAMPLES * SAMPLE_ROWS);
    }
}

/* As in sqlite_client.c: the estimator of Charikar and others (PODS 2000). */
static void distinct_read(struct mysql_client *c, const struct catalog_table *t,
                          struct catalog_column *k)
{
    AUTO(rows_done) struct rows r = { 0 };
    AUTO(buf_done) struct buf text = { 0 };
    double rows, values, once;

    buf_add(&text, STR("select sum(n), count(*), sum(n = 1), sum(if(v is null, n, 0)) from (select "
                       "v, count(*) n from ("));
    sample_add(c, &text, t, k->name);
    buf_add(&text, STR(") s group by v) g"));
    if (!ask(c, &text, &r) || !next(&r))
        return;
    rows = max(1.0, cell_number(&r, 0, 1));
    values = cell_number(&r, 1, 0);
    once = cell_number(&r, 2, 0);
    k->null_share = cell_number(&r, 3, 0) / rows;
    k->distinct = once >= rows ? max(t->rows, rows)
                               : min(max(t->rows, rows),
                                     sqrt(max(1.0, t->rows / rows)) * once + values - once);
}

static void statistics_read(struct mysql_client *c, const struct demand *d, struct catalog *catalog)
{
    for (u32 i = 0; i < d->uses; i++) {
        const struct demand_table *t = &d->table[d->use[i].table];
        struct catalog_table *facts =
            (struct catalog_table *)catalog_find(catalog, t->schema, t->name, true);

        for (u32 k = 0; facts && k < facts->columns; k++)
            if (str_eq_nocase(facts->column[k].name, d->use[i].column) &&
                !facts->column[k].distinct && facts->rows > 0)
                distinct_read(c, facts, &facts->column[k]);
    }
}

/* A value that is in the column of that name, of any of the statement's tables. */
static void value_add(struct mysql_client *c, struct buf *out, const struct catalog *catalog,
                      struct str column)
{
    for (u32 i = 0; column.len && i < catalog->tables; i++) {
        const struct catalog_table *t = &catalog->table[i];
        AUTO(rows_done) struct rows r = { 0 };
        AUTO(buf_done) struct buf text = { 0 };

        if (!catalog_column(t, column, true))
            continue;
        buf_add(&text, STR("select "));
        candidate_quote(&text, column, SQL_MYSQL);
        buf_add(&text, STR(" from "));
        table_add(&text, t);
        buf_add(&text, STR(" where "));
        candidate_quote(&text, column, SQL_MYSQL);
        buf_add(&text, STR(" is not null limit 1"));
        if (!ask(c, &text, &r) || !next(&r) || cell(&r, 0).len > VALUE_MAX)
            continue;
        text_add(c, out, cell(&r, 0));
        return;
    }
    buf_add(out, STR("'1'"));
}

/* The statement with values for its parameters, for EXPLAIN. */
static void values_fill(struct mysql_client *c, struct buf *out, struct str statement,
                        const struct catalog *catalog)
{
    struct sql_lexer lexer = { .dialect = SQL_MYSQL, .text = statement.ptr, .len = statement.len };
    struct sql_token t;
    struct str column = { 0 };
    const char *end = statement.ptr;

    buf_add(out, STR("explain format=json "));
    while (sql_token_next(&lexer, &t)) {
        buf_add(out, str_make(end, (size_t)(t.ptr - end)));
        end = t.ptr + t.len;
        if (t.kind == SQL_PARAM) {
            value_add(c, out, catalog, column);
            continue;
        }
        if (t.kind == SQL_QUOTED || (t.kind == SQL_WORD && !t.word))
            column = demand_unquoted(token_text(&t), SQL_MYSQL);
        buf_add(out, token_text(&t));
    }
}

/* Its one row. In the session's read-only transactions; a statement that would write is refused
 * there, and is explained in one that can and is rolled back. */
static int explain(struct mysql_client *c, const struct buf *text, struct rows *r,
                   struct problem *p)
{
    int err = 0;

    if (ask(c, text, r) && next(r))
        return 0;
    if (text->failed)
        return -ENOMEM;
    if (my.mysql_errno(c->connection) != CANNOT_WRITE)
        return said(c, p);
    run(c, "START TRANSACTION READ WRITE");
    if (!ask(c, text, r) || !next(r))
        err = said(c, p);
    run(c, "ROLLBACK");
    return err;
}

int mysql_client_explain(struct mysql_client *c, struct str statement, struct explanation *out,
                         struct catalog *catalog, struct problem *p)
{
    AUTO(rows_done) struct rows r = { 0 };
    AUTO(buf_done) struct buf text = { 0 };
    struct demand *d = &out->demand;
    int err;

    statement = explanation_keep(out, statement);
    err = selection_read(d, statement, SQL_MYSQL, NULL);
    if (err == -E2BIG)
        return problem_set(p, "has more words than fettle reads");
    if (err)
        return err;
    for (u32 i = 0; i < d->tables; i++)
        facts_read(c, catalog, d->table[i].schema, d->table[i].name);
    values_fill(c, &text, statement, catalog);
    err = explain(c, &text, &r, p);
    if (err)
        return err;
    err = mysql_plan_read(out, explanation_keep(out, cell(&r, 0)), p);
    if (!err)
        err = selection_read(d, statement, SQL_MYSQL, catalog);
    if (!err)
        statistics_read(c, d, catalog);
    return err;
}

int mysql_client_rows(struct mysql_client *c, const char *command,
                      void (*row)(void *arg, const struct str *cell, u32 cells), void *arg,
                      struct problem *p)
{
    AUTO(buf_done) struct buf text = { 0 };
    AUTO(rows_done) struct rows r = { 0 };
    struct str cells[CELLS_MAX];
    u32 count;

    buf_add(&text, str_of(command));
    if (!ask(c, &text, &r))
        return said(c, p);
    count = min((u32)my.mysql_num_fields(r.result), (u32)CELLS_MAX);
    while (next(&r)) {
        for (u32 k = 0; k < count; k++)
            cells[k] = cell(&r, k);
        row(arg, cells, count);
    }
    return 0;
}
