/* http/traceparent.h -- W3C Trace Context: traceparent and tracestate
 *
 * https://www.w3.org/TR/trace-context/ (the Recommendation of 2021, and Level 2's random flag).
 * Pure functions over bytes.
 */
#pragma once

#include "base/str.h"

enum { TRACEPARENT_LEN = 55, TRACESTATE_MAX = 512, TRACEPARENT_MEMBERS_MAX = 32 };
enum { TRACEPARENT_SAMPLED = 1, TRACEPARENT_RANDOM = 2 };

struct traceparent {
    u8 trace[16];
    u8 span[8];
    u8 flags; /* those that version 00 knows */
};

/* What a field says (section 3.2): version 00 exactly so long, a later one at least, in lower case,
 * no id all zero; version ff is none. False: it counts as if it was not there. */
MUST_USE bool traceparent_parse(struct str value, struct traceparent *out);

/* "00-<trace>-<span>-<flags>", without a NUL. */
void traceparent_text(const struct traceparent *t, char out[TRACEPARENT_LEN]);

/* Lower-case digits of `bytes`, without a NUL. */
void traceparent_hex(const u8 *bytes, size_t len, char *out);

/* Whether the values of tracestate, joined by commas, may be passed on (section 3.3): at most 32
 * members, 512 bytes, none of them twice, keys and values of what is allowed. */
MUST_USE bool tracestate_valid(struct str value);
