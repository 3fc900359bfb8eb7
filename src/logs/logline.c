/* logs/logline.c -- what a line of a log file says of itself */
#include "logs/logline.h"

#include "conf/dateform.h"

#include <time.h>

enum { STAMP_LEN = 24 };

static bool digits(struct str s, size_t at, size_t len, int *out)
{
    int n = 0;

    if (at + len > s.len)
        return false;
    for (size_t i = at; i < at + len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
        n = n * 10 + (s.ptr[i] - '0');
    }
    *out = n;
    return true;
}

static bool is_at(struct str s, size_t at, char c)
{
    return at < s.len && s.ptr[at] == c;
}

/* Days since 1970 of a date of the Gregorian calendar (Howard Hinnant, days_from_civil). */
static i64 days_of(int year, int month, int day)
{
    int y = month <= 2 ? year - 1 : year, era = y / 400;
    int of_era = y - era * 400;
    int of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return (i64)era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool date(struct str s, i64 *days)
{
    int year, month, day;

    if (!digits(s, 0, 4, &year) || !is_at(s, 4, '-') || !digits(s, 5, 2, &month) ||
        !is_at(s, 7, '-') || !digits(s, 8, 2, &day) || year < 1971 || month < 1 || month > 12 ||
        day < 1 || day > 31)
        return false;
    *days = days_of(year, month, day);
    return true;
}

/* "Z", "+01:00", "-0500" */
static bool offset(struct str s, int *minutes)
{
    int h, m;

    *minutes = 0;
    if (str_eq(s, STR("Z")))
        return true;
    if (!digits(s, 1, 2, &h) || !digits(s, is_at(s, 3, ':') ? 4 : 3, 2, &m) ||
        s.len != (is_at(s, 3, ':') ? 6 : 5) || (s.ptr[0] != '+' && s.ptr[0] != '-'))
        return false;
    *minutes = (h * 60 + m) * (s.ptr[0] == '-' ? -1 : 1);
    return true;
}

bool logline_time(struct str s, u64 *at_ms)
{
    int hour, minute, second, ms = 0, away;
    size_t end = 19;
    i64 days, at_s;

    if (!date(s, &days))
        return false;
    if (s.len == 10) {
        *at_ms = (u64)days * 86400000;
        return true;
    }
    if ((!is_at(s, 10, 'T') && !is_at(s, 10, ' ')) || !digits(s, 11, 2, &hour) ||
        !is_at(s, 13, ':') || !digits(s, 14, 2, &minute) || !is_at(s, 16, ':') ||
        !digits(s, 17, 2, &second))
        return false;
    if (is_at(s, 19, '.')) {
        if (!digits(s, 20, 3, &ms))
            return false;
        end = 23;
    }
    if (hour > 23 || minute > 59 || second > 60 || !offset(str_sub(s, end, s.len), &away))
        return false;
    at_s = days * 86400 + hour * 3600 + minute * 60 + second - away * 60;
    *at_ms = at_s < 0 ? 0 : (u64)at_s * 1000 + (u64)ms;
    return true;
}

/* Takes `lead` off the front. */
static bool take(struct str *s, struct str lead)
{
    if (!str_starts(*s, lead))
        return false;
    *s = str_sub(*s, lead.len, s->len);
    return true;
}

static bool take_number(struct str *s, u32 *out)
{
    size_t n = 0;
    u64 value;

    while (n < s->len && s->ptr[n] >= '0' && s->ptr[n] <= '9')
        n++;
    if (!str_to_u64(str_sub(*s, 0, n), &value) || value > UINT32_MAX)
        return false;
    *out = (u32)value;
    *s = str_sub(*s, n, s->len);
    return true;
}

/* Up to the next quote; names hold none that is escaped, or the line is another program's. */
static bool take_quoted(struct str *s, struct str *out)
{
    ptrdiff_t end = str_index(*s, '"');

    if (end < 0)
        return false;
    *out = str_sub(*s, 0, (size_t)end);
    *s = str_sub(*s, (size_t)end + 1, s->len);
    return true;
}

static bool worker_json(struct logline *out, struct str s)
{
    struct str stream;
    u32 pid;

    if (!take(&s, STR("\"app\":\"")) || !take_quoted(&s, &out->app) ||
        !take(&s, STR(",\"worker\":")) || !take_number(&s, &out->worker) ||
        !take(&s, STR(",\"pid\":")) || !take_number(&s, &pid) || !take(&s, STR(",\"stream\":\"")) ||
        !take_quoted(&s, &stream) || !take(&s, STR(",")))
        return false;
    out->kind = LOGLINE_WORKER;
    out->is_error = str_eq(stream, STR("stderr"));
    out->text = s;
    return true;
}

static void parse_json(struct logline *out, struct str s)
{
    struct logline blank = *out;
    struct str level, source;

    if (!take(&s, STR("{\"time\":\"")) || !take_quoted(&s, &out->time) ||
        !logline_time(out->time, &out->at_ms) || !take(&s, STR(",")))
        return;
    blank = *out;
    if (worker_json(out, s))
        return;
    *out = blank;
    if (take(&s, STR("\"source\":\"access\","))) {
        out->kind = LOGLINE_ACCESS;
    } else if (take(&s, STR("\"level\":\"")) && take_quoted(&s, &level) &&
               take(&s, STR(",\"source\":\"")) && take_quoted(&s, &source) && take(&s, STR(","))) {
        out->kind = LOGLINE_FETTLE;
        out->text = s;
        out->is_error = str_eq(level, STR("warn")) || str_eq(level, STR("error"));
    }
}

/* "shop/1 | text" */
static bool worker_text(struct logline *out, struct str s)
{
    size_t n = 0;
    struct str rest;

    while (n < s.len && s.ptr[n] != ' ')
        n++;
    rest = str_sub(s, n, s.len);
    while (n > 0 && s.ptr[n - 1] != '/')
        n--;
    if (n < 2)
        return false;
    out->app = str_sub(s, 0, n - 1);
    s = str_sub(s, n, s.len);
    if (!take_number(&s, &out->worker) || s.len != rest.len)
        return false;
    out->is_error = str_starts(s, STR(" ! "));
    if (!out->is_error && !str_starts(s, STR(" | ")))
        return false;
    out->text = str_sub(s, 3, s.len);
    out->kind = LOGLINE_WORKER;
    return true;
}

/* What follows the time. */
static void parse_text(struct logline *out, struct str s)
{
    struct logline blank;

    out->text = s;
    blank = *out;
    if (worker_text(out, s))
        return;
    *out = blank;
    if (str_starts(s, STR("fettle: ")) || str_starts(s, STR("proxy: ")) ||
        str_starts(s, STR("monitor: "))) {
        out->kind = LOGLINE_FETTLE;
        (void)str_cut(s, ' ', &s);
        out->is_error = str_starts(s, STR("warning: ")) || str_starts(s, STR("error: "));
    } else if (str_index(s, '"') > 0 && str_index(s, ' ') + 1 == str_index(s, '"')) {
        out->kind = LOGLINE_ACCESS; /* 127.0.0.1 "GET … */
    }
}

/* The usual time is quickly seen; another form may begin with year, month and so on, too. */
static void parse_timed(struct logline *out, struct str line)
{
    bool usual = line.len > STAMP_LEN && line.ptr[STAMP_LEN - 1] == 'Z' &&
                 line.ptr[STAMP_LEN] == ' ' &&
                 logline_time(str_sub(line, 0, STAMP_LEN), &out->at_ms);
    size_t len = usual ? STAMP_LEN : dateform_read(line, &out->at_ms);

    if (len == 0 || len >= line.len || line.ptr[len] != ' ') {
        out->at_ms = 0;
        return;
    }
    out->time = str_sub(line, 0, len);
    parse_text(out, str_sub(line, len + 1, line.len));
}

void logline_parse(struct logline *out, struct str line)
{
    *out = (struct logline){ .text = line };
    if (line.len && line.ptr[0] == '{') {
        out->is_json = true;
        parse_json(out, line);
        if (!out->at_ms)
            out->time = (struct str){ 0 };
    } else if (line.len && line.ptr[0] >= '0' && line.ptr[0] <= '9') {
        parse_timed(out, line);
    }
}
