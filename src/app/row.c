/* app/row.c -- numbers of a fettle's answer as cells of a table */
#include "app/row.h"

#include "app/brief.h"

/* False, and "-", for what is not known. */
static bool number(struct buf *out, const struct json_value *row, const char *name, double *n)
{
    struct str text = json_value_number(json_value_member(row, name));

    if (text.len == 0) {
        buf_addc(out, '-');
        return false;
    }
    *n = strtod(text.ptr, NULL);
    return true;
}

void row_percent(struct buf *out, const struct json_value *row, const char *name)
{
    double n;

    if (number(out, row, name, &n))
        buf_addf(out, "%.0f%%", 100 * n);
}

void row_time(struct buf *out, const struct json_value *row, const char *name)
{
    double n;

    if (number(out, row, name, &n))
        brief_time(out, n);
}

void row_number(struct buf *out, const struct json_value *row, const char *name)
{
    double n;

    if (number(out, row, name, &n))
        brief_number(out, n);
}

void row_bytes(struct buf *out, const struct json_value *row, const char *name)
{
    double n;

    if (number(out, row, name, &n))
        brief_bytes(out, n);
}

void row_age(struct buf *out, const struct json_value *row, const char *name)
{
    double n;

    if (number(out, row, name, &n))
        brief_age(out, (u64)max(n, 0.0));
}

void row_count(struct buf *out, const struct json_value *row, const char *name)
{
    double n;

    if (number(out, row, name, &n))
        buf_addf(out, "%.0f", n);
}

u64 row_u64(const struct json_value *row, const char *name)
{
    u64 n = 0;

    return json_value_u64(json_value_member(row, name), &n) ? n : 0;
}

struct str row_text(const struct json_value *row, const char *name)
{
    return json_value_text(json_value_member(row, name));
}

void row_cell(struct table *t, const struct json_value *row, const char *name, row_fn *add)
{
    AUTO(buf_done) struct buf text = { 0 };

    add(&text, row, name);
    table_add(t, buf_str(&text));
    t->cells.failed |= text.failed;
}
