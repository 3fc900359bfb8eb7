/* sql/database.h -- a database that explains statements, whichever it is
 *
 * The URL says which: postgresql:// (or postgres://, or libpq's key=value words), mysql:// and
 * mariadb://, sqlite:PATH or the path of a file. Its client library is loaded when it is opened.
 * It waits in place, reads only, and gives up in time. One thread.
 */
#pragma once

#include "sql/explanation.h"
#include "sql/trial.h"

/* How it is known what an index would do. */
enum database_trial {
    DATABASE_TRIAL_MODEL,       /* by fettle's own estimate from the database's statistics */
    DATABASE_TRIAL_HYPOPG,      /* by PostgreSQL's planner, with hypothetical indexes */
    DATABASE_TRIAL_TRANSACTION, /* by PostgreSQL's planner, with real ones, rolled back */
    DATABASE_TRIAL_COPY,        /* by SQLite's planner, in a copy of the schema in memory */
};

struct database_options {
    const char *url;
    bool allow_extension; /* may create the extension HypoPG */
    bool allow_locks;     /* may make indexes in a transaction that is rolled back */
};

struct database {
    enum sql_dialect dialect;
    enum database_trial how;
    const char *note; /* what is missing for a better trial; or NULL */
    /* private */
    struct pg_client *pg;
    struct sqlite_client *sqlite;
    struct mysql_client *mysql;
};

/* The dialect that a URL is of, without opening it. -EINVAL with *p. */
MUST_USE int database_dialect(const char *url, enum sql_dialect *out, struct problem *p);
/* -EINVAL with *p: what is wrong with the URL, or what the server or the library says. */
MUST_USE int database_open(struct database *d, const struct database_options *o, struct problem *p);
void database_close(struct database *d);
/* How it would execute the statement, whose values may be missing, and what is known of its tables.
 * Both are empty before, and done by the caller whatever happens. -EINVAL with *p, -ENOMEM. */
MUST_USE int database_explain(struct database *d, struct str statement, struct explanation *out,
                              struct catalog *catalog, struct problem *p);
/* Where candidates for the statement that was explained last are tried; NULL: by the model only. It
 * is the database's. */
struct trial_bench *database_bench(struct database *d, const struct explanation *e,
                                   const struct catalog *catalog);

/* Rows of a query of fettle's own, each as texts, of which NULL is an empty one; as the clients'.
 */
MUST_USE int database_rows(struct database *d, const char *command,
                           void (*row)(void *arg, const struct str *cell, u32 cells), void *arg,
                           struct problem *p);
