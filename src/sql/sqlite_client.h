/* sql/sqlite_client.h -- a database of SQLite that explains statements, by libsqlite3
 *
 * The library is loaded when the first one is opened. The file is opened for reading only. Indexes
 * are tried in a copy of its schema in memory, with statistics as ANALYZE would write them: those
 * of the file, else from a sample of rows. It waits in place.
 */
#pragma once

#include "sql/explanation.h"
#include "sql/model.h"

struct sqlite_client;

/* `url` is a path, or sqlite:PATH, or a file: URI. -EINVAL with *p, -ENOMEM. */
MUST_USE int sqlite_client_open(struct sqlite_client **out, const char *url, struct problem *p);
void sqlite_client_close(struct sqlite_client *c);

/* Explains a statement, whose parameters may be unbound, and reads what the file knows of its
 * tables. -EINVAL with *p: what SQLite says of it. */
MUST_USE int sqlite_client_explain(struct sqlite_client *c, struct str statement,
                                   struct explanation *out, struct catalog *catalog,
                                   struct problem *p);
/* Where candidates for the statement that was explained last are tried; NULL: there could be no
 * copy. It is the client's. */
struct trial_bench *sqlite_client_bench(struct sqlite_client *c, const struct explanation *e,
                                        const struct catalog *catalog);

/* Rows of a query of fettle's own, each as texts; NULL is an empty one. -EINVAL with *p. */
MUST_USE int sqlite_client_rows(struct sqlite_client *c, const char *command,
                                void (*row)(void *arg, const struct str *cell, u32 cells),
                                void *arg, struct problem *p);
