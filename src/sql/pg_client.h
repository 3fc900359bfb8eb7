/* sql/pg_client.h -- a session of PostgreSQL that explains statements, by libpq
 *
 * libpq is loaded when the first session is opened, so that fettle needs it for nothing else. The
 * session reads only (default_transaction_read_only), and gives up after 10 s for a statement and
 * 1 s for a lock; it writes nothing unless it is told to try indexes in a transaction that is
 * rolled back, or to create the extension. It waits in place: for short-lived commands only.
 */
#pragma once

#include "sql/explanation.h"
#include "sql/trial.h"

struct pg_client;

enum pg_trial {
    PG_TRIAL_NONE,
    PG_TRIAL_HYPOPG,      /* hypothetical indexes, which exist in this session only */
    PG_TRIAL_TRANSACTION, /* real ones, rolled back: writers of the table wait for so long */
};

/* `url` is whatever libpq takes: postgresql://…, or key=value words; what it lacks is read from the
 * environment (PGHOST, PGPASSWORD, …), ~/.pgpass and the service file. -EINVAL with *p, -ENOMEM. */
MUST_USE int pg_client_open(struct pg_client **out, const char *url, struct problem *p);
void pg_client_close(struct pg_client *c);

/* How indexes can be tried: with HypoPG when the database has it. `allow_extension`: creates it
 * when the server has it and the database has not. *note says what is missing; it is NULL when
 * nothing is. */
MUST_USE int pg_client_prepare_trial(struct pg_client *c, bool allow_extension, bool allow_locks,
                                     enum pg_trial *how, const char **note, struct problem *p);

/* Explains a statement with `params` parameters ($1 …) whose values are unknown: a generic plan.
 * The statement is that of the trials from now on. -EINVAL with *p: what the server says of it. */
MUST_USE int pg_client_explain(struct pg_client *c, struct str statement, u32 params,
                               struct explanation *out, struct problem *p);
/* Adds what the server knows of the demand's tables. */
MUST_USE int pg_client_catalog(struct pg_client *c, const struct demand *demand,
                               struct catalog *out, struct problem *p);
/* Where candidates for the statement that was explained last are tried; of PG_TRIAL_NONE: NULL.
 * It is the client's. */
struct trial_bench *pg_client_bench(struct pg_client *c, const struct demand *demand);

/* Rows of a query of fettle's own, each as texts; NULL is an empty one. -EINVAL with *p. */
MUST_USE int pg_client_rows(struct pg_client *c, const char *command,
                            void (*row)(void *arg, const struct str *cell, u32 cells), void *arg,
                            struct problem *p);
