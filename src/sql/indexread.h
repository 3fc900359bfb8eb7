/* sql/indexread.h -- all indexes of a database, and how often each was read, as it says itself
 *
 * PostgreSQL counts (pg_stat_user_indexes); MySQL does in its performance_schema, MariaDB there or
 * with userstat, which are both off unless they are switched on; SQLite does not. Of PostgreSQL
 * those of partitions are left out, which go with their table's.
 */
#pragma once

#include "sql/database.h"
#include "sql/indexlist.h"

/* Fills an empty list and judges it. -EINVAL with *p: what the database says. */
MUST_USE int indexread_all(struct indexlist *out, struct database *d, struct problem *p);
