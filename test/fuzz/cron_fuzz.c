/* test/fuzz/cron_fuzz.c -- a pattern of cron's that is taken names times that it matches
 *
 * Properties: the next time is later, nothing lies between, from wherever one looks, and
 * a pattern that is refused says why.
 */
#include "conf/cron.h"

#include <time.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const i64 before[] = { 1, 2, 59, 60, 61, 599, 3600, 7200 };
    i64 at_s = 1774746000, next_s; /* 2026-03-29, an hour before the gap in Berlin */
    struct problem p = { 0 };
    struct cron c;

    setenv("TZ", "Europe/Berlin", 1);
    if (cron_parse(&c, str_make((const char *)data, size), &p)) {
        assert(p.text[0]);
        return 0;
    }
    for (int i = 0; i < 4; i++, at_s = next_s) {
        next_s = cron_next(&c, at_s);
        if (next_s < 0)
            return 0;
        assert(next_s > at_s);
        for (u32 k = 0; k < ARRAY_LEN(before); k++)
            assert(cron_next(&c, max(at_s, next_s - before[k])) == next_s);
    }
    return 0;
}
