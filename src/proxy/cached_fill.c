/* proxy/cached_fill.c -- what becomes of the app's response: stored, or news of what is stored */
#include "cache/storable.h"
#include "cache/storedhead.h"
#include "proxy/cached_admit.h"
#include "proxy/handover.h"
#include "proxy/rewrite.h"

/* How long it is known that waiting for a key is of no use. */
#define USELESS_NS (60 * NS_PER_S)

static struct store *store_of(const struct exchange *x)
{
    return x->client->thread->proxy->store;
}

static bool has(const struct http_head *h, enum http_name name)
{
    return h->names >> name & 1;
}

/* Those who wait for it go to the app, all at once; and those who come next do not wait. */
static void useless(struct exchange *x)
{
    struct flights *flights = x->client->thread->proxy->flights;

    if (flight_is_awaited(flights, &x->cached.flyer))
        store_mark(store_of(x), x->cached.key, clock_now_ns() + USELESS_NS);
    cached_land(x, FLIGHT_USELESS);
}

/* ---- what the app is asked ---- */

/* A line with a part of what is stored, which fits; how long the lines are then. */
static u32 field_put(struct exchange *x, struct str name, struct store_span value, char *room,
                     u32 len)
{
    if (value.len == 0)
        return len;
    memcpy(room + len, name.ptr, name.len);
    len += (u32)name.len;
    store_read(store_of(x), x->cached.entry, value, room + len);
    len += value.len;
    memcpy(room + len, "\r\n", 2);
    return len + 2;
}

void cached_ask_fields(struct exchange *x, struct cached_fields *out, char room[CACHED_FIELDS_MAX])
{
    struct cached *k = &x->cached;
    const struct stored *e = k->entry;
    u32 len = 0;

    *out = (struct cached_fields){ .without = 0 };
    k->validates = false;
    if (x->cache_mode != CACHED_ASKS || !(e || x->client->internal))
        return;
    /* All of it is wanted, whatever this client has. */
    out->without = 1ull << HTTP_IF_NONE_MATCH | 1ull << HTTP_IF_MODIFIED_SINCE | 1ull << HTTP_RANGE;
    if (!e || e->etag.len + e->last_modified.len == 0 ||
        e->etag.len + e->last_modified.len > CACHED_FIELDS_MAX - 64)
        return;
    len = field_put(x, STR("if-none-match: "), e->etag, room, len);
    len = field_put(x, STR("if-modified-since: "), e->last_modified, room, len);
    k->validates = true;
    out->more = str_make(room, len);
}

/* ---- a response that is stored ---- */

/* All that is known of a response. */
struct response {
    struct storedhead head;
    struct freshness_source source;
    struct storable_facts facts;
    struct vary vary;
};

static void source_of(struct exchange *x, const char *bytes, struct freshness_source *s)
{
    const struct settings_request *is = &x->rule->is;
    struct http_field *age = http_field_find(&x->res, HTTP_AGE);

    *s = (struct freshness_source){
        .age = age ? http_text(bytes, age->value) : (struct str){ 0 },
        .may_guess = storable_status_implicit(x->res.status),
        .request_ns = x->cached.asked_ns,
        .response_ns = clock_now_ns(),
        .wall_s = clock_wall_ms() / 1000,
        .has_ttl = is->cache_ttl_ns > 0,
        .ttl_s = (u32)min(is->cache_ttl_ns / NS_PER_S, (u64)CACHECONTROL_SECONDS_MAX),
        .while_revalidate_s =
            (u32)min(is->cache_stale_ns / NS_PER_S, (u64)CACHECONTROL_SECONDS_MAX),
        .if_error_s = (u32)min(is->cache_stale_error_ns / NS_PER_S, (u64)CACHECONTROL_SECONDS_MAX),
    };
}

/* What its head in `r->head` says, and whether it may be stored with this status. */
static enum storable_verdict judge(struct exchange *x, struct response *r, u32 status, bool is_get)
{
    struct storable_facts *f = &r->facts;
    bool varies = storedhead_facts(&r->head, &r->source, &r->vary);

    *f = (struct storable_facts){
        .ask = x->cached.ask,
        .answer = r->source.cc,
        .freshness = freshness_of(&r->source),
        .is_get = is_get,
        .has_authorization = has(&x->req, HTTP_AUTHORIZATION),
        .has_cookie = !cachekey_has_cookies(x->rule->is.cache_key, x->client->in->bytes, &x->req),
        .has_set_cookie = has(&x->res, HTTP_SET_COOKIE),
        .has_content_range = has(&x->res, HTTP_CONTENT_RANGE),
        .vary_any = !varies,
        .status = status,
    };
    return storable_judge(f);
}

static int begin(struct exchange *x, const struct response *r, u32 status, u64 body_bytes)
{
    struct cached *k = &x->cached;
    const struct store_ask want = { k->key, x->client->in->bytes, &x->req };
    char name[CACHEKEY_NAME_MAX];
    u32 name_len;
    struct store_beginning b = {
        .ask = &want,
        .freshness = r->facts.freshness,
        .tags = str_make(r->head.tags, r->head.tags_len),
        .vary = str_make(r->vary.text, r->vary.len),
        .head = storedhead_text(&r->head),
        .route = str_make(x->route, x->route_len),
        .line_bytes = r->head.line_bytes,
        .etag = r->head.etag,
        .last_modified = r->head.last_modified,
        .date = r->head.date,
        .body_bytes = body_bytes,
        .epoch = k->epoch,
        .status = (u16)status,
        .app = (u8)x->app,
    };

    if (!cached_key(x, (struct str){ 0 }, &b.key, name, &name_len))
        return -ENOSPC;
    b.name = str_make(name, name_len);
    return store_begin(store_of(x), &k->filling, &b);
}

/* Whether it ends where it says that it ends, and is not too large. */
static bool fits(const struct exchange *x)
{
    u64 most = x->rule->is.cache_max_object_bytes;

    switch (x->res.framing) {
    case HTTP_BODY_NONE:
    case HTTP_BODY_CHUNKED:
        return true;
    case HTTP_BODY_LENGTH:
        return x->res.content_length <= most;
    case HTTP_BODY_CLOSE: /* one that broke off looks the same as one that is whole */
        return false;
    }
    return false;
}

static void forget(struct exchange *x)
{
    if (x->cached.entry)
        store_remove(store_of(x), x->cached.entry);
}

static void store_it(struct exchange *x, const char *bytes, struct block *scratch)
{
    struct cached *k = &x->cached;
    struct response r = { .head = { .bytes = scratch->bytes, .room = scratch->size } };
    enum storable_verdict v = STORABLE_NO;
    u64 length = x->res.framing == HTTP_BODY_LENGTH ? x->res.content_length : 0;

    source_of(x, bytes, &r.source);
    if (storedhead_make(&r.head, bytes, &x->res, r.source.wall_s))
        v = judge(x, &r, x->res.status, x->req.method == HTTP_GET);
    if (v == STORABLE_YES && !fits(x))
        v = STORABLE_NO;
    if (v == STORABLE_YES && begin(x, &r, x->res.status, length) == 0) {
        k->stored = true;
        return;
    }
    if (v == STORABLE_NO && x->res.status < 500)
        forget(x);
    if (v == STORABLE_NO)
        useless(x);
    else
        cached_land(x, FLIGHT_USELESS);
}

void cached_body(struct exchange *x, struct str data)
{
    struct cached *k = &x->cached;
    bool fit = (u64)k->filling.e->body.len + data.len <= x->rule->is.cache_max_object_bytes;

    if (!fit)
        store_abort(store_of(x), &k->filling);
    if (fit && store_add(store_of(x), &k->filling, data))
        return;
    k->stored = false;
    useless(x);
}

void cached_complete(struct exchange *x)
{
    const struct stored *e = NULL;
    bool stored = store_commit(store_of(x), &x->cached.filling, &e);

    x->cached.stored = stored;
    if (stored && x->rule->is.cache_redis)
        tier_put(x, e);
    if (stored)
        store_unpin(store_of(x), e);
    cached_land(x, stored ? FLIGHT_STORED : FLIGHT_FAILED);
}

/* ---- a 304 to what we have asked ---- */

/* The worker has said all that it had to say. */
static void worker_done(struct exchange *x)
{
    struct block *in = x->up->in;

    in->at += x->res.head_bytes;
    x->req_done = true;
    exchange_release(x, true);
}

/* The body of what is stored, behind its new head. */
static bool body_copy(struct exchange *x, const struct stored *e)
{
    struct store *s = store_of(x);
    struct store_cursor c = store_seek(s, e, e->body.at);
    u64 left = e->body.len, n;
    struct iovec iov;

    while (left && store_pieces(s, e, c, left, &iov, 1, &n)) {
        if (!store_add(s, &x->cached.filling, str_make(iov.iov_base, iov.iov_len)))
            return false;
        store_advance(s, e, &c, n);
        left -= n;
    }
    return true;
}

/* Stores it once more with its new head; k->entry is what is sent then. HEAD does, too (4.3.5).
 * *verdict: whether it may still be stored. */
static bool renew(struct exchange *x, const char *bytes, struct block *old, struct block *fresh,
                  enum storable_verdict *verdict)
{
    struct cached *k = &x->cached;
    const struct stored *e = k->entry, *renewed = NULL;
    struct response r = { .head = { .bytes = fresh->bytes, .room = fresh->size } };

    if (e->head.len > old->size)
        return false;
    store_read(store_of(x), e, e->head, old->bytes);
    source_of(x, bytes, &r.source);
    r.source.may_guess = storable_status_implicit(e->status);
    if (!storedhead_merge(&r.head, str_make(old->bytes, e->head.len), bytes, &x->res,
                          r.source.wall_s))
        return false;
    if (r.head.tags_len == 0 && e->tags.len <= sizeof(r.head.tags)) {
        store_read(store_of(x), e, e->tags, r.head.tags);
        r.head.tags_len = e->tags.len;
    }
    if (x->route_len == 0) {
        x->route_len = e->route_len;
        memcpy(x->route, stored_route(e).ptr, e->route_len);
    }
    *verdict = judge(x, &r, e->status, true);
    if (*verdict != STORABLE_YES || begin(x, &r, e->status, e->body.len) < 0 || !body_copy(x, e) ||
        !store_commit(store_of(x), &k->filling, &renewed))
        return false;
    store_unpin(store_of(x), e);
    k->entry = renewed;
    if (x->rule->is.cache_redis)
        tier_put(x, renewed);
    return true;
}

/* RFC 9111 4.3.4. */
static void freshen(struct exchange *x, const char *bytes)
{
    struct thread *t = x->client->thread;
    struct block *old = block_take(&t->blocks), *fresh = block_take(&t->blocks);
    enum storable_verdict verdict = STORABLE_YES;
    bool renewed = old && fresh && renew(x, bytes, old, fresh, &verdict);

    block_give(&t->blocks, &old);
    block_give(&t->blocks, &fresh);
    worker_done(x);
    if (verdict == STORABLE_NO)
        forget(x);
    cached_land(x, renewed ? FLIGHT_STORED : FLIGHT_USELESS);
    x->cache_result = SHM_CACHE_VALIDATED;
    cached_send(x);
}

/* ---- any response ---- */

/* The key of another path of the same host, from Location: its path, or a URL with our host. */
static bool other_key(struct exchange *x, struct str url, struct digest *out)
{
    struct str host = http_text(x->client->in->bytes, x->req.authority);
    char name[CACHEKEY_NAME_MAX];
    u32 len;

    if (str_starts_nocase(url, STR("http://")) || str_starts_nocase(url, STR("https://"))) {
        ptrdiff_t slashes = str_index(url, '/');

        url = str_sub(url, (size_t)slashes + 2, url.len);
        if (!str_starts_nocase(url, host))
            return false;
        url = str_sub(url, host.len, url.len);
    }
    return str_starts(url, STR("/")) && cached_key(x, url, out, name, &len);
}

/* RFC 9111 4.4: what an unsafe request has changed is no longer what is stored. */
static void invalidate(struct exchange *x, const char *bytes)
{
    struct str names[] = { STR("location"), STR("content-location") };
    struct digest key;

    if (x->res.status < 200 || x->res.status >= 400)
        return;
    store_invalidate(store_of(x), x->cached.key);
    if (x->rule->is.cache_redis)
        tier_forget(x, (struct str){ 0 });
    for (u32 i = 0; i < ARRAY_LEN(names); i++) {
        struct str url = rewrite_field(bytes, &x->res, names[i]);

        if (url.len && other_key(x, url, &key))
            store_invalidate(store_of(x), key);
    }
}

/* Surrogate keys are for caches, and this is the last one. */
static void hide_tags(struct http_head *head, const char *bytes)
{
    for (u32 i = 0; i < head->fields_n; i++)
        if (head->fields[i].id == HTTP_NAME_OTHER &&
            storedhead_is_tag(http_text(bytes, head->fields[i].name)))
            head->fields[i].drop = true;
}

bool cached_response(struct exchange *x, const char *bytes)
{
    struct thread *t = x->client->thread;
    struct cached *k = &x->cached;
    struct block *scratch;

    if (x->cache_mode == CACHED_UNSAFE)
        invalidate(x, bytes);
    if (x->cache_mode == CACHED_ASKS) {
        http_response_framing(&x->res, x->req.method);
        if (k->validates && x->res.status == 304) {
            freshen(x, bytes);
            return true;
        }
        if (x->res.status >= 500 && cached_stale(x))
            return true;
        scratch = block_take(&t->blocks);
        if (scratch)
            store_it(x, bytes, scratch);
        else
            cached_land(x, FLIGHT_USELESS);
        block_give(&t->blocks, &scratch);
    }
    hide_tags(&x->res, bytes);
    return false;
}

bool cached_stale(struct exchange *x)
{
    struct cached *k = &x->cached;

    if (x->cache_mode != CACHED_ASKS || x->res_begun)
        return false;
    cached_land(x, FLIGHT_USELESS);
    if (!k->entry || x->client->internal ||
        !freshness_serves_error(&k->entry->freshness, &k->ask, clock_now_ns()))
        return false;
    exchange_release(x, false);
    x->cache_result = SHM_CACHE_ERROR;
    cached_send(x);
    return true;
}

struct str cached_status(const struct exchange *x, char room[CACHED_FIELDS_MAX])
{
    static const char *const forward[] = {
        [CACHED_FORWARD_URI_MISS] = "uri-miss", [CACHED_FORWARD_STALE] = "stale",
        [CACHED_FORWARD_REQUEST] = "request",   [CACHED_FORWARD_METHOD] = "method",
        [CACHED_FORWARD_BYPASS] = "bypass",
    };
    int len;

    if (x->cache_mode == CACHED_OFF || !x->rule->is.cache_status)
        return (struct str){ 0 };
    len = snprintf(room, CACHED_FIELDS_MAX, "cache-status: fettle; fwd=%s%s\r\n",
                   forward[x->cached.forward], x->cached.stored ? "; stored" : "");
    return str_make(room, (size_t)len);
}
