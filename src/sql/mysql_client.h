/* sql/mysql_client.h -- a session of MariaDB or MySQL that explains statements, by libmariadb
 *
 * The library is loaded when the first session is opened. The session reads only; a statement gets
 * 10 s, a lock 1 s. EXPLAIN executes nothing there (ANALYZE would, and is not used). It knows no
 * generic plans: bind parameters are given values that are in the column they are compared with,
 * for EXPLAIN only; they go nowhere else. It waits in place.
 */
#pragma once

#include "sql/explanation.h"

struct mysql_client;

/* `url`: mysql_url.h. -EINVAL with *p, -ENOMEM. */
MUST_USE int mysql_client_open(struct mysql_client **out, const char *url, struct problem *p);
void mysql_client_close(struct mysql_client *c);

/* Explains a statement and reads what the server knows of its tables, and how many different values
 * columns have, from a sample of rows. -EINVAL with *p: what the server says of it. */
MUST_USE int mysql_client_explain(struct mysql_client *c, struct str statement,
                                  struct explanation *out, struct catalog *catalog,
                                  struct problem *p);

/* Rows of a query of fettle's own, each as texts; NULL is an empty one. -EINVAL with *p. */
MUST_USE int mysql_client_rows(struct mysql_client *c, const char *command,
                               void (*row)(void *arg, const struct str *cell, u32 cells), void *arg,
                               struct problem *p);
