/* cache/storable.c -- whether a response may be stored by a cache that many share */
#include "cache/storable.h"

bool storable_status_implicit(u32 status)
{
    return status == 200 || status == 203 || status == 300 || status == 301 || status == 308;
}

/* What this cache understands (3): a part (206) or an answer to a condition (304) is not stored as
 * it is, and a failure is never made to last. */
static bool understood(u32 status)
{
    static const u16 known[] = { 204, 302, 303, 307, 404, 405, 410, 414, 451 };

    for (u32 i = 0; i < ARRAY_LEN(known); i++)
        if (known[i] == status)
            return true;
    return storable_status_implicit(status);
}

/* 5.2.2.3: whoever understands the status ignores the no-store that stands beside it for others. */
static bool no_store(const struct cachecontrol *cc)
{
    return cachecontrol_has(cc, CACHECONTROL_NO_STORE) &&
           !cachecontrol_has(cc, CACHECONTROL_MUST_UNDERSTAND);
}

static bool response_forbids(const struct storable_facts *f)
{
    bool implicit = f->freshness.bits & FRESHNESS_IMPLICIT;

    return !understood(f->status) || f->has_content_range || no_store(&f->answer) ||
           cachecontrol_has(&f->answer, CACHECONTROL_PRIVATE) || f->has_set_cookie || f->vary_any ||
           !freshness_is_useful(&f->freshness) ||
           (implicit && !storable_status_implicit(f->status));
}

/* 3.5 */
static bool may_share(const struct storable_facts *f)
{
    static const u32 shared =
        CACHECONTROL_PUBLIC | CACHECONTROL_MUST_REVALIDATE | CACHECONTROL_S_MAXAGE;
    bool implicit = f->freshness.bits & FRESHNESS_IMPLICIT;

    if (f->has_authorization && (implicit || !cachecontrol_has(&f->answer, shared)))
        return false;
    /* An app that says nothing of caches may well answer each user differently. */
    return !(implicit && f->has_cookie);
}

enum storable_verdict storable_judge(const struct storable_facts *f)
{
    if (!f->is_get || cachecontrol_has(&f->ask, CACHECONTROL_NO_STORE))
        return STORABLE_NOT_ASKED_SO;
    if (response_forbids(f))
        return STORABLE_NO;
    return may_share(f) ? STORABLE_YES : STORABLE_NOT_ASKED_SO;
}
