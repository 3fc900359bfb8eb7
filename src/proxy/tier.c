/* proxy/tier.c -- the second tier of the cache: what other hosts have stored, in Redis */
#include "proxy/tier.h"

#include "cache/storable.h"
#include "cache/storedhead.h"
#include "proxy/admission.h"
#include "proxy/cached_admit.h"
#include "proxy/remote.h"
#include "redis/resp.h"

enum { KEY_MAX = 256, FIELDS_MAX = 256, PIECES = 16 };
/* Longer than this it lies nowhere unasked. */
#define TTL_MAX_S (30 * 86400ull)

/* The same on all hosts. */
static const struct digest_keys shared_keys = { { 0x666574746c652063ull, 0x6163686520610000ull },
                                                { 0x666574746c652063ull, 0x6163686520620000ull } };

static struct store *store_of(const struct exchange *x)
{
    return x->client->thread->proxy->store;
}

static struct shm_redis *counts_of(const struct exchange *x)
{
    return &x->client->thread->proxy->shm->redis;
}

static struct str app_of(const struct exchange *x)
{
    return x->rules->app[x->app].name;
}

/* ---- keys ---- */

/* PREFIXcache:{KEY}, and behind it what tells a variant from others. */
static bool key_make(struct exchange *x, struct str path, bool is_variant, char out[KEY_MAX],
                     struct str *key)
{
    const struct settings *s = proxy_settings(x->client->thread->proxy);
    const struct tier *k = &x->cached.tier;
    const char *bytes = x->client->in->bytes;
    char name[CACHEKEY_NAME_MAX];
    struct digest d, v;
    u32 name_len;
    int len;

    if (!cached_shared_key(x, path, &shared_keys, &d, name, &name_len))
        return false;
    len = snprintf(out, KEY_MAX, "%.*scache:{%016llx%016llx}", STR_ARG(s->redis_prefix),
                   (unsigned long long)d.a, (unsigned long long)d.b);
    if (is_variant) {
        v = vary_digest(str_make(k->vary, k->vary_len), &shared_keys, bytes, &x->req);
        len += snprintf(out + len, (size_t)(KEY_MAX - len), ":%016llx:%016llx%016llx",
                        (unsigned long long)k->generation, (unsigned long long)v.a,
                        (unsigned long long)v.b);
    }
    *key = str_make(out, (size_t)len);
    return true;
}

/* ---- asked ---- */

static void reply_come(struct redis_call *c, const struct reply *reply);

static bool question_send(struct exchange *x)
{
    struct remote *m = &x->client->thread->remote;
    struct tier *k = &x->cached.tier;
    struct redis *r = remote_tier(x->client->thread);
    char room[KEY_MAX];
    struct str key;

    if (!r || !key_make(x, (struct str){ 0 }, k->is_variant, room, &key))
        return false;
    buf_clear(&m->command);
    resp_begin(&m->command, 2);
    resp_word(&m->command, STR("GET"));
    resp_word(&m->command, key);
    if (m->command.failed) {
        m->command.failed = false;
        return false;
    }
    return redis_ask(r, &k->call, buf_str(&m->command), reply_come) == 0;
}

bool tier_ask(struct exchange *x)
{
    struct tier *k = &x->cached.tier;
    struct purge_id last;

    /* Without the purges nobody knows what is still true. */
    if (k->state != TIER_NONE || !remote_purges(x->client->thread->proxy, &last))
        return false;
    k->state = TIER_MISS;
    if (!question_send(x)) {
        COUNT(counts_of(x)->tier_misses, 1);
        return false;
    }
    k->state = TIER_ASKED;
    return true;
}

void tier_note(struct exchange *x)
{
    struct tier *k = &x->cached.tier;

    k->has_seen = remote_purges(x->client->thread->proxy, &k->seen);
}

void tier_done(struct exchange *x)
{
    redis_forget(&x->cached.tier.call);
    x->cached.tier.state = TIER_NONE;
}

/* ---- what comes ---- */

struct taken {
    struct storedhead head;
    struct freshness_source source;
    struct vary vary;
    char age[STR_U64_MAX];
};

/* Its head is read as strictly as the app's. */
static bool head_read(struct exchange *x, const struct tierentry *e, struct block *in,
                      struct taken *t)
{
    static const struct http_limits limits = { 1 << 15, 1 << 20, FIELDS_MAX };
    const struct settings_request *is = &x->rule->is;
    u64 wall_ms = clock_wall_ms(), now_ns = clock_now_ns();
    u64 since_ms = wall_ms - min(wall_ms, e->response_wall_ms);
    struct http_field fields[FIELDS_MAX];
    struct http_parser parser;
    struct http_error error;
    struct http_head head;

    if (e->head.len + 2 > in->size)
        return false;
    memcpy(in->bytes, e->head.ptr, e->head.len);
    memcpy(in->bytes + e->head.len, "\r\n", 2);
    http_parser_init(&parser, HTTP_RESPONSE, &limits, fields, FIELDS_MAX);
    if (http_parse_head(&parser, in->bytes, e->head.len + 2, &head, &error) != HTTP_DONE ||
        head.head_bytes != e->head.len + 2 || head.status != e->status ||
        head.names >> HTTP_SET_COOKIE & 1)
        return false;
    t->source = (struct freshness_source){
        .age = str_make(t->age, str_put_u64(t->age, e->age_s + since_ms / 1000)),
        .may_guess = storable_status_implicit(e->status),
        .request_ns = now_ns,
        .response_ns = now_ns,
        .wall_s = wall_ms / 1000,
        .has_ttl = is->cache_ttl_ns > 0,
        .ttl_s = (u32)min(is->cache_ttl_ns / NS_PER_S, (u64)CACHECONTROL_SECONDS_MAX),
        .while_revalidate_s =
            (u32)min(is->cache_stale_ns / NS_PER_S, (u64)CACHECONTROL_SECONDS_MAX),
        .if_error_s = (u32)min(is->cache_stale_error_ns / NS_PER_S, (u64)CACHECONTROL_SECONDS_MAX),
    };
    if (!storedhead_make(&t->head, in->bytes, &head, t->source.wall_s) ||
        !storedhead_facts(&t->head, &t->source, &t->vary))
        return false;
    return str_eq(str_make(t->vary.text, t->vary.len), e->vary) &&
           !cachecontrol_has(&t->source.cc, CACHECONTROL_NO_STORE | CACHECONTROL_PRIVATE);
}

/* Stored as if the app had sent it at that time. */
static const struct stored *entry_store(struct exchange *x, const struct tierentry *e,
                                        struct taken *t)
{
    struct cached *k = &x->cached;
    const struct store_ask want = { k->key, x->client->in->bytes, &x->req };
    struct store_beginning b = {
        .key = k->key,
        .ask = &want,
        .freshness = freshness_of(&t->source),
        .name = e->name,
        .tags = e->tags,
        .vary = e->vary,
        .head = storedhead_text(&t->head),
        .route = e->route,
        .line_bytes = t->head.line_bytes,
        .etag = t->head.etag,
        .last_modified = t->head.last_modified,
        .date = t->head.date,
        .body_bytes = e->body.len,
        .epoch = k->epoch,
        .status = (u16)e->status,
        .app = (u8)x->app,
    };
    const struct stored *pinned = NULL;
    struct filling f;

    if (!freshness_is_useful(&b.freshness) || store_begin(store_of(x), &f, &b) < 0 ||
        !store_add(store_of(x), &f, e->body) || !store_commit(store_of(x), &f, &pinned))
        return NULL;
    return pinned;
}

static bool entry_take(struct exchange *x, const struct tierentry *e)
{
    struct thread *th = x->client->thread;
    struct block *in = block_take(&th->blocks), *out = block_take(&th->blocks);
    struct taken t = { .head = { .bytes = out ? out->bytes : NULL, .room = out ? out->size : 0 } };
    const struct stored *pinned = NULL;
    bool read = in && out && head_read(x, e, in, &t);

    if (read)
        pinned = entry_store(x, e, &t);
    else
        COUNT(counts_of(x)->tier_bad, 1);
    block_give(&th->blocks, &in);
    block_give(&th->blocks, &out);
    if (!pinned)
        return false;
    if (x->cached.entry)
        store_unpin(store_of(x), x->cached.entry);
    x->cached.entry = pinned;
    return true;
}

/* Whether it is the answer to this very URL, true as far as purges go, and no larger than may be.
 */
static bool is_ours(struct exchange *x, const struct tierentry *e)
{
    char name[CACHEKEY_NAME_MAX];
    struct digest d;
    u32 len;

    if (!cached_shared_key(x, (struct str){ 0 }, &shared_keys, &d, name, &len) ||
        !str_eq(str_make(name, len), e->name) || e->body.len > x->rule->is.cache_max_object_bytes) {
        COUNT(counts_of(x)->tier_bad, 1);
        return false;
    }
    if (!remote_purged(x->client->thread->proxy, e->seen, app_of(x), e->name, e->tags))
        return true;
    COUNT(counts_of(x)->tier_outdated, 1);
    return false;
}

/* What it varies by: the second question is for the variant of this request. */
static bool variant_ask(struct exchange *x, const struct tierentry *e)
{
    struct tier *k = &x->cached.tier;

    if (k->is_variant || e->vary.len > sizeof(k->vary))
        return false;
    memcpy(k->vary, e->vary.ptr, e->vary.len);
    k->vary_len = (u16)e->vary.len;
    k->generation = e->generation;
    k->is_variant = true;
    return question_send(x);
}

/* The state that an answer leads to. */
static enum tier_state answer_take(struct exchange *x, const struct reply *reply)
{
    struct tierentry e;

    if (!reply || reply->kind != REPLY_STRING)
        return TIER_MISS;
    if (!tierentry_read(&e, reply->text)) {
        COUNT(counts_of(x)->tier_bad, 1);
        return TIER_MISS;
    }
    if (e.kind == TIERENTRY_VARY)
        return variant_ask(x, &e) ? TIER_ASKED : TIER_MISS;
    if ((e.vary.len > 0) != x->cached.tier.is_variant)
        return TIER_MISS;
    return is_ours(x, &e) && entry_take(x, &e) ? TIER_HIT : TIER_MISS;
}

static void reply_come(struct redis_call *c, const struct reply *reply)
{
    struct exchange *x = container_of(c, struct exchange, cached.tier.call);
    enum tier_state state = answer_take(x, reply);

    x->cached.tier.state = (u8)state;
    if (state == TIER_ASKED)
        return;
    if (state == TIER_HIT)
        COUNT(counts_of(x)->tier_hits, 1);
    else
        COUNT(counts_of(x)->tier_misses, 1);
    admission_go_on(x);
}

/* ---- put there ---- */

/* A part of what is stored, appended. */
static void part_add(struct exchange *x, struct buf *out, const struct stored *e,
                     struct store_span part)
{
    struct store_cursor c = store_seek(store_of(x), e, part.at);
    struct iovec iov[PIECES];
    u64 left = part.len, n;
    u32 pieces;

    while (left && (pieces = store_pieces(store_of(x), e, c, left, iov, PIECES, &n)) > 0) {
        for (u32 i = 0; i < pieces; i++)
            buf_add(out, str_make(iov[i].iov_base, iov[i].iov_len));
        store_advance(store_of(x), e, &c, n);
        left -= n;
    }
}

static void ttl_add(struct buf *out, u64 ttl_s)
{
    resp_word(out, STR("PX"));
    resp_number(out, ttl_s * 1000);
}

/* SET KEY with an entry whose body is that of `stored`, NULL: it has none. */
static void set_send(struct exchange *x, bool is_variant, const struct tierentry *e,
                     const struct stored *stored, u64 ttl_s)
{
    struct redis *r = remote_tier(x->client->thread);
    struct buf *out = &x->client->thread->remote.command;
    char room[KEY_MAX];
    struct str key;
    size_t begin;

    if (!r || !key_make(x, (struct str){ 0 }, is_variant, room, &key))
        return;
    buf_clear(out);
    resp_begin(out, 5);
    resp_word(out, STR("SET"));
    resp_word(out, key);
    resp_bytes(out, tierentry_bytes(e));
    begin = out->len;
    tierentry_write(out, e);
    if (stored)
        part_add(x, out, stored, stored->body);
    tierentry_seal(out, begin);
    buf_add(out, STR("\r\n"));
    ttl_add(out, ttl_s);
    if (out->failed)
        out->failed = false;
    else if (redis_tell(r, buf_str(out)))
        COUNT(counts_of(x)->tier_stored, stored != NULL);
    remote_tidy(x->client->thread);
}

/* For how long it will be of use to somebody. */
static u64 ttl_of(const struct stored *e, u64 now_ns)
{
    i64 left_s = freshness_left_s(&e->freshness, now_ns) +
                 (i64)max(e->freshness.while_revalidate_s, e->freshness.if_error_s);

    return left_s > 0 ? min((u64)left_s, TTL_MAX_S) : 0;
}

/* The names that it varies by, where whoever has no variant in mind finds them. Others lie there:
 * their variants are not to be found any more. */
static void vary_put(struct exchange *x, struct str vary, u64 ttl_s)
{
    struct tier *k = &x->cached.tier;
    const struct tierentry e = { .kind = TIERENTRY_VARY, .vary = vary };
    struct tierentry named = e;

    if (!k->is_variant || !str_eq(str_make(k->vary, k->vary_len), vary)) {
        memcpy(k->vary, vary.ptr, vary.len);
        k->vary_len = (u16)vary.len;
        k->generation = clock_wall_ms() << 20 ^ clock_now_ns();
    }
    named.generation = k->generation;
    set_send(x, false, &named, NULL, ttl_s);
}

void tier_put(struct exchange *x, const struct stored *e)
{
    struct tier *k = &x->cached.tier;
    u64 now_ns = clock_now_ns(), ttl_s = ttl_of(e, now_ns);
    u64 since_ms = (now_ns - min(now_ns, e->freshness.response_ns)) / NS_PER_MS;
    AUTO(buf_done) struct buf texts = { 0 };
    struct str vary = str_make((const char *)(e + 1), e->vary_len);
    struct tierentry t = { .kind = TIERENTRY_RESPONSE,
                           .status = e->status,
                           .age_s = e->freshness.initial_age_s,
                           .response_wall_ms = clock_wall_ms() - since_ms,
                           .seen = k->seen,
                           .vary = vary,
                           .route = stored_route(e),
                           .body = { .len = e->body.len } };

    if (!k->has_seen || ttl_s == 0)
        return;
    part_add(x, &texts, e, e->name);
    part_add(x, &texts, e, e->tags);
    part_add(x, &texts, e, e->head);
    if (texts.failed || texts.len != (u64)e->name.len + e->tags.len + e->head.len)
        return;
    t.name = str_make(texts.ptr, e->name.len);
    t.tags = str_make(texts.ptr + e->name.len, e->tags.len);
    t.head = str_make(t.tags.ptr + e->tags.len, e->head.len);
    if (vary.len)
        vary_put(x, vary, ttl_s);
    set_send(x, vary.len > 0, &t, e, ttl_s);
}

void tier_forget(struct exchange *x, struct str path)
{
    struct remote *m = &x->client->thread->remote;
    struct redis *r = remote_tier(x->client->thread);
    char room[KEY_MAX];
    struct str key;

    if (!r || !key_make(x, path, false, room, &key))
        return;
    buf_clear(&m->command);
    resp_begin(&m->command, 2);
    resp_word(&m->command, STR("DEL"));
    resp_word(&m->command, key);
    if (m->command.failed)
        m->command.failed = false;
    else if (!redis_tell(r, buf_str(&m->command)))
        return; /* other hosts find it until it is stale */
}
