/* proxy/remote.c -- what a thread has of Redis: a connection for each use */
#include "proxy/remote.h"

#include "base/log.h"
#include "proxy/purgefeed.h"
#include "proxy/thread.h"
#include "redis/limitscript.h"

enum { LIMITS_OUT_MAX = 1 << 20, LIMITS_REPLY_MAX = 256 << 10, COMMAND_KEPT_MAX = 256 << 10 };
/* Of one response; larger ones stay in the first tier. */
#define OBJECT_MAX (64ull << 20)
#define TIER_MORE (2ull << 20)
/* At the most as many purges as are kept, each with a path of 2 KB. */
#define PURGES_REPLY_MAX (8ull << 20)
#define PURGES_TIMEOUT_NS (10 * NS_PER_S)

/* ---- away, and back ---- */

enum { NEVER, AWAY, HERE };

static void told(struct redis *r, bool ready, const char *why)
{
    static _Atomic u32 said;
    const struct redis_conf *conf = redis_conf_of(r);
    char room[REDISURL_NAME_MAX + 8];
    struct str place;
    u32 before = atomic_load(&said);

    if (!ready && atomic_load(&conf->counted->ready) > 0)
        return; /* that of another thread still works: it may have been this connection only */
    if (before == (ready ? HERE : AWAY) ||
        !atomic_compare_exchange_strong(&said, &before, ready ? HERE : AWAY))
        return;
    redisurl_place(&conf->url, &place, room);
    if (!ready)
        log_warn("Redis at %.*s is away (%s): until it is back, this host limits and caches alone",
                 STR_ARG(place), why);
    else if (before == AWAY)
        log_info("Redis at %.*s is back", STR_ARG(place));
}

/* ---- made ---- */

static int limits_connect(struct thread *t, const struct settings *s, struct problem *p)
{
    struct remote *m = &t->remote;
    struct redis_conf conf = {
        .timeout_ns = s->redis_timeout_ns,
        .script = limitscript_text(),
        .out_bytes_max = LIMITS_OUT_MAX,
        .reply_bytes_max = LIMITS_REPLY_MAX,
        .counted = &t->proxy->shm->redis.use[SHM_REDIS_LIMITS],
        .told = told,
    };
    int err = redisurl_parse(&conf.url, s->redis, p);

    if (!err && !(m->refusals = calloc(1, sizeof(*m->refusals))))
        err = -ENOMEM;
    if (!err)
        err = redis_new(&m->limits, t->loop, &conf, p);
    explicit_bzero(&conf.url, sizeof(conf.url));
    return err;
}

void remote_setup(struct thread *t)
{
    const struct settings *s = proxy_settings(t->proxy);
    struct problem p = { 0 };
    int err;

    if (s->redis.len == 0)
        return;
    err = limits_connect(t, s, &p);
    if (err && t->index == 0)
        log_error("there is no Redis, each host counts rate limits alone: %s",
                  p.text[0] ? p.text : strerror(-err));
}

void remote_tidy(struct thread *t)
{
    if (t->remote.command.cap > COMMAND_KEPT_MAX)
        buf_done(&t->remote.command);
}

/* ---- the second tier of the cache ---- */

/* That of the limits tells. */
static void told_nobody(struct redis *r, bool ready, const char *why)
{
    (void)r;
    (void)ready;
    (void)why;
}

static int tier_conf(const struct proxy *p, struct redis_conf *conf, enum shm_redis_use_index use,
                     struct problem *problem)
{
    const struct settings *s = proxy_settings(p);
    u64 object = min(atomic_load(&p->rules)->cache_object_bytes_max, OBJECT_MAX);

    *conf = (struct redis_conf){
        .timeout_ns = s->redis_timeout_ns,
        .out_bytes_max = 2 * object + TIER_MORE,
        .reply_bytes_max = object + TIER_MORE,
        .counted = &p->shm->redis.use[use],
        .told = told_nobody,
    };
    return redisurl_parse(&conf->url, s->redis, problem);
}

void remote_tier_setup(struct proxy *p, const struct ruleset *rules)
{
    const struct settings *s = &rules->app[0];
    struct problem problem = { 0 };
    struct purgefeed *feed = NULL;
    struct redis_conf conf;
    int err;

    if (!rules->cache_redis_wanted || s->redis.len == 0 || !p->threads || atomic_load(&p->feed))
        return;
    err = tier_conf(p, &conf, SHM_REDIS_PURGES, &problem);
    conf.timeout_ns = PURGES_TIMEOUT_NS;
    conf.reply_bytes_max = PURGES_REPLY_MAX;
    if (!err)
        err = purgefeed_new(&feed, p, &conf, &problem);
    explicit_bzero(&conf.url, sizeof(conf.url));
    if (err)
        log_error("the cache has no second tier: %s",
                  problem.text[0] ? problem.text : strerror(-err));
    else
        atomic_store(&p->feed, feed);
}

struct redis *remote_tier(struct thread *t)
{
    struct remote *m = &t->remote;
    struct problem problem = { 0 };
    struct redis_conf conf;

    if (m->tier || m->has_no_tier || !atomic_load(&t->proxy->feed))
        return m->tier;
    m->has_no_tier = tier_conf(t->proxy, &conf, SHM_REDIS_CACHE, &problem) < 0 ||
                     redis_new(&m->tier, t->loop, &conf, &problem) < 0;
    explicit_bzero(&conf.url, sizeof(conf.url));
    return m->tier;
}

void remote_tick(struct proxy *p)
{
    struct purgefeed *feed = atomic_load(&p->feed);

    if (feed)
        purgefeed_tick(feed);
}

bool remote_purges(struct proxy *p, struct purge_id *last)
{
    struct purgefeed *feed = atomic_load(&p->feed);

    *last = (struct purge_id){ 0 };
    return feed && purgelog_last(feed->log, last);
}

bool remote_purged(struct proxy *p, struct purge_id seen, struct str app, struct str path,
                   struct str tags)
{
    struct purgefeed *feed = atomic_load(&p->feed);

    return !feed || purgelog_has(feed->log, seen, app, path, tags);
}

void remote_purge_tell(struct proxy *p, const struct store_purge *purge)
{
    struct purgefeed *feed = atomic_load(&p->feed);

    if (!feed)
        return;
    if (purgefeed_tell(feed, remote_tier(&p->threads[0]), purge))
        COUNT(p->shm->redis.purges_sent, 1);
    else
        log_warn("Redis is away: other hosts were not told of a purge, and keep what is stored "
                 "there; purge again when it is back");
}
