/* conf/dateform.h -- times in a form that people choose, as pm2's log_date_format has it
 *
 * The tokens of dayjs and moment: YYYY YY, M MM MMM MMMM, D DD, d dd ddd dddd, H HH, h hh, m mm,
 * s ss, SSS, A a, Z (+01:00) ZZ (+0100), X (seconds) x (milliseconds); what stands in [brackets],
 * and everything else, is itself. The time is local. Names are English. Pure, but for the time
 * zone.
 */
#pragma once

#include "base/buf.h"

enum { DATEFORM_MAX = 64 };

/* The time `ms` since 1970. */
void dateform_add(struct buf *out, struct str form, u64 ms);

/* Reads a time at the beginning of `line`: a date as YYYY-MM-DD or YYYY/MM/DD, then a T or a blank,
 * HH:mm, and perhaps seconds, their fraction and the zone; local without one. Its length, 0 for
 * none. */
MUST_USE size_t dateform_read(struct str line, u64 *ms);
