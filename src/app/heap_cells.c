/* app/heap_cells.c -- numbers in the tables of `fettle heap` */
#include "app/heap_cells.h"

#include "app/brief.h"

void heap_cells_text(struct table *t, struct buf *text)
{
    table_add(t, buf_str(text));
    t->cells.failed |= text->failed;
    buf_clear(text);
}

void heap_cells_count(struct table *t, u64 n)
{
    char text[STR_U64_MAX];

    table_add(t, str_make(text, str_put_u64(text, n)));
}

void heap_cells_bytes(struct table *t, u64 bytes)
{
    AUTO(buf_done) struct buf text = { 0 };

    brief_bytes(&text, (double)bytes);
    heap_cells_text(t, &text);
}

void heap_cells_count_change(struct table *t, i64 n)
{
    AUTO(buf_done) struct buf text = { 0 };

    if (n)
        buf_addf(&text, "%+lld", (long long)n);
    heap_cells_text(t, &text);
}

void heap_cells_add_change(struct buf *out, i64 bytes)
{
    buf_addc(out, bytes < 0 ? '-' : '+');
    brief_bytes(out, (double)(bytes < 0 ? -bytes : bytes));
}

void heap_cells_bytes_change(struct table *t, i64 bytes)
{
    AUTO(buf_done) struct buf text = { 0 };

    if (bytes)
        heap_cells_add_change(&text, bytes);
    heap_cells_text(t, &text);
}
