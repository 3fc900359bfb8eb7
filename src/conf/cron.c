/* conf/cron.c -- when something is due: cron's patterns */
#include "conf/cron.h"

#include <time.h>

#define SHOWN(text) STR_ARG(str_sub(text, 0, 40))

enum { PATTERN_MAX = 256, YEARS_MAX = 45 /* 29 February on a given weekday, around 2100 */ };
enum { SECOND, MINUTE, HOUR, DAY, MONTH, WEEKDAY, FIELDS };

static const struct {
    const char *name;
    u32 least, most;
    const char *words; /* for least, least + 1 … */
} fields[FIELDS] = {
    [SECOND] = { "second", 0, 59, NULL },
    [MINUTE] = { "minute", 0, 59, NULL },
    [HOUR] = { "hour", 0, 23, NULL },
    [DAY] = { "day of the month", 1, 31, NULL },
    [MONTH] = { "month", 1, 12, "jan feb mar apr may jun jul aug sep oct nov dec" },
    [WEEKDAY] = { "weekday", 0, 7, "sun mon tue wed thu fri sat" },
};

static const char *const nicknames[][2] = {
    { "@yearly", "0 0 1 1 *" }, { "@annually", "0 0 1 1 *" }, { "@monthly", "0 0 1 * *" },
    { "@weekly", "0 0 * * 0" }, { "@daily", "0 0 * * *" },    { "@midnight", "0 0 * * *" },
    { "@hourly", "0 * * * *" },
};

/* The number that a word or digits stand for. */
static bool value_of(u32 field, struct str text, u64 *out)
{
    struct str rest = str_of(fields[field].words);

    for (u64 i = fields[field].least; rest.ptr; i++) {
        if (!str_eq_nocase(text, str_cut(rest, ' ', &rest)))
            continue;
        *out = i;
        return true;
    }
    return str_to_u64(text, out) && *out >= fields[field].least && *out <= fields[field].most;
}

static int part_problem(u32 field, struct str part, struct problem *p)
{
    return problem_set(p,
                       "\"%.*s\" is no %s; write * or a number from %u to %u, a range such as "
                       "%u-%u, or a step such as */5",
                       SHOWN(part), fields[field].name, fields[field].least, fields[field].most,
                       fields[field].least, fields[field].least + 3);
}

/* One of a list: 5, 5-9, 5-9/2, 5/2 and the same with an asterisk. */
static int part_read(u32 field, struct str part, u64 *bits, struct problem *p)
{
    struct str step_text, to_text, range = str_cut(part, '/', &step_text);
    struct str from_text = str_cut(range, '-', &to_text);
    bool any = str_eq(range, STR("*")) || str_eq(range, STR("?"));
    u64 from = fields[field].least, to = fields[field].most, step = 1;

    if (field == WEEKDAY && any)
        to = 6;
    if (field == DAY && str_eq_nocase(part, STR("L"))) {
        *bits |= 1;
        return 0;
    }
    if (!any && !value_of(field, from_text, &from))
        return part_problem(field, part, p);
    if (!any && to_text.ptr && !value_of(field, to_text, &to))
        return part_problem(field, part, p);
    if (!any && !to_text.ptr && !step_text.ptr)
        to = from;
    if (step_text.ptr && (!str_to_u64(step_text, &step) || step < 1 || step > fields[field].most))
        return problem_set(p, "\"%.*s\": the step of a %s is a number from 1 to %u", SHOWN(part),
                           fields[field].name, fields[field].most);
    if (field == WEEKDAY && to < from && str_eq_nocase(to_text, STR("sun")))
        to = 7;
    if (from > to)
        return problem_set(p, "\"%.*s\": the range of a %s ends before it begins", SHOWN(part),
                           fields[field].name);
    for (u64 i = from; i <= to; i += step)
        *bits |= 1ull << i;
    return 0;
}

static int field_read(u32 field, struct str text, u64 *bits, struct problem *p)
{
    int err = 0;

    *bits = 0;
    for (struct str rest = text; rest.ptr && !err;)
        err = part_read(field, str_cut(rest, ',', &rest), bits, p);
    if (field == WEEKDAY && *bits & BIT(7))
        *bits = (*bits & ~(u64)BIT(7)) | 1;
    return err;
}

static bool is_any(struct str text)
{
    return str_eq(text, STR("*")) || str_eq(text, STR("?"));
}

static struct str unnick(struct str text)
{
    for (u32 i = 0; i < ARRAY_LEN(nicknames); i++)
        if (str_eq_nocase(text, str_of(nicknames[i][0])))
            return str_of(nicknames[i][1]);
    return text;
}

int cron_parse(struct cron *out, struct str text, struct problem *p)
{
    struct str field[FIELDS + 1], rest = unnick(str_trim(text)), word;
    u64 bits[FIELDS] = { [SECOND] = 1 };
    u32 n = 0, first;
    int err = 0;

    while (rest.ptr && rest.len <= PATTERN_MAX && n <= FIELDS) {
        word = str_cut(rest, ' ', &rest);
        if (str_trim(word).len)
            field[n++] = str_trim(word);
    }
    if (n != FIELDS && n != FIELDS - 1)
        return problem_set(p,
                           "\"%.*s\" is no time of cron's; write five fields, minute hour day "
                           "month weekday, as in \"30 4 * * *\" (at 04:30 each day), six with the "
                           "second first, or @daily",
                           STR_ARG(str_sub(text, 0, 80)));
    first = FIELDS - n;
    for (u32 i = first; i < FIELDS && !err; i++)
        err = field_read(i, field[i - first], &bits[i], p);
    if (err)
        return err;
    *out = (struct cron){
        .seconds = bits[SECOND],
        .minutes = bits[MINUTE],
        .hours = (u32)bits[HOUR],
        .days = (u32)bits[DAY],
        .months = (u32)bits[MONTH],
        .weekdays = (u32)bits[WEEKDAY],
        .any_hour = bits[HOUR] == BIT(24) - 1,
        .any_day = is_any(field[DAY - first]),
        .any_weekday = is_any(field[WEEKDAY - first]),
    };
    return 0;
}

static u32 month_days(const struct tm *t)
{
    static const u32 days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    int year = t->tm_year + 1900;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[t->tm_mon] + (t->tm_mon == 1 && leap);
}

static bool day_matches(const struct cron *c, const struct tm *t)
{
    bool last = c->days & 1 && (u32)t->tm_mday == month_days(t);
    bool day = last || c->days & BIT(t->tm_mday), weekday = c->weekdays & BIT(t->tm_wday);

    if (c->any_day || c->any_weekday)
        return day && weekday;
    return day || weekday;
}

static bool matches(const struct cron *c, const struct tm *t)
{
    return c->months & BIT(t->tm_mon + 1) && day_matches(c, t) && c->hours & BIT(t->tm_hour) &&
           c->minutes & (1ull << t->tm_min) && c->seconds & (1ull << min(t->tm_sec, 59));
}

static struct tm local(i64 at_s)
{
    time_t at = (time_t)at_s;
    struct tm t = { 0 };

    localtime_r(&at, &t);
    return t;
}

/* The clock of the wall as if there were no changes of it: for counting in local time. */
static struct tm wall(i64 local_s)
{
    time_t at = (time_t)local_s;
    struct tm t = { 0 };

    gmtime_r(&at, &t);
    return t;
}

/* `at_s` is the end of a gap into which a time of the pattern falls. */
static bool is_after_gap(const struct cron *c, i64 at_s)
{
    struct tm t = local(at_s), before = local(at_s - 1);
    i64 end = at_s + t.tm_gmtoff, gap = t.tm_gmtoff - before.tm_gmtoff;

    /* A whole day is skipped where the date line moves: only what is lost within a day counts. */
    for (i64 s = end - gap; gap > 0 && gap < 86400 && s < end; s += 1) {
        struct tm lost = wall(s);

        if (matches(c, &lost))
            return true;
    }
    return false;
}

/* The same time of the same day has been before. */
static bool is_second_time(i64 at_s, const struct tm *t)
{
    for (i64 back = 1800; back <= 7200; back += 1800) {
        struct tm before = local(at_s - back);

        if (before.tm_gmtoff - t->tm_gmtoff == back)
            return true;
    }
    return false;
}

/* The beginning of the next day or month, by the clock of the wall. */
static i64 jump(i64 at_s, const struct tm *t, bool month)
{
    struct tm to = { .tm_year = t->tm_year,
                     .tm_mon = t->tm_mon + month,
                     .tm_mday = month ? 1 : t->tm_mday + 1,
                     .tm_isdst = -1 };
    i64 there = (i64)mktime(&to);

    /* Where midnight does not exist, mktime may answer with the hour before it. */
    return max(there, at_s + 1);
}

i64 cron_next(const struct cron *c, i64 after_s)
{
    i64 at_s = after_s + 1;
    int year_max = local(at_s).tm_year + YEARS_MAX;

    for (;;) {
        struct tm t = local(at_s);

        if (t.tm_year > year_max)
            return -1;
        if (!c->any_hour && is_after_gap(c, at_s))
            return at_s;
        if (!(c->months & BIT(t.tm_mon + 1)))
            at_s = jump(at_s, &t, true);
        else if (!day_matches(c, &t))
            at_s = jump(at_s, &t, false);
        else if (!(c->hours & BIT(t.tm_hour)) || (!c->any_hour && is_second_time(at_s, &t)))
            at_s += 3600 - (t.tm_min * 60 + t.tm_sec);
        else if (!(c->minutes & (1ull << t.tm_min)))
            at_s += 60 - t.tm_sec;
        else if (!(c->seconds & (1ull << min(t.tm_sec, 59))))
            at_s++;
        else
            return at_s;
    }
}
