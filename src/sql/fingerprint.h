/* sql/fingerprint.h -- a statement without its values, and a number that stands for it
 *
 *   SELECT * FROM users WHERE id IN (1,2, 3) -- from cache   →  select * from users where id in
 * ($1)
 *
 * Two executions of one statement of an app have the same fingerprint, whatever values they have:
 *   - texts, numbers, NULL, TRUE and FALSE, and bind parameters of every style become placeholders:
 *     $1, $2 … for PostgreSQL, ? for the others. `IS NULL` and the like stay, and so does an
 *     ordinal of ORDER BY and GROUP BY;
 *   - items of IN (…), ARRAY[…] and the rows of VALUES that are alike become one;
 *   - comments are dropped, space is put where it is easy to read, keywords are lower case; so are
 *     names without quotes, but in MySQL, where the case of a table's name matters;
 *   - names stay as they are, but those of savepoints, cursors and prepared statements, which many
 *     libraries make up at run time.
 *
 * The text can be given back to the database for an explanation, provided that it is whole. It has
 * no value of the statement's in it, unless a value was written where only a name may be.
 *
 * Plain C11 without a header of fettle's, without memory of its own and without recursion, in one
 * pass: the agent inside Node compiles the same file. Linear in the statement's length.
 */
#pragma once

#include "sql/token.h"

/* The statement `text` without its values, in `out` with a NUL: at most room - 1 bytes. Returns
 * its length. What does not fit is left out from a token on, and the text then ends with "…".
 * *hash (may be NULL) is that of the whole statement, whatever the room is: 64 bits, the same in
 * every process and on every machine; not keyed, so not for a table that strangers may aim at. */
size_t sql_fingerprint(const char *text, size_t len, enum sql_dialect dialect, char *out,
                       size_t room, uint64_t *hash);

/* Whether a text that sql_fingerprint gave is the whole statement. */
bool sql_fingerprint_is_whole(const char *out, size_t len);
