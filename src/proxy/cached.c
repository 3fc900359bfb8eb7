/* proxy/cached.c -- whether the cache answers a request */
#include "proxy/cached.h"

#include "cache/cachekey.h"
#include "proxy/admission.h"
#include "proxy/cached_admit.h"
#include "proxy/rewrite.h"

enum { LOOKS_MAX = 3 };

static bool has(const struct exchange *x, enum http_name name)
{
    return x->req.names >> name & 1;
}

static struct str trusted_value(struct exchange *x, enum http_name name, bool trusted)
{
    struct http_field *f = trusted ? http_field_find(&x->req, name) : NULL;

    return f ? http_text(x->client->in->bytes, f->value) : (struct str){ 0 };
}

/* What the app and the listener are called in a key. */
struct place {
    u32 app, listener;
};

static bool key_make(struct exchange *x, struct str path, struct place at,
                     const struct digest_keys *keys, struct digest *out, char *name, u32 *len)
{
    struct client *c = x->client;
    const char *bytes = c->in->bytes;
    bool trusted = peer_trusted(&x->door->settings.trust_proxy, &c->peer);
    struct str scheme = trusted_value(x, HTTP_X_FORWARDED_PROTO, trusted);
    struct str host = trusted_value(x, HTTP_X_FORWARDED_HOST, trusted);
    const struct cachekey_parts parts = {
        .app = at.app,
        .listener = at.listener,
        .scheme = scheme.len ? scheme : STR("http"),
        .authority = host.len ? host : http_text(bytes, x->req.authority),
        .prefix = trusted_value(x, HTTP_X_FORWARDED_PREFIX, trusted),
        .before = path.ptr ? (struct str){ 0 } : http_path_prefix(bytes, &x->req),
        .path = path.ptr ? path : http_text(bytes, x->req.path),
        .words = x->rule->is.cache_key,
        .bytes = bytes,
        .head = &x->req,
    };

    return cachekey_make(&parts, keys, out, name, len);
}

bool cached_key(struct exchange *x, struct str path, struct digest *out,
                char name[CACHEKEY_NAME_MAX], u32 *len)
{
    const struct store *s = atomic_load(&x->client->thread->proxy->store);

    return key_make(x, path, (struct place){ x->app, x->listener }, store_keys(s), out, name, len);
}

bool cached_shared_key(struct exchange *x, struct str path, const struct digest_keys *keys,
                       struct digest *out, char name[CACHEKEY_NAME_MAX], u32 *len)
{
    const struct listener *all = x->client->thread->proxy->listeners;
    struct place at = { .app = (u32)hash_str(&keys->a, x->rules->app[x->app].name) };

    for (u32 i = 0; i < x->listener; i++) /* the app's first one, second one … */
        at.listener += all[i].app == x->app && all[i].opened > 0;
    return key_make(x, path, at, keys, out, name, len);
}

/* If-Match and If-Unmodified-Since ask the origin; no row of the table of names has them. */
static bool has_precondition(const struct exchange *x)
{
    for (u32 i = 0; i < x->req.fields_n; i++) {
        const struct http_field *f = &x->req.fields[i];
        struct str name = http_text(x->client->in->bytes, f->name);

        if (f->id == HTTP_NAME_OTHER && (str_eq_nocase(name, STR("if-match")) ||
                                         str_eq_nocase(name, STR("if-unmodified-since"))))
            return true;
    }
    return false;
}

/* RFC 9111 5.4: only where there is no Cache-Control. */
static bool pragma_no_cache(struct exchange *x)
{
    struct str value = rewrite_field(x->client->in->bytes, &x->req, STR("pragma"));

    return str_eq_nocase(value, STR("no-cache"));
}

static void ask_read(struct exchange *x)
{
    struct http_field *f = NULL;

    if (!x->rule->is.cache_client)
        return;
    if (!has(x, HTTP_CACHE_CONTROL)) {
        if (pragma_no_cache(x))
            x->cached.ask.bits |= CACHECONTROL_NO_CACHE;
        return;
    }
    while ((f = http_field_next(&x->req, HTTP_CACHE_CONTROL, f)) != NULL)
        cachecontrol_add(&x->cached.ask, http_text(x->client->in->bytes, f->value));
}

/* How the app is asked about what is nobody else's business. */
static enum admission pass(struct exchange *x, enum cached_mode mode, enum cached_forward why)
{
    x->cache_mode = mode;
    x->cache_result = SHM_CACHE_PASS;
    x->cached.forward = why;
    return ADMISSION_GO;
}

static bool keyed_cookies(const struct exchange *x)
{
    return cachekey_has_cookies(x->rule->is.cache_key, x->client->in->bytes, &x->req);
}

/* What the app has said no lifetime of may well be another one for each user. */
static bool usable(const struct exchange *x, const struct stored *e)
{
    if (!(e->freshness.bits & FRESHNESS_IMPLICIT))
        return true;
    return !has(x, HTTP_AUTHORIZATION) && keyed_cookies(x);
}

static void unpin(struct exchange *x)
{
    if (x->cached.entry)
        store_unpin(x->client->thread->proxy->store, TAKE(x->cached.entry, NULL));
}

/* Whether another one's response can be the one to this, and the other way round. */
static bool may_share(const struct exchange *x)
{
    const struct settings_request *is = &x->rule->is;

    if (x->client->internal)
        return true;
    if (is->cache_wait_ns == 0 || x->req.method != HTTP_GET || has(x, HTTP_AUTHORIZATION) ||
        has(x, HTTP_RANGE) || x->cached.looks >= LOOKS_MAX || has(x, HTTP_IF_NONE_MATCH) ||
        has(x, HTTP_IF_MODIFIED_SINCE))
        return false;
    return is->cache_ttl_ns == 0 || keyed_cookies(x);
}

/* Whether another host may have what this one would be answered with. */
static bool may_fetch(const struct exchange *x)
{
    return x->rule->is.cache_redis && !x->client->internal && x->req.method == HTTP_GET &&
           !has(x, HTTP_AUTHORIZATION) &&
           !cachecontrol_has(&x->cached.ask, CACHECONTROL_NO_CACHE) &&
           (x->rule->is.cache_ttl_ns == 0 || keyed_cookies(x));
}

/* The app is asked by this one, but that another host may know it. */
static enum admission ask_ourselves(struct exchange *x)
{
    if (x->rule->is.cache_redis)
        tier_note(x);
    if (!may_fetch(x) || !tier_ask(x))
        return ADMISSION_GO;
    x->cache_mode = CACHED_FETCHES;
    return ADMISSION_WAITS;
}

/* The app is asked, by this one or by another. */
static enum admission ask(struct exchange *x, bool alone)
{
    struct cached *k = &x->cached;
    struct thread *t = x->client->thread;

    x->cache_mode = CACHED_ASKS;
    x->cache_result = SHM_CACHE_MISS;
    k->asked_ns = clock_now_ns();
    if (alone || !may_share(x) || flight_leads(&k->flyer))
        return ask_ourselves(x);
    k->flew = true;
    switch (flight_join(t->proxy->flights, &k->flyer, k->key, t->index)) {
    case FLIGHT_WAITS:
        if (x->client->internal) { /* somebody does it already */
            client_close(x->client);
            return ADMISSION_ENDED;
        }
        unpin(x);
        k->waits_since_ns = k->asked_ns;
        k->waited = true;
        x->cache_mode = CACHED_WAITS;
        COUNT(t->proxy->shm->cache.waited, 1);
        return ADMISSION_WAITS;
    case FLIGHT_LEADS:
    case FLIGHT_NONE:
    case FLIGHT_LANDED:
        break;
    }
    return ask_ourselves(x);
}

static enum admission answer(struct exchange *x, enum shm_cache_result result, bool refresh)
{
    struct client *internal = refresh ? client_internal(x->client) : NULL;

    x->cache_result = (u8)result;
    cached_send(x);
    if (internal)
        client_internal_start(internal);
    return ADMISSION_ENDED;
}

static enum admission found(struct exchange *x, u64 now_ns)
{
    struct cached *k = &x->cached;
    const struct stored *e = k->entry;

    if (!usable(x, e)) {
        unpin(x);
        return pass(x, CACHED_PASSES, CACHED_FORWARD_REQUEST);
    }
    k->forward =
        freshness_left_s(&e->freshness, now_ns) > 0 ? CACHED_FORWARD_REQUEST : CACHED_FORWARD_STALE;
    switch (freshness_judge(&e->freshness, &k->ask, now_ns)) {
    case FRESHNESS_FRESH:
        if (x->client->internal) { /* another one was quicker */
            client_close(x->client);
            return ADMISSION_ENDED;
        }
        return answer(x, SHM_CACHE_HIT, false);
    case FRESHNESS_ALLOWED:
        return answer(x, SHM_CACHE_STALE, false);
    case FRESHNESS_BEHIND:
        if (x->client->internal)
            return ask(x, false);
        return answer(x, SHM_CACHE_STALE, x->req.method == HTTP_GET);
    case FRESHNESS_ASK_FIRST:
        break;
    }
    return ask(x, k->outcome == FLIGHT_STORED && k->waited);
}

static enum admission look(struct exchange *x)
{
    struct cached *k = &x->cached;
    struct proxy *p = x->client->thread->proxy;
    const struct store_ask want = { k->key, x->client->in->bytes, &x->req };
    u64 now_ns = clock_now_ns();
    bool marked = false;

    k->looks++;
    switch (store_find(p->store, &want, now_ns, &k->entry, &k->epoch)) {
    case STORE_HIT:
        if (!(cachecontrol_has(&k->ask, CACHECONTROL_ONLY_IF_CACHED) &&
              freshness_judge(&k->entry->freshness, &k->ask, now_ns) == FRESHNESS_ASK_FIRST))
            return found(x, now_ns);
        break;
    case STORE_MARKED:
        marked = true;
        break;
    case STORE_NOTHING:
        break;
    }
    if (cachecontrol_has(&k->ask, CACHECONTROL_ONLY_IF_CACHED)) {
        x->cache_mode = CACHED_PASSES;
        unpin(x);
        exchange_refuse(x, 504, "nothing is stored for this request, and only that was asked for",
                        SHM_REFUSED_NOT_CACHED);
        return ADMISSION_ENDED;
    }
    k->forward = CACHED_FORWARD_URI_MISS;
    /* Waited for in vain, as it may be when responses vary: each asks for its own. */
    return ask(x, marked || (k->waited && k->outcome == FLIGHT_STORED));
}

static enum admission begin(struct exchange *x)
{
    char name[CACHEKEY_NAME_MAX];
    u32 name_len;

    memset(&x->cached, 0, offsetof(struct cached, lead));
    if (!cached_key(x, (struct str){ 0 }, &x->cached.key, name, &name_len))
        return pass(x, CACHED_PASSES, CACHED_FORWARD_BYPASS);
    if (!http_method_safe(x->req.method))
        return pass(x, CACHED_UNSAFE, CACHED_FORWARD_METHOD);
    if ((x->req.method != HTTP_GET && x->req.method != HTTP_HEAD) ||
        x->req.framing != HTTP_BODY_NONE || x->req.upgrade || has_precondition(x))
        return pass(x, CACHED_PASSES, CACHED_FORWARD_BYPASS);
    ask_read(x);
    if (cachecontrol_has(&x->cached.ask, CACHECONTROL_NO_STORE))
        return pass(x, CACHED_PASSES, CACHED_FORWARD_REQUEST);
    return look(x);
}

/* The second tier has answered. What came is stored here, and whoever waits for this one may have
 * it, too; when it is stale, the app is asked as if it had lain here. */
static enum admission fetched(struct exchange *x)
{
    struct cached *k = &x->cached;
    u64 now_ns = clock_now_ns();

    x->cache_mode = CACHED_ASKS;
    k->asked_ns = now_ns;
    if (k->tier.state != TIER_HIT)
        return ADMISSION_GO;
    if (freshness_judge(&k->entry->freshness, &k->ask, now_ns) != FRESHNESS_ASK_FIRST)
        cached_land(x, FLIGHT_STORED);
    return found(x, now_ns);
}

enum admission cached_admit(struct exchange *x)
{
    struct cached *k = &x->cached;

    if (x->cache_mode == CACHED_FETCHES)
        return k->tier.state == TIER_ASKED ? ADMISSION_WAITS : fetched(x);

    if (x->cache_mode == CACHED_WAITS)
        return k->outcome == FLIGHT_USELESS ? ask(x, true) : look(x);
    if (!x->rule->is.cache || !atomic_load(&x->client->thread->proxy->store))
        return ADMISSION_GO;
    return begin(x);
}

/* ---- waiting ---- */

void cached_take_landed(struct thread *t)
{
    enum flight_outcome outcome;
    struct flyer *f;

    while (t->proxy->flights && (f = flight_take(t->proxy->flights, t->index, &outcome)) != NULL) {
        struct exchange *x = container_of(f, struct exchange, cached.flyer);

        x->cached.outcome = (u8)outcome;
        admission_go_on(x);
    }
}

static void own_landed(struct task *task)
{
    cached_take_landed(container_of(task, struct thread, landed_task));
}

static void wake(struct thread *t, u64 threads)
{
    for (u32 i = 0; i < t->proxy->threads_n; i++) {
        if (!(threads >> i & 1))
            continue;
        if (i == t->index)
            loop_task(t->loop, &t->landed_task, own_landed);
        else
            thread_poke(&t->proxy->threads[i]);
    }
}

void cached_land(struct exchange *x, enum flight_outcome outcome)
{
    struct thread *t = x->client->thread;

    if (flight_leads(&x->cached.flyer))
        wake(t, flight_land(t->proxy->flights, &x->cached.flyer, outcome));
}

bool cached_overdue(struct exchange *x, u64 now_ns)
{
    struct cached *k = &x->cached;
    struct thread *t = x->client->thread;

    if (x->cache_mode != CACHED_WAITS || now_ns < k->waits_since_ns + x->rule->is.cache_wait_ns)
        return false;
    wake(t, flight_leave(t->proxy->flights, &k->flyer));
    k->outcome = FLIGHT_USELESS;
    return true;
}

void cached_done(struct exchange *x)
{
    struct thread *t = x->client->thread;

    tier_done(x);
    if (x->cached.filling.e)
        store_abort(t->proxy->store, &x->cached.filling);
    if (x->cached.flew)
        wake(t, flight_leave(t->proxy->flights, &x->cached.flyer));
    unpin(x);
    x->cache_mode = CACHED_OFF;
}
