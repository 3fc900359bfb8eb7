/* app/since.c -- --since TIME: how long ago, or a time */
#include "app/since.h"

#include "base/clock.h"
#include "conf/units.h"
#include "logs/logline.h"

int since_read(struct str text, u64 *since_ms, struct problem *p)
{
    u64 ns;

    if (text.len == 0 || logline_time(text, since_ms))
        return 0;
    if (!units_duration_parse(text, &ns))
        return problem_set(p,
                           "--since: \"%.*s\" is no time; write how long ago it was, such as "
                           "10m, or a time such as 2026-11-26T04:02:26Z or 2026-11-26",
                           STR_ARG(str_sub(text, 0, 100)));
    *since_ms = max(clock_wall_ms(), ns / NS_PER_MS + 1) - ns / NS_PER_MS;
    return 0;
}
