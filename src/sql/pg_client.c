/* sql/pg_client.c -- a session of PostgreSQL that explains statements, by libpq */
#include "sql/pg_client.h"

#include "io/library.h"
#include "sql/pg_plan.h"

#include <libpq-fe.h>

enum { CREATED_MAX = TRIAL_KEPT_MAX + 2, PARAMS_MAX = 1000, CELLS_MAX = 16 };

/* What is used of libpq, with its own types. */
#define LIBPQ(X)          \
    X(PQconnectdbParams)  \
    X(PQstatus)           \
    X(PQerrorMessage)     \
    X(PQfinish)           \
    X(PQexec)             \
    X(PQexecParams)       \
    X(PQresultStatus)     \
    X(PQresultErrorField) \
    X(PQclear)            \
    X(PQntuples)          \
    X(PQnfields)          \
    X(PQgetvalue)         \
    X(PQgetisnull)        \
    X(PQserverVersion)    \
    X(PQsetNoticeProcessor)

static struct {
    bool loaded;
    union {
        struct {
#define X(name) __typeof__(name) *name;
            LIBPQ(X)
#undef X
        };
#define X(name) +1
        void *function[LIBPQ(X)];
#undef X
    };
} pq;

struct pg_client {
    PGconn *connection;
    enum pg_trial how;
    char hypopg[140];   /* its schema, quoted */
    struct buf explain; /* the statement that gives the cost of what is being tried */
    bool prepared;
    bool in_transaction;
    const struct demand *demand;
    struct trial_bench bench;
    char created[CREATED_MAX][24]; /* oids of hypothetical indexes; or just counted */
    u32 creations;
};

static int load(struct problem *p)
{
#define X(name) #name,
    static const char *const names[] = { LIBPQ(X) };
#undef X
    static const struct library library = {
        .file = "libpq.so.5",
        .what = "PostgreSQL's client library",
        .package = "libpq5",
        .names = names,
        .count = ARRAY_LEN(names),
    };
    int err = pq.loaded ? 0 : library_load(&library, pq.function, p);

    pq.loaded = !err;
    return err;
}

static void result_clear(PGresult **r)
{
    if (*r)
        pq.PQclear(*r);
}

static void no_notice(void *arg, const char *message)
{
    (void)arg;
    (void)message;
}

/* The server's or the library's words, in one line, without their "ERROR:". */
static int said(struct problem *p, const char *text)
{
    AUTO(buf_done) struct buf line = { 0 };
    struct str s = str_trim(str_of(text));

    while (s.len && s.ptr[s.len - 1] == '\n')
        s.len--;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] != '\n' && s.ptr[i] != '\t')
            buf_addc(&line, s.ptr[i]);
        else if (line.len && line.ptr[line.len - 1] != ' ')
            buf_addc(&line, ' ');
    }
    return problem_set(p, "%.*s", (int)min(line.len, (size_t)700), line.ptr ? line.ptr : "");
}

static int failed(struct pg_client *c, const PGresult *r, struct problem *p)
{
    AUTO(buf_done) struct buf text = { 0 };
    const char *message = r ? pq.PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    const char *hint = r ? pq.PQresultErrorField(r, PG_DIAG_MESSAGE_HINT) : NULL;

    if (!message)
        return said(p, pq.PQerrorMessage(c->connection));
    buf_addf(&text, "PostgreSQL says: %s%s%s", message, hint ? ". " : "", hint ? hint : "");
    buf_addc(&text, 0);
    return text.failed ? -ENOMEM : said(p, text.ptr);
}

static bool is_good(const PGresult *r)
{
    return r &&
           (pq.PQresultStatus(r) == PGRES_COMMAND_OK || pq.PQresultStatus(r) == PGRES_TUPLES_OK);
}

static int run(struct pg_client *c, const char *command, struct problem *p)
{
    AUTO(result_clear) PGresult *r = pq.PQexec(c->connection, command);

    return is_good(r) ? 0 : failed(c, r, p);
}

/* Rows of a query with up to two parameters; NULL with *p. */
static PGresult *query(struct pg_client *c, const char *command, const char *a, const char *b,
                       struct problem *p)
{
    const char *values[] = { a, b };
    PGresult *r = pq.PQexecParams(c->connection, command,
                                  b   ? 2
                                  : a ? 1
                                      : 0,
                                  NULL, values, NULL, NULL, 0);

    if (is_good(r))
        return r;
    (void)!failed(c, r, p);
    result_clear(&r);
    return NULL;
}

static struct str cell(const PGresult *r, int row, int column)
{
    return str_of(pq.PQgetvalue(r, row, column));
}

static double cell_number(const PGresult *r, int row, int column)
{
    return strtod(pq.PQgetvalue(r, row, column), NULL);
}

int pg_client_open(struct pg_client **out, const char *url, struct problem *p)
{
    static const char *const keys[] = { "connect_timeout", "application_name", "dbname", NULL };
    const char *const values[] = { "10", "fettle", url, NULL };
    struct pg_client *c;
    int err = load(p);

    if (err)
        return err;
    c = calloc(1, sizeof(*c));
    if (!c)
        return -ENOMEM;
    c->connection = pq.PQconnectdbParams(keys, values, 1);
    if (!c->connection || pq.PQstatus(c->connection) != CONNECTION_OK) {
        err = c->connection ? said(p, pq.PQerrorMessage(c->connection)) : -ENOMEM;
        pg_client_close(c);
        return err;
    }
    pq.PQsetNoticeProcessor(c->connection, no_notice, NULL);
    err = run(c,
              "SET default_transaction_read_only = on; SET statement_timeout = '10s'; "
              "SET lock_timeout = '1s'; SET client_encoding = 'UTF8'; SET DateStyle = ISO",
              p);
    if (!err && pq.PQserverVersion(c->connection) >= 120000)
        err = run(c, "SET plan_cache_mode = force_generic_plan", p);
    if (err) {
        pg_client_close(c);
        return err;
    }
    *out = c;
    return 0;
}

void pg_client_close(struct pg_client *c)
{
    if (!c)
        return;
    if (c->connection)
        pq.PQfinish(c->connection); /* what is not committed is rolled back */
    buf_done(&c->explain);
    free(c);
}

static int hypopg_find(struct pg_client *c, bool *there, bool *available, struct problem *p)
{
    AUTO(result_clear)
    PGresult *r = query(
        c,
        "SELECT (SELECT quote_ident(nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = "
        "e.extnamespace WHERE extname = 'hypopg'), EXISTS (SELECT FROM pg_available_extensions "
        "WHERE name = 'hypopg')",
        NULL, NULL, p);

    if (!r)
        return -EINVAL;
    *there = !pq.PQgetisnull(r, 0, 0);
    *available = cell(r, 0, 1).ptr[0] == 't';
    str_to_cstr(cell(r, 0, 0), c->hypopg, sizeof(c->hypopg));
    return 0;
}

int pg_client_prepare_trial(struct pg_client *c, bool allow_extension, bool allow_locks,
                            enum pg_trial *how, const char **note, struct problem *p)
{
    bool there, available;
    int err = hypopg_find(c, &there, &available, p);

    *note = NULL;
    if (!err && !there && available && allow_extension) {
        err = run(c, "BEGIN READ WRITE; CREATE EXTENSION hypopg; COMMIT", p);
        if (!err)
            err = hypopg_find(c, &there, &available, p);
    }
    if (err)
        return err;
    c->how = there ? PG_TRIAL_HYPOPG : allow_locks ? PG_TRIAL_TRANSACTION : PG_TRIAL_NONE;
    if (c->how == PG_TRIAL_NONE)
        *note = available
                    ? "not checked: --allow-extension creates the extension HypoPG, which the "
                      "server has; --try makes the index in a transaction that is rolled back"
                    : "not checked: the server has no HypoPG (on Debian and Ubuntu the package "
                      "postgresql-15-hypopg or like it); --try makes the index in a "
                      "transaction that is rolled back";
    *how = c->how;
    return 0;
}

/* EXPLAIN of the statement or of its prepared form, in `format`. */
static void explain_add(struct buf *out, const char *format, struct str statement, u32 params)
{
    buf_addf(out, "EXPLAIN (%s) ", format);
    if (!params) {
        buf_add(out, statement);
        return;
    }
    buf_add(out, STR("EXECUTE fettle_explained("));
    for (u32 i = 0; i < params; i++)
        buf_add(out, i ? STR(", NULL") : STR("NULL"));
    buf_addc(out, ')');
}

static int statement_prepare(struct pg_client *c, struct str statement, u32 params,
                             struct problem *p)
{
    AUTO(buf_done) struct buf text = { 0 };

    if (c->prepared && run(c, "DEALLOCATE fettle_explained", p))
        return -EINVAL;
    c->prepared = false;
    if (!params)
        return 0;
    if (params > PARAMS_MAX)
        return problem_set(p, "has more than %u parameters", PARAMS_MAX);
    if (pq.PQserverVersion(c->connection) < 120000)
        return problem_set(p, "statements with parameters need PostgreSQL 12 or later to be "
                              "explained; put values in the place of $1 …");
    buf_add(&text, STR("PREPARE fettle_explained AS "));
    buf_add(&text, statement);
    buf_addc(&text, 0);
    if (text.failed)
        return -ENOMEM;
    if (run(c, text.ptr, p))
        return -EINVAL;
    c->prepared = true;
    return 0;
}

int pg_client_explain(struct pg_client *c, struct str statement, u32 params,
                      struct explanation *out, struct problem *p)
{
    AUTO(buf_done) struct buf text = { 0 };
    AUTO(result_clear) PGresult *r = NULL;
    int err = statement_prepare(c, statement, params, p);

    if (err)
        return err;
    explain_add(&text, "VERBOSE, FORMAT JSON", statement, params);
    buf_addc(&text, 0);
    buf_clear(&c->explain);
    /* A cached plan does not know hypothetical indexes. */
    buf_add(&c->explain, params ? STR("DISCARD PLANS; ") : STR(""));
    explain_add(&c->explain, "FORMAT TEXT", statement, params);
    buf_addc(&c->explain, 0);
    if (text.failed || c->explain.failed)
        return -ENOMEM;
    r = pq.PQexec(c->connection, text.ptr);
    if (!is_good(r) || pq.PQntuples(r) < 1)
        return failed(c, r, p);
    return pg_plan_read(out, cell(r, 0, 0), p);
}

static int table_read(struct pg_client *c, struct catalog *to, struct catalog_table *t,
                      const char *schema, const char *name, struct problem *p)
{
    static const char columns[] =
        "SELECT a.attname, y.typname, coalesce(s.n_distinct, 0), coalesce(s.null_frac, 0), "
        "y.typname NOT IN ('json', 'jsonb', 'xml', 'point', 'line', 'lseg', 'box', 'path', "
        "'polygon', 'circle', 'tsvector', 'tsquery'), s.attname IS NOT NULL "
        "FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = "
        "c.relnamespace JOIN pg_type y ON y.oid = a.atttypid LEFT JOIN pg_stats s ON s.schemaname "
        "= n.nspname AND s.tablename = c.relname AND s.attname = a.attname AND NOT s.inherited "
        "WHERE n.nspname = $1 AND c.relname = $2 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY "
        "a.attnum";
    AUTO(result_clear)
    PGresult *r =
        query(c,
              "SELECT c.reltuples, c.relpages FROM pg_class c JOIN pg_namespace n ON n.oid = "
              "c.relnamespace WHERE n.nspname = $1 AND c.relname = $2",
              schema, name, p);

    if (!r)
        return -EINVAL;
    if (pq.PQntuples(r)) {
        t->rows = cell_number(r, 0, 0);
        t->pages = cell_number(r, 0, 1);
    }
    result_clear(&r);
    r = query(c, columns, schema, name, p);
    if (!r)
        return -EINVAL;
    for (int i = 0; i < pq.PQntuples(r); i++) {
        struct catalog_column *k = catalog_add_column(t);
        double distinct = cell_number(r, i, 2);

        if (!k)
            break;
        k->name = catalog_keep(to, cell(r, i, 0));
        k->type = catalog_keep(to, cell(r, i, 1));
        k->distinct = distinct < 0 ? -distinct * max(t->rows, 0.0) : distinct;
        k->null_share = cell_number(r, i, 3);
        k->ordered = cell(r, i, 4).ptr[0] == 't';
        t->analyzed |= cell(r, i, 5).ptr[0] == 't';
    }
    return 0;
}

/* Leading columns of B-trees; rows come index by index. */
static int indexes_read(struct pg_client *c, struct catalog *to, struct catalog_table *t,
                        const char *schema, const char *name, struct problem *p)
{
    AUTO(result_clear)
    PGresult *r = query(
        c,
        "SELECT x.relname, i.indisunique, i.indpred IS NOT NULL, coalesce(a.attname, '') FROM "
        "pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = "
        "c.relnamespace JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = x.relam "
        "AND m.amname = 'btree' CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY "
        "k(number, at) LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number AND "
        "k.number > 0 WHERE n.nspname = $1 AND c.relname = $2 AND i.indisvalid AND k.at <= "
        "i.indnkeyatts ORDER BY x.oid, k.at",
        schema, name, p);
    struct catalog_index *x = NULL;

    if (!r)
        return -EINVAL;
    for (int i = 0; i < pq.PQntuples(r); i++) {
        if (!x || !str_eq(x->name, cell(r, i, 0))) {
            x = catalog_add_index(t);
            if (!x)
                return 0;
            x->name = catalog_keep(to, cell(r, i, 0));
            x->unique = cell(r, i, 1).ptr[0] == 't';
            x->partial = cell(r, i, 2).ptr[0] == 't';
        }
        if (x->columns < CATALOG_KEYS_MAX)
            x->column[x->columns++] = catalog_keep(to, cell(r, i, 3));
    }
    return 0;
}

static int keys_read(struct pg_client *c, struct catalog *to, struct catalog_table *t,
                     const char *schema, const char *name, struct problem *p)
{
    AUTO(result_clear)
    PGresult *r = query(
        c,
        "SELECT f.conname, a.attname, f.confrelid::regclass FROM pg_constraint f JOIN pg_class c "
        "ON "
        "c.oid = f.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace CROSS JOIN LATERAL "
        "unnest(f.conkey) WITH ORDINALITY k(number, at) JOIN pg_attribute a ON a.attrelid = c.oid "
        "AND a.attnum = k.number WHERE f.contype = 'f' AND n.nspname = $1 AND c.relname = $2 ORDER "
        "BY f.oid, k.at",
        schema, name, p);
    struct catalog_foreign_key *k = NULL;

    if (!r)
        return -EINVAL;
    for (int i = 0; i < pq.PQntuples(r); i++) {
        if (!k || !str_eq(k->name, cell(r, i, 0))) {
            k = catalog_add_key(t);
            if (!k)
                return 0;
            k->name = catalog_keep(to, cell(r, i, 0));
            k->references = catalog_keep(to, cell(r, i, 2));
        }
        if (k->columns < CATALOG_KEYS_MAX)
            k->column[k->columns++] = catalog_keep(to, cell(r, i, 1));
    }
    return 0;
}

int pg_client_catalog(struct pg_client *c, const struct demand *demand, struct catalog *out,
                      struct problem *p)
{
    for (u32 i = 0; i < demand->tables; i++) {
        AUTO(freep) char *schema = str_dup(demand->table[i].schema);
        AUTO(freep) char *name = str_dup(demand->table[i].name);
        struct catalog_table *t;
        int err;

        if (!schema || !name)
            return -ENOMEM;
        if (catalog_find(out, demand->table[i].schema, demand->table[i].name, false))
            continue;
        t = catalog_add(out, demand->table[i].schema, demand->table[i].name);
        if (!t)
            return 0;
        err = table_read(c, out, t, schema, name, p);
        if (!err)
            err = indexes_read(c, out, t, schema, name, p);
        if (!err)
            err = keys_read(c, out, t, schema, name, p);
        if (err)
            return err;
    }
    return 0;
}

/* A candidate that the server refuses is no reason to give up; a connection that is gone is one. */
static int refused(const struct pg_client *c)
{
    return pq.PQstatus(c->connection) == CONNECTION_OK ? -EAGAIN : -ECONNRESET;
}

static int hypopg_create(struct pg_client *c, const char *statement, double *bytes)
{
    AUTO(buf_done) struct buf command = { 0 };
    AUTO(result_clear) PGresult *r = NULL;
    struct problem p;

    buf_addf(&command,
             "WITH h AS MATERIALIZED (SELECT indexrelid FROM %s.hypopg_create_index($1)) SELECT "
             "indexrelid, %s.hypopg_relation_size(indexrelid) FROM h",
             c->hypopg, c->hypopg);
    buf_addc(&command, 0);
    if (command.failed)
        return -ENOMEM;
    r = query(c, command.ptr, statement, NULL, &p);
    if (!r || pq.PQntuples(r) < 1)
        return refused(c);
    str_to_cstr(cell(r, 0, 0), c->created[c->creations], sizeof(c->created[0]));
    *bytes = cell_number(r, 0, 1);
    c->creations++;
    return 0;
}

/* In a transaction of its own, whose savepoints are the indexes. */
static int real_create(struct pg_client *c, const char *statement, double *bytes)
{
    AUTO(buf_done) struct buf command = { 0 };
    struct problem p;

    *bytes = 0;
    if (!c->in_transaction && run(c, "BEGIN READ WRITE; SET LOCAL statement_timeout = '60s'", &p))
        return refused(c);
    c->in_transaction = true;
    buf_addf(&command, "SAVEPOINT fettle_%u", c->creations);
    buf_addc(&command, 0);
    if (command.failed)
        return -ENOMEM;
    if (run(c, command.ptr, &p))
        return refused(c);
    if (!run(c, statement, &p)) {
        c->creations++;
        return 0;
    }
    buf_clear(&command);
    buf_addf(&command, "ROLLBACK TO SAVEPOINT fettle_%u", c->creations);
    buf_addc(&command, 0);
    return !command.failed && !run(c, command.ptr, &p) ? -EAGAIN : -EIO;
}

static struct pg_client *client_of(struct trial_bench *b)
{
    return container_of(b, struct pg_client, bench);
}

static int bench_create(struct trial_bench *b, const struct candidate *candidate, double *bytes)
{
    struct pg_client *c = client_of(b);
    AUTO(buf_done) struct buf statement = { 0 };

    if (c->creations == CREATED_MAX)
        return -ENOSPC;
    candidate_statement_add(&statement, candidate, c->demand, SQL_POSTGRESQL, (struct str){ 0 },
                            false);
    buf_addc(&statement, 0);
    if (statement.failed)
        return -ENOMEM;
    return c->how == PG_TRIAL_HYPOPG ? hypopg_create(c, statement.ptr, bytes)
                                     : real_create(c, statement.ptr, bytes);
}

static int bench_drop(struct trial_bench *b)
{
    struct pg_client *c = client_of(b);
    AUTO(buf_done) struct buf command = { 0 };
    struct problem p;

    assert(c->creations);
    c->creations--;
    if (c->how == PG_TRIAL_HYPOPG)
        buf_addf(&command, "SELECT %s.hypopg_drop_index(%s)", c->hypopg, c->created[c->creations]);
    else if (c->creations)
        buf_addf(&command, "ROLLBACK TO SAVEPOINT fettle_%u", c->creations);
    else
        buf_add(&command, STR("ROLLBACK"));
    buf_addc(&command, 0);
    if (command.failed)
        return -ENOMEM;
    if (c->how == PG_TRIAL_TRANSACTION && !c->creations)
        c->in_transaction = false;
    return run(c, command.ptr, &p) ? -EIO : 0;
}

/* "Seq Scan on t  (cost=0.00..35.50 rows=…": the number behind the two dots. */
static int bench_cost(struct trial_bench *b, double *cost)
{
    struct pg_client *c = client_of(b);
    AUTO(result_clear) PGresult *r = pq.PQexec(c->connection, c->explain.ptr);
    const char *at;

    if (!is_good(r) || pq.PQntuples(r) < 1)
        return refused(c) == -EAGAIN ? -EIO : -ECONNRESET;
    at = strstr(pq.PQgetvalue(r, 0, 0), "..");
    if (!at)
        return -EIO;
    *cost = strtod(at + 2, NULL);
    return 0;
}

struct trial_bench *pg_client_bench(struct pg_client *c, const struct demand *demand)
{
    if (c->how == PG_TRIAL_NONE)
        return NULL;
    c->demand = demand;
    c->bench =
        (struct trial_bench){ .create = bench_create, .drop = bench_drop, .cost = bench_cost };
    return &c->bench;
}

int pg_client_rows(struct pg_client *c, const char *command,
                   void (*row)(void *arg, const struct str *cell, u32 cells), void *arg,
                   struct problem *p)
{
    AUTO(result_clear) PGresult *r = query(c, command, NULL, NULL, p);
    struct str cells[CELLS_MAX];
    u32 count;

    if (!r)
        return -EINVAL;
    count = min((u32)pq.PQnfields(r), (u32)CELLS_MAX);
    for (int i = 0; i < pq.PQntuples(r); i++) {
        for (u32 k = 0; k < count; k++)
            cells[k] = cell(r, i, (int)k);
        row(arg, cells, count);
    }
    return 0;
}
