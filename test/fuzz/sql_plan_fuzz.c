/* fuzz: sql/ -- plans of three databases and statements: whatever they are, reading them ends well,
 * and what is proposed is of tables and columns that are there */
#include "sql/candidate.h"
#include "sql/explanation.h"
#include "sql/model.h"
#include "sql/mysql_plan.h"
#include "sql/mysql_url.h"
#include "sql/pg_plan.h"
#include "sql/selection.h"
#include "sql/sqlite_plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void facts(struct catalog *c, const struct demand *d)
{
    static const char *const names[] = { "a", "b", "c", "id", "name" };

    for (u32 i = 0; i < d->tables; i++) {
        struct catalog_table *t = catalog_add(c, d->table[i].schema, d->table[i].name);

        for (u32 k = 0; t && k < ARRAY_LEN(names); k++) {
            struct catalog_column *column = catalog_add_column(t);

            if (column)
                *column = (struct catalog_column){ .name = str_of(names[k]),
                                                   .distinct = 10 * k,
                                                   .ordered = true };
        }
    }
}

static void candidates_check(const struct explanation *e, const struct catalog *catalog,
                             enum sql_dialect dialect)
{
    static struct candidate c[CANDIDATES_MAX];
    u32 count = candidates_make(&e->demand, catalog, dialect, c, CANDIDATES_MAX);
    struct trial trial = { 0 };
    struct model model;
    double cost;

    for (u32 i = 0; i < count; i++) {
        AUTO(buf_done) struct buf text = { 0 };

        assert(c[i].table < e->demand.tables && c[i].columns >= 1 &&
               c[i].columns <= CANDIDATE_COLUMNS_MAX);
        candidate_statement_add(&text, &c[i], &e->demand, dialect, STR("x"), true);
        assert(!text.failed);
    }
    model_init(&model, e, catalog, dialect);
    assert(model.bench.cost(&model.bench, &cost) == 0);
    assert(trial_run(&trial, &model.bench, c, count, cost) == 0 && model.creations == 0);
    for (u32 i = 0; i < trial.count; i++)
        assert(trial.kept[i].candidate < count);
}

static int read_as(enum sql_dialect dialect, struct str text, struct explanation *e,
                   struct catalog *catalog)
{
    struct problem p;
    int err = 0;

    if (dialect == SQL_POSTGRESQL) {
        err = pg_plan_read(e, text, &p);
        facts(catalog, &e->demand);
        return err;
    }
    err = selection_read(&e->demand, text, dialect, NULL);
    facts(catalog, &e->demand);
    if (!err && dialect == SQL_SQLITE)
        while (text.ptr)
            sqlite_plan_add(e, str_cut(text, '\n', &text), 0);
    else if (!err)
        (void)!mysql_plan_read(e, text, &p);
    return err ? err : selection_read(&e->demand, text, dialect, catalog);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(freep) struct explanation *e = calloc(1, sizeof(*e));
    AUTO(freep) struct catalog *catalog = calloc(1, sizeof(*catalog));
    AUTO(freep) char *text = malloc(size + 1);
    enum sql_dialect dialect;
    struct mysql_url url;
    struct problem p;

    if (size < 1 || !e || !catalog || !text)
        return 0;
    dialect = (enum sql_dialect)(data[0] % 3);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = 0;
    (void)!mysql_url_read(&url, text, &p);
    if (read_as(dialect, str_make(text, size - 1), e, catalog) == 0)
        candidates_check(e, catalog, dialect);
    explanation_done(e);
    catalog_done(catalog);
    return 0;
}
