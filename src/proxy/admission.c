/* proxy/admission.c -- what is decided about a request before a worker is asked for
 *
 * Whose it is, then one step after the other, in the order of the table at the end.
 */
#include "proxy/admission.h"

#include "proxy/cached_admit.h"
#include "proxy/handover.h"
#include "proxy/overdue.h"
#include "proxy/rewrite.h"
#include "proxy/throttle.h"

static u64 sticky_key(struct exchange *x)
{
    struct client *c = x->client;
    struct proxy *p = c->thread->proxy;
    struct str key = { 0 };
    char text[ADDR_TEXT_MAX];

    switch (x->rule->is.balance.by) {
    case SETTINGS_BALANCE_IDLE_FIRST:
    case SETTINGS_BALANCE_LEAST_CONN:
    case SETTINGS_BALANCE_ROUND_ROBIN:
        return 0;
    case SETTINGS_BALANCE_HASH_COOKIE:
        key = rewrite_cookie(c->in->bytes, &x->req, x->rule->is.balance.key);
        break;
    case SETTINGS_BALANCE_HASH_HEADER:
        key = rewrite_field(c->in->bytes, &x->req, x->rule->is.balance.key);
        break;
    case SETTINGS_BALANCE_HASH_IP:
        break;
    }
    if (key.len == 0) { /* no such cookie or header (yet): the address then */
        struct addr client = exchange_peer(x);

        key = addr_ip_text(&client, text);
    }
    return hash_str(&p->hash_key, key);
}

/* Takes the prefix off: what is left begins with a slash, or is nothing, or a query. */
static void strip(struct exchange *x, const struct router_route *route)
{
    x->prefix = (struct http_span){ x->req.path.at, (u32)route->path.len };
    x->req.path.at += x->prefix.len;
    x->req.path.len -= x->prefix.len;
}

static void refuse_ambiguous(struct exchange *x)
{
    exchange_refuse(x, 400, "the path can be read in two ways", SHM_REFUSED_BAD_REQUEST);
}

static void app_deaf(struct exchange *x)
{
    exchange_refuse(x, 503, "the app does not listen", SHM_REFUSED_NO_WORKER);
}

/* The socket of the app's workers that it is for, at an address that leads to several. False: there
 * is none, and no hosts to go to; it has been answered. */
static bool listener_find(struct exchange *x)
{
    u32 found = atomic_load(&x->client->thread->proxy->app_listener[x->app]);

    if (found < SHM_LISTENERS_MAX)
        x->listener = found;
    else if (!x->rule->group || x->rule->local)
        app_deaf(x);
    return found < SHM_LISTENERS_MAX || (x->rule->group && !x->rule->local);
}

/* Which app it is for, at an address that leads to several. False: it has been answered. */
static bool route(struct exchange *x, const struct rule_way **way)
{
    const char *bytes = x->client->in->bytes;
    const struct router_route *found = NULL;
    enum router_verdict v = router_find(x->door->router, http_text(bytes, x->req.authority),
                                        http_text(bytes, x->req.path), &found);

    x->is_nobodys = v != ROUTER_FOUND;
    if (v == ROUTER_AMBIGUOUS) {
        refuse_ambiguous(x);
        return false;
    }
    if (v == ROUTER_NOBODY) {
        exchange_refuse(x, 404, "no app has this host and path", SHM_REFUSED_NO_ROUTE);
        return false;
    }
    if (found->app < x->rules->apps)
        x->app = found->app;
    if (found->app >= x->rules->apps) {
        app_deaf(x);
        return false;
    }
    if (found->strip && found->path.len)
        strip(x, found);
    *way = &x->door->way[found->index];
    return true;
}

/* Whose it is, and what holds for it. False: it has been answered. */
static bool rule_find(struct exchange *x)
{
    const char *bytes = x->client->in->bytes;
    const struct rule_way *way = &x->door->way[0];

    if (x->door->router && !route(x, &way))
        return false;
    if (ruleset_rule(way, http_text(bytes, x->req.authority), http_text(bytes, x->req.path),
                     &x->rule) != ROUTER_AMBIGUOUS)
        return !x->door->router || listener_find(x);
    refuse_ambiguous(x);
    return false;
}

/* ---- the steps ---- */

static enum admission body_size(struct exchange *x)
{
    u64 most = x->rule->is.max_body_bytes;

    if (most == 0 || x->req.framing != HTTP_BODY_LENGTH || x->req.content_length <= most)
        return ADMISSION_GO;
    exchange_refuse(x, 413, "the body is larger than --max-body allows", SHM_REFUSED_BODY_LARGE);
    return ADMISSION_ENDED;
}

/* In this order: what is cheap and needs nobody comes first. */
static admission_fn *const steps[] = { body_size, throttle_admit, cached_admit };

void admission_go_on(struct exchange *x)
{
    struct thread *t = x->client->thread;
    struct kind_request request;

    while (x->admission_step < ARRAY_LEN(steps)) {
        /* What the cache asks for itself is nobody's who has a limit. */
        if (x->client->internal && steps[x->admission_step] == throttle_admit) {
            x->admission_step++;
            continue;
        }
        switch (steps[x->admission_step](x)) {
        case ADMISSION_GO:
            x->admission_step++;
            break;
        case ADMISSION_WAITS:
            x->client->state = CLIENT_QUEUED;
            return;
        case ADMISSION_ENDED:
            return;
        }
    }
    x->sticky = sticky_key(x);
    request = exchange_kind_request(x);
    kind_of(&t->proxy->kinds[x->app], &t->kind_cache, &request, &x->kind);
    handover_ask(x);
}

void admission_start(struct exchange *x)
{
    struct client *c = x->client;
    struct thread *t = c->thread;

    x->head_known = true;
    x->running = true;
    x->replayable = true;
    x->keep = x->req.keep_alive;
    atomic_fetch_add(&t->proxy->exchanges, 1);
    COUNT(t->proxy->shm->proxy.active_requests, 1);
    c->in->at = x->req.head_bytes;
    x->request_id[0] = t->id_key ^ (t->id_next >> 7) * 0x9e3779b97f4a7c15ull;
    x->request_id[1] = (t->id_key * 0xbf58476d1ce4e5b9ull) ^ (t->id_next++ * 0x94d049bb133111ebull);
    if (x->door->traced)
        span_begin(x);
    if (!rule_find(x))
        return;
    if (x->span.on)
        span_decide(x);
    overdue_watch(x);
    admission_go_on(x);
}
