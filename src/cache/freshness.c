/* cache/freshness.c -- how long a stored response is true */
#include "cache/freshness.h"

#include "cache/httpdate.h"

static u32 clamp_s(u64 s)
{
    return (u32)min(s, (u64)CACHECONTROL_SECONDS_MAX);
}

/* 4.2.1: Expires less Date; what cannot be read is in the past. */
static u32 expires_s(const struct freshness_source *from, u64 date_s)
{
    u64 at_s;

    if (from->expires_twice || !httpdate_parse(from->expires, from->wall_s, &at_s) ||
        at_s <= date_s)
        return 0;
    return clamp_s(at_s - date_s);
}

/* 4.2.2 */
static bool guess(const struct freshness_source *from, u64 date_s, u32 *out)
{
    u64 at_s;

    if (!from->may_guess || !from->last_modified.ptr ||
        !httpdate_parse(from->last_modified, from->wall_s, &at_s) || at_s >= date_s)
        return false;
    *out = (u32)min((date_s - at_s) / 10, (u64)FRESHNESS_GUESS_MAX_S);
    return true;
}

static void lifetime(const struct freshness_source *from, u64 date_s, struct freshness *f)
{
    const struct cachecontrol *cc = &from->cc;

    if (cachecontrol_has(cc, CACHECONTROL_S_MAXAGE)) {
        f->lifetime_s = cc->s_maxage_s;
    } else if (cachecontrol_has(cc, CACHECONTROL_MAX_AGE)) {
        f->lifetime_s = cc->max_age_s;
    } else if (from->expires.ptr) {
        f->lifetime_s = expires_s(from, date_s);
    } else if (from->has_ttl) {
        f->lifetime_s = from->ttl_s;
        f->bits |= FRESHNESS_IMPLICIT;
    } else if (guess(from, date_s, &f->lifetime_s)) {
        f->bits |= FRESHNESS_IMPLICIT;
    } else {
        f->bits |= FRESHNESS_UNKNOWN;
    }
}

/* 4.2.4: how long it may be used when it is stale. s-maxage forbids it as proxy-revalidate does
 * (5.2.2.10), unless the same response says how long. */
static void stale_use(const struct freshness_source *from, struct freshness *f)
{
    const struct cachecontrol *cc = &from->cc;
    static const u32 strict =
        CACHECONTROL_MUST_REVALIDATE | CACHECONTROL_PROXY_REVALIDATE | CACHECONTROL_NO_CACHE;
    bool shared = cachecontrol_has(cc, CACHECONTROL_S_MAXAGE);

    if (cachecontrol_has(cc, strict) || shared)
        f->bits |= FRESHNESS_NO_STALE;
    if (cachecontrol_has(cc, CACHECONTROL_NO_CACHE))
        f->bits |= FRESHNESS_VALIDATE;
    if (cachecontrol_has(cc, strict))
        return;
    f->while_revalidate_s = shared ? 0 : from->while_revalidate_s;
    f->if_error_s = shared ? 0 : from->if_error_s;
    if (cachecontrol_has(cc, CACHECONTROL_WHILE_REVALIDATE))
        f->while_revalidate_s = cc->while_revalidate_s;
    if (cachecontrol_has(cc, CACHECONTROL_IF_ERROR))
        f->if_error_s = cc->if_error_s;
}

/* 4.2.3 */
static u32 initial_age_s(const struct freshness_source *from, u64 date_s)
{
    u64 apparent_s = from->wall_s > date_s ? from->wall_s - date_s : 0, age_s = 0;
    u64 delay_s = (from->response_ns - min(from->request_ns, from->response_ns)) / NS_PER_S;
    struct str age = from->age, more;

    if (age.ptr)
        age = str_trim(str_cut(age, ',', &more));
    if (!age.ptr || !str_to_u64(age, &age_s))
        age_s = 0;
    return clamp_s(max(apparent_s, clamp_s(age_s) + delay_s));
}

struct freshness freshness_of(const struct freshness_source *from)
{
    struct freshness f = { .response_ns = from->response_ns };
    u64 date_s = from->wall_s;

    if (from->date.ptr && !httpdate_parse(from->date, from->wall_s, &date_s))
        date_s = from->wall_s;
    f.initial_age_s = initial_age_s(from, date_s);
    lifetime(from, date_s, &f);
    stale_use(from, &f);
    if (cachecontrol_has(&from->cc, CACHECONTROL_IMMUTABLE))
        f.bits |= FRESHNESS_IMMUTABLE;
    return f;
}

u32 freshness_age_s(const struct freshness *f, u64 now_ns)
{
    u64 resident_s = now_ns > f->response_ns ? (now_ns - f->response_ns) / NS_PER_S : 0;

    return clamp_s(f->initial_age_s + resident_s);
}

i64 freshness_left_s(const struct freshness *f, u64 now_ns)
{
    return (i64)f->lifetime_s - (i64)freshness_age_s(f, now_ns);
}

/* 5.2.1: what the client asks for beyond freshness. */
static bool client_refuses(const struct freshness *f, const struct cachecontrol *ask, u32 age_s,
                           i64 left_s)
{
    if (cachecontrol_has(ask, CACHECONTROL_NO_CACHE))
        return true;
    if (cachecontrol_has(ask, CACHECONTROL_MAX_AGE) && age_s > ask->max_age_s)
        return true;
    /* A reload asks for age 0, which nothing stored has for longer than a second. */
    if (cachecontrol_has(ask, CACHECONTROL_MAX_AGE) && ask->max_age_s == 0 &&
        !(f->bits & FRESHNESS_IMMUTABLE))
        return true;
    return cachecontrol_has(ask, CACHECONTROL_MIN_FRESH) && left_s < (i64)ask->min_fresh_s;
}

enum freshness_verdict freshness_judge(const struct freshness *f, const struct cachecontrol *ask,
                                       u64 now_ns)
{
    u32 age_s = freshness_age_s(f, now_ns);
    i64 left_s = freshness_left_s(f, now_ns);
    bool reload = cachecontrol_has(ask, CACHECONTROL_MAX_AGE) && ask->max_age_s == 0;

    if (f->bits & FRESHNESS_VALIDATE)
        return FRESHNESS_ASK_FIRST;
    if (left_s > 0 && f->bits & FRESHNESS_IMMUTABLE && reload &&
        !cachecontrol_has(ask, CACHECONTROL_NO_CACHE))
        return FRESHNESS_FRESH;
    if (client_refuses(f, ask, age_s, left_s))
        return FRESHNESS_ASK_FIRST;
    if (left_s > 0)
        return FRESHNESS_FRESH;
    if (-left_s < (i64)f->while_revalidate_s)
        return FRESHNESS_BEHIND;
    if (!(f->bits & FRESHNESS_NO_STALE) && cachecontrol_has(ask, CACHECONTROL_MAX_STALE) &&
        -left_s <= (i64)ask->max_stale_s)
        return FRESHNESS_ALLOWED;
    return FRESHNESS_ASK_FIRST;
}

bool freshness_serves_error(const struct freshness *f, const struct cachecontrol *ask, u64 now_ns)
{
    i64 left_s = freshness_left_s(f, now_ns);
    i64 error_s = f->if_error_s;

    if (f->bits & FRESHNESS_VALIDATE)
        return false;
    if (!(f->bits & FRESHNESS_NO_STALE) && cachecontrol_has(ask, CACHECONTROL_IF_ERROR))
        error_s = max(error_s, (i64)ask->if_error_s);
    return left_s > 0 || -left_s < error_s;
}

bool freshness_is_useful(const struct freshness *f)
{
    if (f->bits & (FRESHNESS_UNKNOWN | FRESHNESS_VALIDATE))
        return false;
    return f->lifetime_s > f->initial_age_s || f->while_revalidate_s > 0;
}
