/* sql/call_dialect.h -- in which dialect a database's statements are
 *
 * Plain C11: the agent inside Node includes it, too.
 */
#pragma once

#include "shm/calls.h"
#include "sql/token.h"

/* False: its calls are no SQL, and *out stays as it is. */
static inline bool call_dialect(enum shm_call_system system, enum sql_dialect *out)
{
    switch (system) {
    case SHM_CALL_POSTGRESQL:
        *out = SQL_POSTGRESQL;
        return true;
    case SHM_CALL_MYSQL:
        *out = SQL_MYSQL;
        return true;
    case SHM_CALL_SQLITE:
        *out = SQL_SQLITE;
        return true;
    default:
        return false;
    }
}
