/* proxy/ceiling.c -- how many requests may be with the workers at once */
#include "proxy/ceiling.h"

#include "base/log.h"
#include "proxy/exchange.h"

#define SAY_EVERY_NS (10 * NS_PER_S)
/* What takes longer than this, and ten times as long as others just now, is long by its nature. */
#define LONG_NS NS_PER_S
enum { LONG_TIMES = 10, CLAIMED = 1 };
/* After so long without an answer nothing is known of «just now». */
#define FRESH_NS (2 * NS_PER_S)

void ceiling_init(struct proxy *p)
{
    for (u32 i = 0; i < SHM_CEILINGS_MAX; i++) {
        struct shm_ceiling *s = &p->shm->concurrency.ceiling[i];

        s->in_flight = s->idle = s->limit = s->parked = 0;
        for (u32 k = 0; k < PRIORITIES; k++)
            line_init(&p->ceilings[i].line[k]);
    }
    for (u32 i = 0; i < SHM_APPS_MAX; i++)
        for (u32 k = 0; k < PRIORITIES; k++)
            p->shm->concurrency.app[i].waiting[k] = 0;
}

static bool is_it(const struct shm_ceiling *s, u32 app, struct str place)
{
    return s->app == app && str_eq(str_make(s->place, s->place_len), place);
}

struct ceiling *ceiling_find(struct proxy *p, u32 app, struct str place,
                             const struct settings_request *is)
{
    struct str name = str_sub(place, 0, SHM_CEILING_PLACE_MAX);

    for (u32 i = 0; i < SHM_CEILINGS_MAX; i++) {
        struct shm_ceiling *s = &p->shm->concurrency.ceiling[i];

        if (s->state == 0) {
            s->state = CLAIMED;
            s->app = app;
            s->place_len = (u32)name.len;
            if (name.len)
                memcpy(s->place, name.ptr, name.len);
            s->state = SHM_CEILING_FILLED;
        }
        if (!is_it(s, app, name))
            continue;
        s->fixed = is->max_concurrency;
        s->adaptive = is->adaptive_concurrency;
        p->ceilings[i].shm = s;
        return &p->ceilings[i];
    }
    log_warn("%.*s has no ceiling of concurrency: there are %d others, which is the most",
             STR_ARG(name), SHM_CEILINGS_MAX);
    return NULL;
}

static u32 rest(u32 limit, u32 taken)
{
    return limit > taken ? limit - taken : 0;
}

u32 ceiling_room(const struct ceiling *c, const struct settings_request *is, bool high)
{
    u32 taken = atomic_load(&c->shm->in_flight), room = UINT32_MAX;
    u32 limit = is->adaptive_concurrency ? atomic_load(&c->shm->limit) : 0;

    if (is->max_concurrency)
        room = rest(is->max_concurrency, taken);
    if (limit)
        room = min(room, rest(limit + (high ? ceiling_reserve(limit) : 0),
                              rest(taken, atomic_load(&c->shm->idle))));
    return room;
}

void ceiling_settle(struct exchange *x, u64 now_ns)
{
    struct shm_ceiling *s = x->claim.ceiling;
    u64 usual_ns, age_ns;

    if (!s || x->claim.idle)
        return;
    age_ns = now_ns > x->times.dispatched_ns ? now_ns - x->times.dispatched_ns : 0;
    usual_ns = atomic_load(&s->usual_ns);
    if (x->res_begun || !x->req_done ||
        (age_ns > max((u64)LONG_NS, LONG_TIMES * usual_ns) && atomic_load(&s->now_ns) &&
         atomic_load(&s->now_ns) <= CONCURRENCY_GOOD * usual_ns)) {
        claim_is_idle(&x->claim);
        queue_room(x->client->thread);
    }
}

/* ---- thread 0 ---- */

static u32 workers_of(const struct shm *shm, u32 app)
{
    u32 n = 0;

    for (u32 i = 0; i < shm_slots_used(shm); i++)
        n += shm->slot[i].app == app && shm->slot[i].state == SHM_READY && shm->slot[i].listening;
    return n;
}

static void learn(struct proxy *p, struct ceiling *c, u64 now_ns)
{
    struct shm_ceiling *s = c->shm;
    u32 taken = atomic_load(&s->in_flight), before = atomic_load(&s->limit), limit;
    struct concurrency_reading r = { .now_ns = now_ns,
                                     .answers = atomic_load(&s->answers),
                                     .in_flight = rest(taken, atomic_load(&s->idle)),
                                     .workers = workers_of(p->shm, s->app) };

    if (!s->adaptive) {
        s->limit = 0;
        return;
    }
    if (r.answers != c->answers) {
        c->answers = r.answers;
        c->answered_ns = now_ns;
    }
    if (atomic_load(&s->parked) || atomic_load(&s->parked_total) != c->parked_total)
        c->met++;
    c->parked_total = atomic_load(&s->parked_total);
    r.refused = c->met;
    limit = concurrency_look(&c->learned, &r);
    s->usual_ns = (u64)c->learned.usual_ns;
    s->now_ns = now_ns - c->answered_ns < FRESH_NS ? (u64)c->learned.now_ns : 0;
    COUNT(s->limited, !before && limit);
    s->limit = limit;
}

static void say(const struct proxy *p, u32 app, struct shm_waiting *shown, u64 now_ns)
{
    struct ceiling_said *said = &p->said[app];
    u64 shed = 0;

    for (u32 k = 0; k < PRIORITIES; k++)
        shed += shown->shed[k];
    if (shed == said->shed || (said->at_ns && now_ns - said->at_ns < SAY_EVERY_NS))
        return;
    log_warn("%s is overloaded: %llu requests had waited too long and were answered 503%s",
             p->shm->app[app].name, (unsigned long long)(shed - said->shed),
             said->at_ns ? "" : " (doc/overload.md)");
    *said = (struct ceiling_said){ .shed = shed, .at_ns = now_ns };
}

/* With the queue's lock: since when one of an app's lines is too long. What has emptied is not. */
static void lines_look(struct line *lines, u32 n, u64 *since_ns)
{
    for (u32 i = 0; i < n; i++) {
        struct line *l = &lines[i];

        if (l->n == 0)
            l->codel = (struct codel){ 0 };
        if (l->codel.overloaded_ns && (*since_ns == 0 || l->codel.overloaded_ns < *since_ns))
            *since_ns = l->codel.overloaded_ns;
    }
}

static void overloads_show(struct proxy *p)
{
    u64 since_ns[SHM_APPS_MAX] = { 0 };

    pthread_mutex_lock(&p->queue.lock);
    for (u32 i = 0; i < SHM_LISTENERS_MAX; i++) {
        u32 app = p->listeners[i].app;

        if (app < SHM_APPS_MAX)
            lines_look(p->queue.at[i].line[0], QUEUE_LANES * PRIORITIES, &since_ns[app]);
    }
    for (u32 i = 0; i < SHM_CEILINGS_MAX; i++)
        if (p->ceilings[i].shm)
            lines_look(p->ceilings[i].line, PRIORITIES, &since_ns[p->ceilings[i].shm->app]);
    pthread_mutex_unlock(&p->queue.lock);
    for (u32 i = 0; i < SHM_APPS_MAX; i++)
        p->shm->concurrency.app[i].overloaded_ns = since_ns[i];
}

void ceiling_tick(struct proxy *p, u64 now_ns)
{
    for (u32 i = 0; i < SHM_CEILINGS_MAX; i++)
        if (p->ceilings[i].shm)
            learn(p, &p->ceilings[i], now_ns);
    overloads_show(p);
    for (u32 i = 0; i < atomic_load(&p->rules)->apps; i++)
        say(p, i, &p->shm->concurrency.app[i], now_ns);
    queue_room(&p->threads[0]); /* a limit may have grown */
}
