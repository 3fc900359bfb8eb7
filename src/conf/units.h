/* conf/units.h -- numbers with a unit, as people write them
 *
 * Sizes are powers of 1024: 300, 8K, 512M, 1.5G, 2T, also 8KB and 8KiB, in any
 * case. Durations are 100us, 500ms, 10s, 2m, 1.5h, 7d; a bare number is none,
 * because to one half of the world it is seconds and to the other
 * milliseconds; only 0 needs no unit.
 */
#pragma once

#include "base/buf.h"

/* False: not such a number, or too large for u64; *out unchanged. */
MUST_USE bool units_size_parse(struct str s, u64 *bytes);
MUST_USE bool units_duration_parse(struct str s, u64 *ns);
/* "2.5%" as thousandths of a per cent, at most three decimals and a million per cent. */
MUST_USE bool units_percent_parse(struct str s, u64 *thousandths);

/* In the largest unit that shows it exactly; what the parsers read back to the same number. */
void units_size_text(u64 bytes, struct buf *out);
void units_duration_text(u64 ns, struct buf *out);
