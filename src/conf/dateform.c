/* conf/dateform.c -- times in a form that people choose, as pm2's log_date_format has it */
#include "conf/dateform.h"

#include <time.h>

static const char *const months[] = { "January",   "February", "March",    "April",
                                      "May",       "June",     "July",     "August",
                                      "September", "October",  "November", "December" };
static const char *const days[] = { "Sunday",   "Monday", "Tuesday", "Wednesday",
                                    "Thursday", "Friday", "Saturday" };

struct moment {
    struct tm tm;
    u64 ms;
};

static void zone_add(struct buf *out, const struct tm *tm, const char *between)
{
    long minutes = tm->tm_gmtoff / 60, plain = minutes < 0 ? -minutes : minutes;

    buf_addf(out, "%c%02ld%s%02ld", minutes < 0 ? '-' : '+', plain / 60, between, plain % 60);
}

static void number_add(struct buf *out, u64 n, size_t digits)
{
    buf_addf(out, "%0*llu", (int)digits, (unsigned long long)n);
}

static void name_add(struct buf *out, const char *name, size_t len, size_t most)
{
    buf_add(out, str_sub(str_of(name), 0, len < most ? len : strlen(name)));
}

static void day_add(struct buf *out, const struct tm *tm, size_t len)
{
    if (len == 1)
        number_add(out, (u64)tm->tm_wday, 1);
    else
        name_add(out, days[tm->tm_wday], len, 4);
}

static void month_add(struct buf *out, const struct tm *tm, size_t len)
{
    if (len <= 2)
        number_add(out, (u64)tm->tm_mon + 1, len);
    else
        name_add(out, months[tm->tm_mon], len, 4);
}

static void half_add(struct buf *out, const struct tm *tm, bool capital)
{
    const char *text = tm->tm_hour < 12 ? "amAM" : "pmPM";

    buf_add(out, str_make(text + (capital ? 2 : 0), 2));
}

/* How many letters of the run `s` begins with are one token; 0: none is. */
static size_t token_len(struct str s)
{
    static const char letters[] = "YMDdHhmsSAaZXx";
    static const u8 most[] = { 4, 4, 2, 4, 2, 2, 2, 2, 3, 1, 1, 2, 1, 1 };
    const char *at = strchr(letters, s.ptr[0]);
    size_t n = 1;

    if (!at || !*at)
        return 0;
    while (n < s.len && n < most[at - letters] && s.ptr[n] == s.ptr[0])
        n++;
    if (s.ptr[0] == 'Y')
        return n >= 4 ? 4 : n >= 2 ? 2 : 0;
    return s.ptr[0] == 'S' && n < 3 ? 0 : n;
}

static void token_add(struct buf *out, char letter, size_t len, const struct moment *m)
{
    const struct tm *tm = &m->tm;

    switch (letter) {
    case 'Y':
        number_add(out, (u64)(tm->tm_year + 1900) % (len == 2 ? 100 : 10000), len);
        break;
    case 'M':
        month_add(out, tm, len);
        break;
    case 'D':
        number_add(out, (u64)tm->tm_mday, len);
        break;
    case 'd':
        day_add(out, tm, len);
        break;
    case 'H':
        number_add(out, (u64)tm->tm_hour, len);
        break;
    case 'h':
        number_add(out, (u64)(tm->tm_hour + 11) % 12 + 1, len);
        break;
    case 'm':
        number_add(out, (u64)tm->tm_min, len);
        break;
    case 's':
        number_add(out, (u64)tm->tm_sec, len);
        break;
    case 'S':
        number_add(out, m->ms % 1000, 3);
        break;
    case 'Z':
        zone_add(out, tm, len == 1 ? ":" : "");
        break;
    case 'X':
        number_add(out, m->ms / 1000, 1);
        break;
    case 'x':
        number_add(out, m->ms, 1);
        break;
    default:
        half_add(out, tm, letter == 'A');
    }
}

void dateform_add(struct buf *out, struct str form, u64 ms)
{
    struct moment m = { .ms = ms };
    time_t s = (time_t)(ms / 1000);

    localtime_r(&s, &m.tm);
    while (form.len) {
        size_t len = token_len(form);
        ptrdiff_t end = form.ptr[0] == '[' ? str_index(form, ']') : -1;

        if (end > 0) {
            buf_add(out, str_sub(form, 1, (size_t)end - 1));
            form = str_sub(form, (size_t)end + 1, form.len);
            continue;
        }
        if (len)
            token_add(out, form.ptr[0], len, &m);
        else
            buf_addc(out, form.ptr[0]);
        form = str_sub(form, max(len, (size_t)1), form.len);
    }
}

static bool digits_take(struct str *s, size_t len, int *out)
{
    u64 n;

    if (s->len < len || !str_to_u64(str_sub(*s, 0, len), &n))
        return false;
    *out = (int)n;
    *s = str_sub(*s, len, s->len);
    return true;
}

static bool char_take(struct str *s, const char *any)
{
    if (s->len == 0 || !s->ptr[0] || !strchr(any, s->ptr[0]))
        return false;
    *s = str_sub(*s, 1, s->len);
    return true;
}

/* "Z", "+01:00", "-0500", perhaps after a blank. False: there is none, and nothing is taken. */
static bool zone_take(struct str *s, long *seconds)
{
    struct str at = *s;
    int hour, minute;
    bool less;

    (void)char_take(&at, " ");
    if (char_take(&at, "Z")) {
        *seconds = 0;
        *s = at;
        return true;
    }
    less = at.len && at.ptr[0] == '-';
    if (!char_take(&at, "+-") || !digits_take(&at, 2, &hour))
        return false;
    (void)char_take(&at, ":");
    if (!digits_take(&at, 2, &minute) || hour > 14 || minute > 59)
        return false;
    *seconds = (hour * 3600L + minute * 60) * (less ? -1 : 1);
    *s = at;
    return true;
}

size_t dateform_read(struct str line, u64 *ms)
{
    struct tm tm = { .tm_isdst = -1 };
    struct str s = line, at;
    int milli = 0;
    long zone;
    time_t t;

    if (!digits_take(&s, 4, &tm.tm_year) || !char_take(&s, "-/") ||
        !digits_take(&s, 2, &tm.tm_mon) || !char_take(&s, "-/") ||
        !digits_take(&s, 2, &tm.tm_mday) || !char_take(&s, "T ") ||
        !digits_take(&s, 2, &tm.tm_hour) || !char_take(&s, ":") || !digits_take(&s, 2, &tm.tm_min))
        return 0;
    at = s;
    if (char_take(&at, ":") && digits_take(&at, 2, &tm.tm_sec)) {
        s = at;
        if (char_take(&at, ".,") && digits_take(&at, 3, &milli))
            s = at;
    }
    if (tm.tm_year < 1971 || tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 || tm.tm_mday > 31 ||
        tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
        return 0;
    tm.tm_year -= 1900;
    tm.tm_mon--;
    t = zone_take(&s, &zone) ? timegm(&tm) - zone : mktime(&tm);
    if (t < 0)
        return 0;
    *ms = (u64)t * 1000 + (u64)milli;
    return line.len - s.len;
}
