/* base/json.h -- writes JSON members in order
 *
 * A comma is written between members by looking at the last byte, so a caller just names one
 * after the other. Numbers are always finite.
 */
#pragma once

#include "base/buf.h"
#include "base/clock.h"

static inline void json_comma(struct buf *out)
{
    char last = out->len ? out->ptr[out->len - 1] : '[';

    if (last != '[' && last != '{' && last != ':')
        buf_addc(out, ',');
}

/* `"key":`, to be followed by a value. */
static inline void json_key(struct buf *out, const char *key)
{
    json_comma(out);
    buf_addc(out, '"');
    buf_add(out, str_of(key));
    buf_add(out, STR("\":"));
}

static inline void json_text(struct buf *out, struct str s)
{
    json_comma(out);
    buf_addc(out, '"');
    buf_add_json(out, s);
    buf_addc(out, '"');
}

/* At most 2^53 - 1, the largest number that every reader of JSON takes for what it is. */
static inline void json_u64(struct buf *out, u64 n)
{
    json_comma(out);
    buf_addu(out, n < (1ull << 53) ? n : (1ull << 53) - 1);
}

/* Nanoseconds as milliseconds with their microseconds: 1.25 → "1.250". */
static inline void json_ms(struct buf *out, u64 ns)
{
    json_comma(out);
    buf_addf(out, "%llu.%03llu", (unsigned long long)(ns / NS_PER_MS),
             (unsigned long long)(ns / NS_PER_US % 1000));
}

/* Millionths as a number: 250000 → "0.2500". */
static inline void json_ppm(struct buf *out, u64 ppm)
{
    json_comma(out);
    buf_addf(out, "%llu.%04llu", (unsigned long long)(ppm / 1000000),
             (unsigned long long)(ppm / 100 % 10000));
}

static inline void json_bool(struct buf *out, bool yes)
{
    json_comma(out);
    buf_add(out, yes ? STR("true") : STR("false"));
}

static inline void json_null(struct buf *out)
{
    json_comma(out);
    buf_add(out, STR("null"));
}
