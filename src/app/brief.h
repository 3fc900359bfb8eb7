/* app/brief.h -- numbers as people read them in a column: three digits and a unit
 *
 * Each adds to `out`. "52M" and "1.2G"; "5.8ms", "120ms" and "2.4s"; "45s", "12m", "3h12m" and
 * "4d2h"; "0.3", "512" and "12.3k".
 */
#pragma once

#include "base/buf.h"

void brief_bytes(struct buf *out, double bytes);
void brief_time(struct buf *out, double ms);
void brief_age(struct buf *out, u64 ms);
void brief_number(struct buf *out, double n);
