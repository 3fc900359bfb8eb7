/* conf/ratelimit.c -- a rate limit as people write it */
#include "conf/ratelimit.h"

#include "base/clock.h"
#include "conf/units.h"

enum { COUNT_MAX = 1000000000 };
#define PERIOD_MAX_NS (31 * 86400 * NS_PER_S)
/* A token more often than this could not be told apart by the clock. */
#define TOKEN_MIN_NS 100

#define SHOWN(s) STR_ARG(str_sub(s, 0, 80))

static const struct {
    const char *name;
    u64 ns;
} units[] = {
    { "s", NS_PER_S },           { "sec", NS_PER_S },         { "second", NS_PER_S },
    { "m", 60 * NS_PER_S },      { "min", 60 * NS_PER_S },    { "minute", 60 * NS_PER_S },
    { "h", 3600 * NS_PER_S },    { "hour", 3600 * NS_PER_S }, { "d", 86400 * NS_PER_S },
    { "day", 86400 * NS_PER_S },
};

static bool period_parse(struct str s, u64 *ns)
{
    for (u32 i = 0; i < ARRAY_LEN(units); i++) {
        if (str_eq_nocase(s, str_of(units[i].name))) {
            *ns = units[i].ns;
            return true;
        }
    }
    return units_duration_parse(s, ns) && *ns > 0;
}

static bool number_parse(struct str s, u32 *out)
{
    u64 n;

    if (!str_to_u64(s, &n) || n == 0 || n > COUNT_MAX)
        return false;
    *out = (u32)n;
    return true;
}

/* A cookie's or a field's name: RFC 9110 section 5.6.2. */
static bool is_token(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((u8)s.ptr[i] <= 32 || (u8)s.ptr[i] >= 127 || strchr("\"(),/:;<=>?@[\\]{}", s.ptr[i]))
            return false;
    return s.len > 0 && s.len <= 128;
}

int ratelimit_parse_key(struct ratelimit_key *out, struct str text, struct problem *p)
{
    struct str name, kind = str_cut(text, '=', &name);

    *out = (struct ratelimit_key){ .by = RATELIMIT_BY_IP };
    if (str_eq_nocase(text, STR("ip")))
        return 0;
    out->by = RATELIMIT_BY_ROUTE;
    if (str_eq_nocase(text, STR("route")))
        return 0;
    out->by = str_eq_nocase(kind, STR("cookie")) ? RATELIMIT_BY_COOKIE : RATELIMIT_BY_HEADER;
    out->name = name;
    if ((out->by == RATELIMIT_BY_COOKIE || str_eq_nocase(kind, STR("header"))) && is_token(name))
        return 0;
    return problem_set(p,
                       "\"%.*s\" is nothing to count requests by; write ip, header=NAME, "
                       "cookie=NAME or route",
                       SHOWN(text));
}

/* The next word of *rest. */
static struct str word_cut(struct str *rest)
{
    struct str word;

    *rest = str_trim(*rest);
    word = str_cut(*rest, ' ', rest);
    *rest = str_trim(*rest);
    return word;
}

static int rate_parse(struct ratelimit *out, struct str rate, struct problem *p)
{
    struct str period, count = str_cut(rate, '/', &period);

    if (count.len && (count.ptr[count.len - 1] == 'r' || count.ptr[count.len - 1] == 'R'))
        count.len--;
    if (!number_parse(count, &out->count) || !period_parse(period, &out->period_ns))
        return problem_set(
            p,
            "\"%.*s\" is not a rate; write a number, a slash and a time, such as 10/s or "
            "100/1m",
            SHOWN(rate));
    if (out->period_ns > PERIOD_MAX_NS)
        return problem_set(p, "\"%.*s\" is about more than 31 days; write a shorter time",
                           SHOWN(rate));
    if (out->period_ns / out->count < TOKEN_MIN_NS)
        return problem_set(p, "\"%.*s\" is more than ten million a second; write a lower rate",
                           SHOWN(rate));
    out->burst = out->count;
    return 0;
}

int ratelimit_parse(struct ratelimit *out, struct str text, struct problem *p)
{
    struct str rest = text;
    int err;

    *out = (struct ratelimit){ 0 };
    err = rate_parse(out, word_cut(&rest), p);
    while (!err && rest.len) {
        struct str what = word_cut(&rest), value = word_cut(&rest);

        if (str_eq_nocase(what, STR("burst"))) {
            if (!number_parse(value, &out->burst))
                err =
                    problem_set(p, "\"%.*s\" is no burst; write a number from 1, such as burst 20",
                                SHOWN(value));
        } else if (str_eq_nocase(what, STR("by"))) {
            out->has_key = true;
            err = ratelimit_parse_key(&out->key, value, p);
        } else {
            err = problem_set(p,
                              "\"%.*s\" is not known in a rate limit; write COUNT/TIME, and behind "
                              "that burst N or by ip, header=NAME, cookie=NAME or route",
                              SHOWN(what));
        }
    }
    return err;
}

int ratelimit_check(struct str text, struct problem *p)
{
    struct ratelimit ignored;
    struct str rest = text;
    int err = 0;

    for (u32 n = 0; rest.ptr && !err; n++) {
        if (n == RATELIMIT_MAX)
            return problem_set(p, "there are more than %d limits; leave some out", RATELIMIT_MAX);
        err = ratelimit_parse(&ignored, str_trim(str_cut(rest, ',', &rest)), p);
    }
    return err;
}

int ratelimit_check_key(struct str text, struct problem *p)
{
    struct ratelimit_key ignored;

    return ratelimit_parse_key(&ignored, text, p);
}
