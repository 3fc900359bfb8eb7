/* cache/httpdate.c -- dates of HTTP: text to seconds since 1970, and back */
#include "cache/httpdate.h"

enum { DAY_S = 86400, YEAR_MAX = 9999 };

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
static const char days[] = "SunMonTueWedThuFriSat";
static const char *const long_days[] = { "Sunday",   "Monday", "Tuesday", "Wednesday",
                                         "Thursday", "Friday", "Saturday" };

/* Civil date to days since 1970 (Hinnant, "chrono-compatible low-level date algorithms"). */
static i64 days_of(i64 y, u32 m, u32 d)
{
    y -= m <= 2;
    i64 era = (y >= 0 ? y : y - 399) / 400;
    u32 yoe = (u32)(y - era * 400);
    u32 doy = (153 * (m + (m > 2 ? -3u : 9u)) + 2) / 5 + d - 1;
    u32 doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

    return era * 146097 + (i64)doe - 719468;
}

static void civil_of(i64 z, u32 *y, u32 *m, u32 *d)
{
    z += 719468;
    i64 era = (z >= 0 ? z : z - 146096) / 146097;
    u32 doe = (u32)(z - era * 146097);
    u32 yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    u32 doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    u32 mp = (5 * doy + 2) / 153;

    *d = doy - (153 * mp + 2) / 5 + 1;
    *m = mp < 10 ? mp + 3 : mp - 9;
    *y = (u32)(yoe + era * 400) + (*m <= 2);
}

/* A cursor over the text; `bad` once something was not as it should be. */
struct cursor {
    struct str rest;
    bool bad;
};

static void skip(struct cursor *c, struct str want)
{
    if (!str_starts(c->rest, want))
        c->bad = true;
    else
        c->rest = str_sub(c->rest, want.len, c->rest.len);
}

static u32 number(struct cursor *c, u32 digits)
{
    u64 n = 0;

    if (!str_to_u64(str_sub(c->rest, 0, digits), &n) || c->rest.len < digits)
        c->bad = true;
    c->rest = str_sub(c->rest, digits, c->rest.len);
    return (u32)n;
}

static u32 month(struct cursor *c)
{
    for (u32 i = 0; i < 12; i++) {
        if (str_starts(c->rest, str_make(months + 3 * i, 3))) {
            c->rest = str_sub(c->rest, 3, c->rest.len);
            return i + 1;
        }
    }
    c->bad = true;
    return 1;
}

struct moment {
    u32 year, month, day, hour, minute, second;
};

static void time_of_day(struct cursor *c, struct moment *t)
{
    t->hour = number(c, 2);
    skip(c, STR(":"));
    t->minute = number(c, 2);
    skip(c, STR(":"));
    t->second = number(c, 2);
}

static bool moment_make(const struct cursor *c, const struct moment *t, u64 *out)
{
    static const u8 length[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    i64 s;

    if (c->bad || c->rest.len || t->day == 0 || t->day > length[t->month - 1] || t->hour > 23 ||
        t->minute > 59 || t->second > 60)
        return false;
    s = days_of(t->year, t->month, t->day) * DAY_S + t->hour * 3600 + t->minute * 60 + t->second;
    *out = s > 0 ? (u64)s : 0;
    return true;
}

/* "06 Nov 1994 08:49:37 GMT", or with "-" and a two-digit year. */
static bool after_day(struct cursor *c, struct str sep, bool short_year, u64 now_s, u64 *out)
{
    struct moment t = { 0 };
    u32 y, m, d;

    t.day = number(c, 2);
    skip(c, sep);
    t.month = month(c);
    skip(c, sep);
    t.year = number(c, short_year ? 2 : 4);
    if (short_year) {
        civil_of((i64)(now_s / DAY_S), &y, &m, &d);
        t.year += y / 100 * 100;
        if (t.year > y + 50)
            t.year -= 100;
    }
    skip(c, STR(" "));
    time_of_day(c, &t);
    skip(c, STR(" GMT"));
    return moment_make(c, &t, out);
}

/* "Nov  6 08:49:37 1994" */
static bool asctime_form(struct cursor *c, u64 *out)
{
    struct moment t = { 0 };

    t.month = month(c);
    skip(c, STR(" "));
    if (str_starts(c->rest, STR(" "))) {
        skip(c, STR(" "));
        t.day = number(c, 1);
    } else {
        t.day = number(c, 2);
    }
    skip(c, STR(" "));
    time_of_day(c, &t);
    skip(c, STR(" "));
    t.year = number(c, 4);
    return moment_make(c, &t, out);
}

bool httpdate_parse(struct str text, u64 now_s, u64 *out)
{
    for (u32 i = 0; i < 7; i++) {
        struct cursor c = { .rest = text };

        if (!str_starts(text, str_make(days + 3 * i, 3)))
            continue;
        if (str_starts(text, str_of(long_days[i]))) {
            skip(&c, str_of(long_days[i]));
            skip(&c, STR(", "));
            return after_day(&c, STR("-"), true, now_s, out);
        }
        skip(&c, str_make(days + 3 * i, 3));
        if (str_starts(c.rest, STR(","))) {
            skip(&c, STR(", "));
            return after_day(&c, STR(" "), false, now_s, out);
        }
        skip(&c, STR(" "));
        return asctime_form(&c, out);
    }
    return false;
}

static void put(char *out, u32 n, u32 digits)
{
    while (digits--) {
        out[digits] = (char)('0' + n % 10);
        n /= 10;
    }
}

void httpdate_write(u64 at_s, char out[HTTPDATE_LEN])
{
    i64 day = (i64)(at_s / DAY_S);
    u32 s = (u32)(at_s % DAY_S), y, m, d;

    civil_of(day, &y, &m, &d);
    memcpy(out, "Sun, 00 Jan 0000 00:00:00 GMT", HTTPDATE_LEN);
    memcpy(out, days + 3 * ((day + 4) % 7), 3);
    put(out + 5, d, 2);
    memcpy(out + 8, months + 3 * (m - 1), 3);
    put(out + 12, min(y, (u32)YEAR_MAX), 4);
    put(out + 17, s / 3600, 2);
    put(out + 20, s / 60 % 60, 2);
    put(out + 23, s % 60, 2);
}
