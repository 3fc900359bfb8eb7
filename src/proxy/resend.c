/* proxy/resend.c -- whether a request is sent again, and to whom */
#include "proxy/resend.h"

#include "proxy/handover.h"
#include "proxy/host.h"
#include "proxy/rewrite.h"

static bool is_wanted(const struct settings_request *s, enum shm_retry cause, u32 status)
{
    switch (cause) {
    case SHM_RETRY_UNREAD:
    case SHM_RETRIES:
        return true;
    case SHM_RETRY_CONNECT:
        return s->retry_on.kinds & OUTCOME_CONNECT;
    case SHM_RETRY_RESET:
        return s->retry_on.kinds & OUTCOME_RESET;
    case SHM_RETRY_TIMEOUT:
        return s->retry_on.kinds & OUTCOME_TIMEOUT;
    case SHM_RETRY_STATUS:
        return outcomes_have_status(&s->retry_on, status);
    }
    return false;
}

/* RFC 9110 section 9.2.2, and what the app's owner vouches for. */
static bool may_be_repeated(struct exchange *x)
{
    if (http_method_idempotent(x->req.method))
        return true;
    switch (x->rule->is.retry_methods) {
    case SETTINGS_RETRY_IDEMPOTENT:
        return false;
    case SETTINGS_RETRY_KEYED:
        return rewrite_field(x->client->in->bytes, &x->req, STR("Idempotency-Key")).len > 0;
    case SETTINGS_RETRY_ALL:
        return true;
    }
    return false;
}

enum { HOST_ATTEMPTS_MAX = 8 };

/* Whether there is another try for it; takes it. */
static bool take(struct exchange *x, enum shm_retry cause)
{
    struct thread *t = x->client->thread;
    struct shm_retries *r = &t->proxy->shm->retries[x->app];

    if (cause == SHM_RETRY_UNREAD)
        return x->attempts - x->repeats < EXCHANGE_ATTEMPTS_MAX + !x->up;
    /* What a host has got nothing of is nobody's repeat; but the same ones are not asked again. */
    if (cause == SHM_RETRY_CONNECT && x->host.to)
        return x->attempts - x->repeats < HOST_ATTEMPTS_MAX &&
               (host_has_other(x) || x->rule->local);
    if (x->repeats >= x->rule->is.retry_max) {
        COUNT(r->over_max, x->rule->is.retry_max > 0);
        return false;
    }
    if (!retry_budget_take(&t->proxy->budgets[x->app], x->rule->is.retry_budget, thread_now(t))) {
        COUNT(r->over_budget, 1);
        return false;
    }
    x->repeats++;
    return true;
}

bool resend_after(struct exchange *x, enum shm_retry cause, u32 status)
{
    struct client *c = x->client;
    struct thread *t = c->thread;
    struct upstream_endpoint *host = x->host.to;
    bool safe = cause == SHM_RETRY_UNREAD || cause == SHM_RETRY_CONNECT;

    if (host)
        x->tried |= 1ull << endpoints_index(&x->rule->group->endpoints, host);
    if (x->res_begun || !x->replayable || !is_wanted(&x->rule->is, cause, status) ||
        !(safe || may_be_repeated(x)) || !take(x, cause))
        return false;
    COUNT(t->proxy->shm->proxy.retries, 1);
    COUNT(t->proxy->shm->retries[x->app].sent[cause], 1);
    if (x->claim.slot)
        x->avoid = (u32)(x->claim.slot - t->proxy->shm->slot) + 1;
    if (x->up && cause != SHM_RETRY_STATUS && cause != SHM_RETRY_TIMEOUT) {
        if (host)
            host_drop(t, x->rule->group, host);
        else
            upstream_drop(t, x->up->slot);
    }
    exchange_let_go(x, 0);
    c->in->at = x->req.head_bytes;
    handover_ask(x);
    return true;
}
