/* app/row.h -- numbers of a fettle's answer as cells of a table
 *
 * What is not known is null in the answer, and "-" in the table.
 */
#pragma once

#include "app/table.h"
#include "conf/json_value.h"

/* Each adds to `out` what the member `name` of `row` says. */
void row_percent(struct buf *out, const struct json_value *row, const char *name);
void row_time(struct buf *out, const struct json_value *row, const char *name);
void row_number(struct buf *out, const struct json_value *row, const char *name);
void row_bytes(struct buf *out, const struct json_value *row, const char *name);
void row_age(struct buf *out, const struct json_value *row, const char *name);
void row_count(struct buf *out, const struct json_value *row, const char *name);

/* One of these as the next cell of a table. */
typedef void row_fn(struct buf *out, const struct json_value *row, const char *name);
void row_cell(struct table *t, const struct json_value *row, const char *name, row_fn *add);

/* 0 for what is none. */
u64 row_u64(const struct json_value *row, const char *name);
struct str row_text(const struct json_value *row, const char *name);
