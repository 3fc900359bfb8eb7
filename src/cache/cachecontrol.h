/* cache/cachecontrol.h -- what Cache-Control says (RFC 9111 5.2, RFC 5861, RFC 8246)
 *
 * Of two readings the stricter one holds: of a directive that comes twice the one that lets a
 * cache do less; a number that is none is 0; a text whose quotes do not end is no-store, because
 * anything may stand in it. Unknown directives say nothing. Bytes in, struct out.
 */
#pragma once

#include "base/str.h"

enum cachecontrol_bit {
    CACHECONTROL_NO_STORE = BIT(0),
    CACHECONTROL_NO_CACHE = BIT(1), /* with fields named, too: all of it must be validated then */
    CACHECONTROL_PRIVATE = BIT(2),  /* likewise */
    CACHECONTROL_PUBLIC = BIT(3),
    CACHECONTROL_MUST_REVALIDATE = BIT(4),
    CACHECONTROL_PROXY_REVALIDATE = BIT(5),
    CACHECONTROL_MUST_UNDERSTAND = BIT(6),
    CACHECONTROL_NO_TRANSFORM = BIT(7),
    CACHECONTROL_ONLY_IF_CACHED = BIT(8),
    CACHECONTROL_IMMUTABLE = BIT(9),
    /* The number of this name is there. */
    CACHECONTROL_MAX_AGE = BIT(10),
    CACHECONTROL_S_MAXAGE = BIT(11),
    CACHECONTROL_MAX_STALE = BIT(12),
    CACHECONTROL_MIN_FRESH = BIT(13),
    CACHECONTROL_WHILE_REVALIDATE = BIT(14), /* stale-while-revalidate */
    CACHECONTROL_IF_ERROR = BIT(15),         /* stale-if-error */
};

/* Seconds never are more than this (RFC 9111 1.2.2). */
#define CACHECONTROL_SECONDS_MAX 2147483648u

/* All zero: no such field. Numbers are seconds, 0 without their bit. */
struct cachecontrol {
    u32 bits;
    u32 max_age_s, s_maxage_s, max_stale_s, min_fresh_s, while_revalidate_s, if_error_s;
};

/* Adds what one field line says. A max-stale without a number is CACHECONTROL_SECONDS_MAX. */
void cachecontrol_add(struct cachecontrol *cc, struct str value);

static inline bool cachecontrol_has(const struct cachecontrol *cc, u32 bits)
{
    return (cc->bits & bits) != 0;
}
