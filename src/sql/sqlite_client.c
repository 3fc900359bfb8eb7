/* sql/sqlite_client.c -- a database of SQLite that explains statements, by libsqlite3 */
#include "sql/sqlite_client.h"

#include "io/library.h"
#include "sql/selection.h"
#include "sql/sqlite_plan.h"

#include <math.h>
#include <sqlite3.h>

enum {
    SAMPLES = 20,      /* places in a table … */
    SAMPLE_ROWS = 500, /* … of which so many rows are looked at */
    BUSY_MS = 1000,
    CELLS_MAX = 16,
    STEPS_MAX = 50000000, /* of SQLite's virtual machine, for one of our own queries */
};

/* What is used of libsqlite3, with its own types. */
#define LIBSQLITE(X)         \
    X(sqlite3_open_v2)       \
    X(sqlite3_close)         \
    X(sqlite3_errmsg)        \
    X(sqlite3_exec)          \
    X(sqlite3_prepare_v2)    \
    X(sqlite3_step)          \
    X(sqlite3_finalize)      \
    X(sqlite3_column_text)   \
    X(sqlite3_column_bytes)  \
    X(sqlite3_column_count)  \
    X(sqlite3_column_int)    \
    X(sqlite3_column_double) \
    X(sqlite3_busy_timeout)  \
    X(sqlite3_progress_handler)

static struct {
    bool loaded;
    union {
        struct {
#define X(name) __typeof__(name) *name;
            LIBSQLITE(X)
#undef X
        };
#define X(name) +1
        void *function[LIBSQLITE(X)];
#undef X
    };
} lite;

struct sqlite_client {
    sqlite3 *file, *copy;
    struct buf statement; /* NUL-terminated */
    const struct explanation *explanation;
    const struct catalog *catalog;
    struct trial_bench bench;
    u32 creations;
};

static int load(struct problem *p)
{
#define X(name) #name,
    static const char *const names[] = { LIBSQLITE(X) };
#undef X
    static const struct library library = {
        .file = "libsqlite3.so.0",
        .what = "SQLite's library",
        .package = "libsqlite3-0",
        .names = names,
        .count = ARRAY_LEN(names),
    };
    int err = lite.loaded ? 0 : library_load(&library, lite.function, p);

    lite.loaded = !err;
    return err;
}

static void statement_done(sqlite3_stmt **s)
{
    lite.sqlite3_finalize(*s); /* accepts NULL */
}

static int said(sqlite3 *db, struct problem *p)
{
    return problem_set(p, "SQLite says: %s", lite.sqlite3_errmsg(db));
}

static struct str cell(sqlite3_stmt *s, int column)
{
    const char *text = (const char *)lite.sqlite3_column_text(s, column);

    return str_make(text ? text : "", text ? (size_t)lite.sqlite3_column_bytes(s, column) : 0);
}

static int interrupt(void *arg)
{
    (void)arg;
    return 1;
}

/* A statement of ours, made of pieces; NULL when SQLite will not have it. `db` interrupts it when
 * it takes too long. */
static sqlite3_stmt *prepare(sqlite3 *db, const struct buf *text)
{
    sqlite3_stmt *s = NULL;

    if (text->failed ||
        lite.sqlite3_prepare_v2(db, text->ptr, (int)text->len, &s, NULL) != SQLITE_OK) {
        lite.sqlite3_finalize(s);
        return NULL;
    }
    return s;
}

static sqlite3_stmt *ask(sqlite3 *db, const char *before, struct str name, const char *after)
{
    AUTO(buf_done) struct buf text = { 0 };

    buf_add(&text, str_of(before));
    candidate_quote(&text, name, SQL_SQLITE);
    buf_add(&text, str_of(after));
    return prepare(db, &text);
}

static bool next(sqlite3_stmt *s)
{
    return s && lite.sqlite3_step(s) == SQLITE_ROW;
}

static const char *path_of(const char *url)
{
    if (!str_starts_nocase(str_of(url), STR("sqlite:")))
        return url;
    url += strlen("sqlite:");
    return strncmp(url, "///", 3) == 0 ? url + 2 : strncmp(url, "//", 2) == 0 ? url + 2 : url;
}

int sqlite_client_open(struct sqlite_client **out, const char *url, struct problem *p)
{
    const char *path = path_of(url);
    struct sqlite_client *c;
    int err = load(p);

    if (err)
        return err;
    c = calloc(1, sizeof(*c));
    if (!c)
        return -ENOMEM;
    if (lite.sqlite3_open_v2(path, &c->file, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL) !=
            SQLITE_OK ||
        lite.sqlite3_exec(c->file, "select count(*) from sqlite_master", NULL, NULL, NULL) !=
            SQLITE_OK) {
        err = problem_set(p, "%s cannot be opened: %s", path,
                          c->file ? lite.sqlite3_errmsg(c->file) : "out of memory");
        sqlite_client_close(c);
        return err;
    }
    lite.sqlite3_busy_timeout(c->file, BUSY_MS);
    *out = c;
    return 0;
}

void sqlite_client_close(struct sqlite_client *c)
{
    if (!c)
        return;
    if (c->copy)
        lite.sqlite3_close(c->copy);
    if (c->file)
        lite.sqlite3_close(c->file);
    buf_done(&c->statement);
    free(c);
}

/* ---- what is known of the tables ---- */

/* The greatest rowid is there at once; it is the number of rows unless many were deleted. */
static double rows_count(sqlite3 *db, struct str table)
{
    AUTO(statement_done) sqlite3_stmt *s = ask(db, "select max(rowid) from ", table, "");
    AUTO(statement_done)
    sqlite3_stmt *all =
        s ? NULL : ask(db, "select count(*) from (select 1 from ", table, " limit 1000000)");
    sqlite3_stmt *use = s ? s : all;

    return next(use) ? max(0.0, lite.sqlite3_column_double(use, 0)) : -1;
}

static void columns_read(sqlite3 *db, struct catalog *c, struct catalog_table *t)
{
    AUTO(statement_done) sqlite3_stmt *s = ask(db, "pragma table_info(", t->name, ")");

    while (next(s)) {
        struct catalog_column *k = catalog_add_column(t);

        if (!k)
            return;
        k->name = catalog_keep(c, cell(s, 1));
        k->type = catalog_keep(c, cell(s, 2));
        k->ordered = true;
    }
}

static void index_columns_read(sqlite3 *db, struct catalog *c, struct catalog_index *x)
{
    AUTO(statement_done) sqlite3_stmt *s = ask(db, "pragma index_info(", x->name, ")");

    while (x->columns < CATALOG_KEYS_MAX && next(s))
        x->column[x->columns++] = catalog_keep(c, cell(s, 2));
}

static void indexes_read(sqlite3 *db, struct catalog *c, struct catalog_table *t)
{
    AUTO(statement_done) sqlite3_stmt *s = ask(db, "pragma index_list(", t->name, ")");
    AUTO(statement_done) sqlite3_stmt *info = ask(db, "pragma table_info(", t->name, ")");
    struct catalog_index *x;
    struct str key = { 0 };
    u32 keys = 0;

    while (next(s) && (x = catalog_add_index(t))) {
        x->name = catalog_keep(c, cell(s, 1));
        x->unique = lite.sqlite3_column_int(s, 2);
        x->partial = lite.sqlite3_column_int(s, 4);
        index_columns_read(db, c, x);
    }
    while (next(info)) /* INTEGER PRIMARY KEY is the table itself */
        if (lite.sqlite3_column_int(info, 5) == 1 && keys++ == 0)
            key = catalog_keep(c, cell(info, 1));
    if (key.len && keys == 1 && (x = catalog_add_index(t)))
        *x = (struct catalog_index){
            .name = STR("the primary key"), .column = { key }, .columns = 1, .unique = true
        };
}

static void keys_read(sqlite3 *db, struct catalog *c, struct catalog_table *t)
{
    AUTO(statement_done) sqlite3_stmt *s = ask(db, "pragma foreign_key_list(", t->name, ")");
    struct catalog_foreign_key *k = NULL;

    while (next(s)) {
        if (lite.sqlite3_column_int(s, 1) == 0) {
            k = catalog_add_key(t);
            if (k)
                k->references = catalog_keep(c, cell(s, 2));
        }
        if (k && k->columns < CATALOG_KEYS_MAX)
            k->column[k->columns++] = catalog_keep(c, cell(s, 3));
    }
}

static void table_read(sqlite3 *db, struct catalog *c, struct str schema, struct str name)
{
    AUTO(buf_done) struct buf text = { 0 };
    AUTO(statement_done) sqlite3_stmt *s = NULL;
    struct catalog_table *t;

    buf_add(&text, STR("select name from sqlite_master where type = 'table' and name = "));
    buf_addc(&text, '\'');
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '\'')
            buf_addc(&text, '\'');
        buf_addc(&text, name.ptr[i]);
    }
    buf_add(&text, STR("' collate nocase"));
    s = prepare(db, &text);
    if (!next(s) || catalog_find(c, schema, name, true) || !(t = catalog_add(c, schema, name)))
        return;
    t->rows = rows_count(db, t->name);
    columns_read(db, c, t);
    indexes_read(db, c, t);
    keys_read(db, c, t);
}

/* Rows from places all over the table, of one column. */
static void sample_add(struct buf *out, const struct catalog_table *t, struct str column)
{
    u32 places = t->rows > SAMPLES * SAMPLE_ROWS ? SAMPLES : 1;

    for (u32 i = 0; i < places; i++) {
        buf_add(out, i ? STR(" union all select * from (select ") : STR("select * from (select "));
        candidate_quote(out, column, SQL_SQLITE);
        buf_add(out, STR(" v from "));
        candidate_quote(out, t->name, SQL_SQLITE);
        if (places > 1)
            buf_addf(out, " where rowid >= %.0f", 1 + t->rows / places * i);
        buf_addf(out, " limit %u)", places > 1 ? SAMPLE_ROWS : SAMPLES * SAMPLE_ROWS);
    }
}

/* How many different values, from a sample: the estimator of Charikar and others (PODS 2000), which
 * counts those that were seen once as the square root of what the sample is of the table. */
static void distinct_read(sqlite3 *db, const struct catalog_table *t, struct catalog_column *k)
{
    AUTO(buf_done) struct buf text = { 0 };
    AUTO(statement_done) sqlite3_stmt *s = NULL;
    double rows, values, once, nulls;

    buf_add(&text, STR("select sum(n), count(*), sum(n = 1), sum(case when v is null then n else 0 "
                       "end) from (select v, count(*) n from ("));
    sample_add(&text, t, k->name);
    buf_add(&text, STR(") group by v)"));
    lite.sqlite3_progress_handler(db, STEPS_MAX, interrupt, NULL);
    s = prepare(db, &text);
    if (next(s)) {
        rows = max(1.0, lite.sqlite3_column_double(s, 0));
        values = lite.sqlite3_column_double(s, 1);
        once = lite.sqlite3_column_double(s, 2);
        nulls = lite.sqlite3_column_double(s, 3);
        k->null_share = nulls / rows;
        k->distinct = once >= rows ? t->rows
                                   : min(max(t->rows, 1.0),
                                         sqrt(max(1.0, t->rows / rows)) * once + values - once);
    }
    lite.sqlite3_progress_handler(db, 0, NULL, NULL);
}

/* Of the columns that the statement uses, and those of the tables' indexes. */
static void statistics_read(struct sqlite_client *c, const struct demand *d,
                            struct catalog *catalog)
{
    for (u32 i = 0; i < catalog->tables; i++) {
        struct catalog_table *t = &catalog->table[i];

        for (u32 k = 0; k < t->columns; k++) {
            bool used = false;

            for (u32 u = 0; u < d->uses; u++)
                used |= str_eq_nocase(d->table[d->use[u].table].name, t->name) &&
                        str_eq_nocase(d->use[u].column, t->column[k].name);
            for (u32 x = 0; x < t->indexes; x++)
                for (u32 n = 0; n < t->index[x].columns; n++)
                    used |= str_eq_nocase(t->index[x].column[n], t->column[k].name);
            if (used && t->rows > 0)
                distinct_read(c->file, t, &t->column[k]);
        }
    }
}

/* ---- plans ---- */

/* The plan's rows, in order, with their depth. -EINVAL: SQLite will not have the statement. */
static int plan_read(sqlite3 *db, struct str statement, struct explanation *out)
{
    AUTO(buf_done) struct buf text = { 0 };
    AUTO(statement_done) sqlite3_stmt *s = NULL;
    int node[EXPLANATION_STEPS_MAX];
    u32 depth[EXPLANATION_STEPS_MAX], count = 0;

    buf_add(&text, STR("explain query plan "));
    buf_add(&text, statement);
    s = prepare(db, &text);
    if (!s)
        return text.failed ? -ENOMEM : -EINVAL;
    while (count < EXPLANATION_STEPS_MAX && next(s)) {
        int parent = lite.sqlite3_column_int(s, 1);

        node[count] = lite.sqlite3_column_int(s, 0);
        depth[count] = 0;
        for (u32 i = 0; i < count; i++)
            if (node[i] == parent)
                depth[count] = depth[i] + 1;
        sqlite_plan_add(out, explanation_keep(out, cell(s, 3)), depth[count]);
        count++;
    }
    return 0;
}

int sqlite_client_explain(struct sqlite_client *c, struct str statement, struct explanation *out,
                          struct catalog *catalog, struct problem *p)
{
    struct demand *d = &out->demand;
    int err;

    statement = explanation_keep(out, statement);
    err = selection_read(d, statement, SQL_SQLITE, NULL);
    if (err == -E2BIG)
        return problem_set(p, "has more words than fettle reads");
    if (err)
        return err;
    for (u32 i = 0; i < d->tables; i++)
        table_read(c->file, catalog, d->table[i].schema, d->table[i].name);
    err = plan_read(c->file, statement, out);
    if (err)
        return err == -EINVAL ? said(c->file, p) : err;
    err = selection_read(d, statement, SQL_SQLITE, catalog);
    if (err)
        return err;
    statistics_read(c, d, catalog);
    buf_clear(&c->statement);
    buf_add(&c->statement, statement);
    return c->statement.failed ? -ENOMEM : 0;
}

/* ---- the copy ---- */

static bool run(sqlite3 *db, const struct buf *text)
{
    AUTO(statement_done) sqlite3_stmt *s = prepare(db, text);

    return s && lite.sqlite3_step(s) == SQLITE_DONE;
}

/* Tables first, then indexes and views; what needs a module that is not there is left out. */
static void schema_copy(struct sqlite_client *c)
{
    AUTO(buf_done) struct buf text = { 0 };
    AUTO(statement_done) sqlite3_stmt *s = NULL;

    buf_add(&text, STR("select sql from sqlite_master where sql is not null and name not like "
                       "'sqlite\\_%' escape '\\' and type in ('table', 'index', 'view') order by "
                       "type = 'table' desc, rowid"));
    s = prepare(c->file, &text);
    while (next(s)) {
        struct buf sql = { .ptr = (char *)cell(s, 0).ptr, .len = cell(s, 0).len };

        (void)run(c->copy, &sql);
    }
}

static void text_add(struct buf *out, struct str text)
{
    buf_addc(out, '\'');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\'')
            buf_addc(out, '\'');
        buf_addc(out, text.ptr[i]);
    }
    buf_addc(out, '\'');
}

/* A row of sqlite_stat1: rows of the table, then rows for one value of the first column, of the
 * first two … */
static void stat_write(sqlite3 *db, const struct catalog_table *t, struct str index,
                       const struct str *column, u32 columns)
{
    AUTO(buf_done) struct buf text = { 0 };
    double rows = max(1.0, t->rows), values = 1;

    buf_add(&text, STR("insert into sqlite_stat1 values ("));
    text_add(&text, t->name);
    buf_addc(&text, ',');
    if (index.len)
        text_add(&text, index);
    else
        buf_add(&text, STR("null"));
    buf_addf(&text, ",'%.0f", rows);
    for (u32 i = 0; i < columns; i++) {
        const struct catalog_column *k = catalog_column(t, column[i], true);

        values = min(rows, values * max(1.0, k && k->distinct > 0 ? k->distinct : 10));
        buf_addf(&text, " %.0f", max(1.0, rows / values));
    }
    buf_add(&text, STR("')"));
    (void)run(db, &text);
}

static void statistics_copy(struct sqlite_client *c)
{
    lite.sqlite3_exec(c->copy, "analyze; delete from sqlite_stat1", NULL, NULL, NULL);
    for (u32 i = 0; i < c->catalog->tables; i++) {
        const struct catalog_table *t = &c->catalog->table[i];

        stat_write(c->copy, t, (struct str){ 0 }, NULL, 0);
        for (u32 x = 0; x < t->indexes; x++)
            stat_write(c->copy, t, t->index[x].name, t->index[x].column, t->index[x].columns);
    }
    lite.sqlite3_exec(c->copy, "analyze sqlite_schema", NULL, NULL, NULL);
}

static struct sqlite_client *client_of(struct trial_bench *b)
{
    return container_of(b, struct sqlite_client, bench);
}

static const char *trial_name(char *out, size_t room, u32 number)
{
    snprintf(out, room, "fettle_trial_%u", number);
    return out;
}

static int bench_create(struct trial_bench *b, const struct candidate *candidate, double *bytes)
{
    struct sqlite_client *c = client_of(b);
    AUTO(buf_done) struct buf text = { 0 };
    const struct demand_table *t = &c->explanation->demand.table[candidate->table];
    const struct catalog_table *facts = catalog_find(c->catalog, t->schema, t->name, true);
    struct str column[CANDIDATE_COLUMNS_MAX];
    char name[32];

    *bytes = 0;
    if (c->creations == MODEL_CREATED_MAX)
        return -ENOSPC;
    /* What a partial index leaves is in no statistics. */
    if (!facts || candidate->where.len)
        return -EAGAIN;
    trial_name(name, sizeof(name), c->creations);
    candidate_statement_add(&text, candidate, &c->explanation->demand, SQL_SQLITE, str_of(name),
                            false);
    if (!run(c->copy, &text))
        return -EAGAIN;
    for (u32 i = 0; i < candidate->columns; i++)
        column[i] = candidate->column[i].name;
    stat_write(c->copy, facts, str_of(name), column, candidate->columns);
    lite.sqlite3_exec(c->copy, "analyze sqlite_schema", NULL, NULL, NULL);
    c->creations++;
    return 0;
}

static int bench_drop(struct trial_bench *b)
{
    struct sqlite_client *c = client_of(b);
    AUTO(buf_done) struct buf text = { 0 };
    char name[32];

    assert(c->creations);
    trial_name(name, sizeof(name), --c->creations);
    buf_addf(&text, "drop index %s", name); /* its row of statistics goes with it */
    return run(c->copy, &text) ? 0 : -EIO;
}

static int bench_cost(struct trial_bench *b, double *cost)
{
    struct sqlite_client *c = client_of(b);
    AUTO(freep) struct explanation *e = calloc(1, sizeof(*e));
    struct model model;
    int err;

    if (!e)
        return -ENOMEM;
    e->demand = c->explanation->demand;
    err = plan_read(c->copy, buf_str(&c->statement), e);
    if (!err) {
        model_init(&model, e, c->catalog, SQL_SQLITE);
        model.by_steps = true;
        err = model.bench.cost(&model.bench, cost);
    }
    explanation_done(e);
    return err == -EINVAL ? -EIO : err;
}

struct trial_bench *sqlite_client_bench(struct sqlite_client *c, const struct explanation *e,
                                        const struct catalog *catalog)
{
    AUTO(freep) struct explanation *probe = calloc(1, sizeof(*probe));
    int err;

    if (c->copy)
        lite.sqlite3_close(c->copy);
    c->copy = NULL;
    if (!probe ||
        lite.sqlite3_open_v2(":memory:", &c->copy, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                             NULL) != SQLITE_OK)
        return NULL;
    c->explanation = e;
    c->catalog = catalog;
    c->creations = 0;
    schema_copy(c);
    statistics_copy(c);
    err = plan_read(c->copy, buf_str(&c->statement), probe);
    explanation_done(probe);
    if (err)
        return NULL;
    c->bench =
        (struct trial_bench){ .create = bench_create, .drop = bench_drop, .cost = bench_cost };
    return &c->bench;
}

int sqlite_client_rows(struct sqlite_client *c, const char *command,
                       void (*row)(void *arg, const struct str *cell, u32 cells), void *arg,
                       struct problem *p)
{
    AUTO(buf_done) struct buf text = { 0 };
    AUTO(statement_done) sqlite3_stmt *s = NULL;
    struct str cells[CELLS_MAX];
    u32 count;

    buf_add(&text, str_of(command));
    s = prepare(c->file, &text);
    if (!s)
        return said(c->file, p);
    count = min((u32)lite.sqlite3_column_count(s), (u32)CELLS_MAX);
    while (next(s)) {
        for (u32 k = 0; k < count; k++)
            cells[k] = cell(s, (int)k);
        row(arg, cells, count);
    }
    return 0;
}
