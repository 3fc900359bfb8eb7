/* app/heap_cells.h -- numbers in the tables of `fettle heap` */
#pragma once

#include "app/table.h"

void heap_cells_count(struct table *t, u64 n);
void heap_cells_bytes(struct table *t, u64 bytes);
/* «+12», «-3», and nothing for 0. */
void heap_cells_count_change(struct table *t, i64 n);
void heap_cells_bytes_change(struct table *t, i64 bytes);
/* What `text` holds, which is empty after that. */
void heap_cells_text(struct table *t, struct buf *text);

/* «+4.1M», «-312B» */
void heap_cells_add_change(struct buf *out, i64 bytes);
