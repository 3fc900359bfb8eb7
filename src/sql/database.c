/* sql/database.c -- a database that explains statements, whichever it is */
#include "sql/database.h"

#include "sql/explainable.h"
#include "sql/mysql_client.h"
#include "sql/pg_client.h"
#include "sql/sqlite_client.h"

static bool begins(const char *url, const char *scheme)
{
    return str_starts_nocase(str_of(url), str_of(scheme));
}

int database_dialect(const char *url, enum sql_dialect *out, struct problem *p)
{
    if (begins(url, "postgres://") || begins(url, "postgresql://") ||
        (strchr(url, '=') && !strchr(url, '/')) || begins(url, "host=") || begins(url, "dbname=") ||
        begins(url, "service=")) {
        *out = SQL_POSTGRESQL;
        return 0;
    }
    if (begins(url, "mysql://") || begins(url, "mariadb://")) {
        *out = SQL_MYSQL;
        return 0;
    }
    if (begins(url, "sqlite:") || begins(url, "file:") || !strstr(url, "://")) {
        *out = SQL_SQLITE;
        return 0;
    }
    return problem_set(p,
                       "\"%.*s\" is no URL of a database that fettle knows; write "
                       "postgresql://user@host/name, mysql://user@host/name or sqlite:PATH",
                       (int)strcspn(url, "/"), url);
}

static int open_postgresql(struct database *d, const struct database_options *o, struct problem *p)
{
    enum pg_trial how;
    int err = pg_client_open(&d->pg, o->url, p);

    if (!err)
        err = pg_client_prepare_trial(d->pg, o->allow_extension, o->allow_locks, &how, &d->note, p);
    if (err)
        return err;
    d->how = how == PG_TRIAL_HYPOPG        ? DATABASE_TRIAL_HYPOPG
             : how == PG_TRIAL_TRANSACTION ? DATABASE_TRIAL_TRANSACTION
                                           : DATABASE_TRIAL_MODEL;
    return 0;
}

int database_open(struct database *d, const struct database_options *o, struct problem *p)
{
    int err = database_dialect(o->url, &d->dialect, p);

    if (err)
        return err;
    switch (d->dialect) {
    case SQL_POSTGRESQL:
        return open_postgresql(d, o, p);
    case SQL_SQLITE:
        d->how = DATABASE_TRIAL_COPY;
        return sqlite_client_open(&d->sqlite, o->url, p);
    case SQL_MYSQL:
        d->how = DATABASE_TRIAL_MODEL;
        return mysql_client_open(&d->mysql, o->url, p);
    }
    return -EINVAL;
}

void database_close(struct database *d)
{
    pg_client_close(d->pg);
    sqlite_client_close(d->sqlite);
    mysql_client_close(d->mysql);
    *d = (struct database){ 0 };
}

int database_explain(struct database *d, struct str statement, struct explanation *out,
                     struct catalog *catalog, struct problem *p)
{
    AUTO(buf_done) struct buf text = { 0 };
    u32 params;
    int err;

    explainable_prepare(statement, d->dialect, &text, &params);
    if (text.failed)
        return -ENOMEM;
    switch (d->dialect) {
    case SQL_POSTGRESQL:
        err = pg_client_explain(d->pg, buf_str(&text), params, out, p);
        return err ? err : pg_client_catalog(d->pg, &out->demand, catalog, p);
    case SQL_SQLITE:
        return sqlite_client_explain(d->sqlite, buf_str(&text), out, catalog, p);
    case SQL_MYSQL:
        return mysql_client_explain(d->mysql, buf_str(&text), out, catalog, p);
    }
    return -EINVAL;
}

struct trial_bench *database_bench(struct database *d, const struct explanation *e,
                                   const struct catalog *catalog)
{
    switch (d->dialect) {
    case SQL_POSTGRESQL:
        return pg_client_bench(d->pg, &e->demand);
    case SQL_SQLITE:
        return sqlite_client_bench(d->sqlite, e, catalog);
    case SQL_MYSQL:
        break;
    }
    return NULL;
}

int database_rows(struct database *d, const char *command,
                  void (*row)(void *arg, const struct str *cell, u32 cells), void *arg,
                  struct problem *p)
{
    switch (d->dialect) {
    case SQL_POSTGRESQL:
        return pg_client_rows(d->pg, command, row, arg, p);
    case SQL_SQLITE:
        return sqlite_client_rows(d->sqlite, command, row, arg, p);
    case SQL_MYSQL:
        return mysql_client_rows(d->mysql, command, row, arg, p);
    }
    return -EINVAL;
}
