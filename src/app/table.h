/* app/table.h -- columns of text that fit the terminal
 *
 * Widths are counted in characters of one column each. On a terminal that is too narrow, columns
 * with the largest `drop` leave first; then those that may be shortened are, with "…" at their end.
 * Not on a terminal nothing is dropped, shortened or coloured.
 */
#pragma once

#include "base/buf.h"

enum { TABLE_COLUMNS_MAX = 16 };

struct table_column {
    const char *title;
    bool right;  /* numbers */
    u32 drop;    /* 0: stays, whatever happens */
    u32 shorten; /* may be shortened to so many characters; 0: not at all */
};

struct table {
    const struct table_column *column;
    u32 columns;
    struct buf cells; /* each with its NUL, row by row */
    u32 count;
};

/* Cells are added from left to right and from top to bottom. */
void table_add(struct table *t, struct str text);
void table_done(struct table *t);

/* Which columns stay, and how wide they are, for lines of at most `width` characters (0: of any
 * length). widths[i] is what column i asks for; what it gets is put there, 0 when it has to go. */
void table_fit(const struct table_column *column, u32 columns, u32 width, u32 *widths);

/* Adds the whole table, with its titles, bold when `colours`. */
void table_write(const struct table *t, u32 width, bool colours, struct buf *out);

/* The width of the terminal on `fd`; 0: it is none. */
u32 table_width(int fd);

/* Its height likewise. */
u32 table_height(int fd);

/* Characters of a text, counting every one as one column. */
u32 table_columns_of(struct str s);
