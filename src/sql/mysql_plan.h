/* sql/mysql_plan.h -- reads EXPLAIN FORMAT=JSON of MariaDB and MySQL
 *
 * Sources: mariadb.com/kb/en/explain-format-json and MySQL 8.0 manual 8.8.2. The two name things
 * differently; the tables, how each is read, and sorts are taken from both.
 */
#pragma once

#include "sql/explanation.h"

/* -EINVAL with *p when it is no such plan; -ENOMEM. The demand has the statement's tables. */
MUST_USE int mysql_plan_read(struct explanation *out, struct str json, struct problem *p);
