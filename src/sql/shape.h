/* sql/shape.h -- what a statement that comes again and again says of itself
 *
 * Whether it reads or writes, and whether somebody who sends it many times does so on purpose: a
 * batch, a page, a cursor, a lock. Works on the statement as it was sent, values included, as it
 * goes by how many there are. Plain C11 without a header of fettle's: the agent inside Node
 * compiles the same file.
 */
#pragma once

#include "sql/token.h"

enum sql_shape {
    SQL_SHAPE_READ = 1,
    SQL_SHAPE_WRITE = 2,
    SQL_SHAPE_TRANSACTION_BEGIN = 4,
    SQL_SHAPE_TRANSACTION_END = 8,
    /* Asks for many things at once already, a page or a part of a range, the next of a cursor or
     * queue; or reads no table. */
    SQL_SHAPE_DELIBERATE = 16,
    /* Deliberate only if a page is: OFFSET has a parameter, whose value the text does not say. */
    SQL_SHAPE_PAGE = 32,
};

/* Bits of enum sql_shape. */
uint32_t sql_shape(const char *text, size_t len, enum sql_dialect dialect);

/* The table that a statement is mainly about, and the column by which it finds its rows: views of
 * `text`, as they are written there; empty: it is not that simple. */
struct sql_subject {
    enum sql_word verb; /* SQL_KW_SELECT, _INSERT, _UPDATE, _DELETE; SQL_KW_NONE: another */
    const char *table, *column;
    size_t table_len, column_len;
};
struct sql_subject sql_subject(const char *text, size_t len, enum sql_dialect dialect);
