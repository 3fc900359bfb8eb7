/* conf/cron.h -- when something is due: cron's patterns
 *
 *   30 4 * * *           minute hour day month weekday: at 04:30 each day
 *   0 30 4 * * mon-fri   six fields: seconds first
 *   @daily               also @hourly @weekly @monthly @yearly @annually @midnight
 *
 * A field is `*` (or ?), or a list of values, ranges and steps: 1,5-9,20-40/10, a slash 5 after
 * the asterisk for every fifth, 10/5 for every fifth from 10. Months and weekdays have names (jan,
 * mon), 0 and 7 are Sunday, L is the last day of the month. When day and weekday are both given,
 * either will do (POSIX crontab).
 *
 * In local time. What falls into the hour that is skipped in spring is due at the end of the gap;
 * what falls into the hour that comes twice in autumn is due the first time only; patterns for
 * every hour go on by the clock of the wall in both. (As Vixie's cron does.)
 */
#pragma once

#include "base/problem.h"

/* Bit n: value n. */
struct cron {
    u64 seconds, minutes;
    u32 hours, days, months, weekdays; /* bit 0 of days: the last of the month */
    bool any_hour, any_day, any_weekday;
};

/* -EINVAL with p->text saying what is wrong, without a name before it. */
MUST_USE int cron_parse(struct cron *out, struct str text, struct problem *p);

/* The first time after `after_s` (both seconds since 1970) that the pattern names, in the time zone
 * of the process; -1: it never comes (30 February). */
i64 cron_next(const struct cron *c, i64 after_s);
