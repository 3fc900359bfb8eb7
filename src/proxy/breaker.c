/* proxy/breaker.c -- the circuit breaker on a request's way */
#include "proxy/breaker.h"

#include "base/log.h"
#include "http/status.h"

void breaker_init(struct proxy *p)
{
    for (u32 i = 0; i < SHM_CIRCUITS_MAX; i++)
        circuit_init(&p->circuits[i], &p->shm->circuit[i]);
}

static bool is_it(const struct shm_circuit *s, u32 app, struct str place)
{
    return s->app == app && str_eq(str_make(s->place, s->place_len), place);
}

struct circuit *breaker_find(struct proxy *p, u32 app, struct str place)
{
    struct str name = str_sub(place, 0, SHM_PLACE_MAX);

    for (u32 i = 0; i < SHM_CIRCUITS_MAX; i++) {
        struct shm_circuit *s = &p->shm->circuit[i];

        if (!atomic_load(&s->used)) {
            s->app = app;
            s->place_len = (u32)name.len;
            if (name.len)
                memcpy(s->place, name.ptr, name.len);
            atomic_store(&s->used, 1);
        }
        if (is_it(s, app, name))
            return &p->circuits[i];
    }
    log_warn("%.*s has no circuit breaker: there are %d others, which is the most", STR_ARG(name),
             SHM_CIRCUITS_MAX);
    return NULL;
}

/* ---- events ---- */

static const char *reason_text(enum shm_circuit_reason reason)
{
    switch (reason) {
    case SHM_CIRCUIT_NO_REASON:
        break;
    case SHM_CIRCUIT_IN_A_ROW:
        return "too many failures in a row";
    case SHM_CIRCUIT_ERRORS:
        return "too large a share of failures";
    case SHM_CIRCUIT_SLOW:
        return "too large a share of slow responses";
    case SHM_CIRCUIT_PROBE:
        return "a probe has failed";
    }
    return "unknown";
}

static void tell(struct exchange *x, enum circuit_result result, u64 began_ns)
{
    const struct shm_circuit *s = x->call.circuit->shm;
    const struct shm *shm = x->client->thread->proxy->shm;
    const char *app = shm->app[x->app].name;
    u64 now_ns = clock_now_ns(), until_ns;

    switch (circuit_tell(&x->call, &x->rule->breaker, result, began_ns, now_ns)) {
    case CIRCUIT_SAME:
        return;
    case CIRCUIT_OPENS:
        until_ns = atomic_load(&s->open_until_ns);
        log_warn("the circuit of %.*s%s%.*s is open: %s; nothing is passed for %.1f s",
                 (int)strnlen(app, SHM_NAME_MAX), app, s->place_len ? " " : "", (int)s->place_len,
                 s->place, reason_text((enum shm_circuit_reason)atomic_load(&s->reason)),
                 (double)(until_ns > now_ns ? until_ns - now_ns : 0) / NS_PER_S);
        return;
    case CIRCUIT_CLOSES:
        log_info("the circuit of %.*s%s%.*s is closed again", (int)strnlen(app, SHM_NAME_MAX), app,
                 s->place_len ? " " : "", (int)s->place_len, s->place);
        return;
    }
}

/* ---- a request ---- */

static void refuse(struct exchange *x, u64 wait_ns)
{
    const struct fallback *f = x->rule->fallback;

    x->retry_after_s = (u32)min((wait_ns + NS_PER_S - 1) / NS_PER_S, (u64)86400);
    if (f && x->cache_mode && cached_stale(x)) /* the app's own words are better */
        return;
    if (!f) {
        exchange_refuse(x, 503, "this has failed too often and is left alone for a while",
                        SHM_REFUSED_CIRCUIT);
        return;
    }
    struct exchange_answer a = { .status = x->rule->is.breaker_fallback_status,
                                 .reason = SHM_REFUSED_CIRCUIT,
                                 .content_type = f->type,
                                 .body = str_make(f->bytes, f->len) };
    exchange_answer(x, &a);
}

bool breaker_pass(struct exchange *x)
{
    struct circuit *c = x->rule->circuit;
    u64 wait_ns = 0;

    x->fault = 0;
    x->answered = 0;
    if (!c || circuit_ask(c, &x->rule->breaker, thread_now(x->client->thread), &x->call,
                          &wait_ns) != CIRCUIT_REFUSE)
        return true;
    refuse(x, wait_ns);
    return false;
}

/* How long the worker took to begin its answer, queue aside. */
static u64 began_ns(const struct exchange *x, u64 now_ns)
{
    u64 first_ns = x->times.first_byte_ns ? x->times.first_byte_ns : now_ns;

    return first_ns > x->times.dispatched_ns ? first_ns - x->times.dispatched_ns : 0;
}

void breaker_answered(struct exchange *x, u32 status, bool tunnel)
{
    x->answered = status;
    if (!x->call.circuit)
        return;
    if (outcomes_have_status(&x->rule->is.breaker_on, status))
        tell(x, CIRCUIT_FAILED, 0);
    else if (tunnel || x->call.probe)
        tell(x, CIRCUIT_OK, x->rule->breaker.slow_ns ? began_ns(x, clock_now_ns()) : 0);
}

void breaker_over(struct exchange *x)
{
    if (!x->call.circuit)
        return;
    if (x->fault & x->rule->is.breaker_on.kinds)
        tell(x, CIRCUIT_FAILED, 0);
    else
        tell(x, x->answered ? CIRCUIT_OK : CIRCUIT_UNKNOWN,
             x->answered && x->rule->breaker.slow_ns ? began_ns(x, clock_now_ns()) : 0);
}
