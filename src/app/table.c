/* app/table.c -- columns of text that fit the terminal */
#include "app/table.h"

#include <sys/ioctl.h>

enum { GAP = 2, WIDTH_USUAL = 80, HEIGHT_USUAL = 24 };

void table_add(struct table *t, struct str text)
{
    /* A NUL or a line's end inside would shift everything after it. */
    for (size_t i = 0; i < text.len; i++)
        buf_addc(&t->cells, (u8)text.ptr[i] < ' ' || text.ptr[i] == 0x7f ? '?' : text.ptr[i]);
    buf_addc(&t->cells, 0);
    t->count++;
}

void table_done(struct table *t)
{
    buf_done(&t->cells);
}

u32 table_columns_of(struct str s)
{
    u32 n = 0;

    for (size_t i = 0; i < s.len; i++)
        n += ((u8)s.ptr[i] & 0xc0) != 0x80;
    return n;
}

static u32 total_of(const u32 *widths, u32 columns)
{
    u32 total = 0;

    for (u32 i = 0; i < columns; i++)
        if (widths[i])
            total += widths[i] + (total ? GAP : 0);
    return total;
}

void table_fit(const struct table_column *column, u32 columns, u32 width, u32 *widths)
{
    while (width) {
        u32 total = total_of(widths, columns), least = total, leaves = columns;

        if (total <= width)
            return;
        for (u32 i = 0; i < columns; i++)
            if (widths[i] && column[i].shorten && widths[i] > column[i].shorten)
                least -= widths[i] - column[i].shorten;
        for (u32 i = 0; i < columns; i++)
            if (widths[i] && column[i].drop &&
                (leaves == columns || column[i].drop > column[leaves].drop))
                leaves = i;
        if (least > width && leaves < columns) {
            widths[leaves] = 0;
            continue;
        }
        /* Shortening is enough, or all that is left: the last ones give first. */
        for (u32 i = columns; i-- > 0 && total > width;) {
            u32 gives = column[i].shorten && widths[i] > column[i].shorten
                            ? widths[i] - column[i].shorten
                            : 0;

            gives = min(gives, total - width);
            widths[i] -= gives;
            total -= gives;
        }
        return;
    }
}

static void blanks(struct buf *out, u32 n)
{
    while (n--)
        buf_addc(out, ' ');
}

/* The first `width` characters, the last of which is "…" when there are more. */
static struct str cut(struct str s, u32 width)
{
    u32 n = 0;

    for (size_t i = 0; i < s.len; i++) {
        n += ((u8)s.ptr[i] & 0xc0) != 0x80;
        if (n > width)
            return str_sub(s, 0, i);
    }
    return s;
}

static void cell_write(struct buf *out, struct str text, const struct table_column *column,
                       u32 width, bool is_last)
{
    u32 n = table_columns_of(text);
    bool is_cut = n > width;
    u32 pad = is_cut ? 0 : width - n;

    if (column->right)
        blanks(out, pad);
    buf_add(out, is_cut ? cut(text, width - 1) : text);
    if (is_cut)
        buf_add(out, STR("…"));
    if (!column->right && !is_last)
        blanks(out, pad);
}

static void row_write(const struct table *t, const char **cell, const u32 *widths, struct buf *out)
{
    bool first = true;
    u32 last = 0;

    for (u32 i = 0; i < t->columns; i++)
        if (widths[i])
            last = i;
    for (u32 i = 0; i < t->columns; i++) {
        struct str text = cell ? str_of(*cell) : str_of(t->column[i].title);

        if (cell)
            *cell += text.len + 1;
        if (!widths[i])
            continue;
        blanks(out, first ? 0 : GAP);
        cell_write(out, text, &t->column[i], widths[i], i == last);
        first = false;
    }
}

void table_write(const struct table *t, u32 width, bool colours, struct buf *out)
{
    u32 widths[TABLE_COLUMNS_MAX];
    const char *cell = t->cells.ptr;

    out->failed |= t->cells.failed;
    if (t->cells.failed)
        return;
    assert(t->columns <= TABLE_COLUMNS_MAX && t->count % t->columns == 0);
    for (u32 i = 0; i < t->columns; i++)
        widths[i] = table_columns_of(str_of(t->column[i].title));
    for (u32 i = 0; i < t->count; i++) {
        struct str text = str_of(cell);

        widths[i % t->columns] = max(widths[i % t->columns], table_columns_of(text));
        cell += text.len + 1;
    }
    table_fit(t->column, t->columns, width, widths);
    buf_add(out, colours ? STR("\033[1m") : STR(""));
    row_write(t, NULL, widths, out);
    buf_add(out, colours ? STR("\033[0m\n") : STR("\n"));
    cell = t->cells.ptr;
    for (u32 i = 0; i < t->count / t->columns; i++) {
        row_write(t, &cell, widths, out);
        buf_addc(out, '\n');
    }
}

u32 table_height(int fd)
{
    struct winsize size = { 0 };

    if (!isatty(fd))
        return 0;
    return ioctl(fd, TIOCGWINSZ, &size) < 0 || size.ws_row == 0 ? HEIGHT_USUAL : size.ws_row;
}

u32 table_width(int fd)
{
    struct winsize size = { 0 };

    if (!isatty(fd))
        return 0;
    if (ioctl(fd, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
        return WIDTH_USUAL;
    return size.ws_col;
}
