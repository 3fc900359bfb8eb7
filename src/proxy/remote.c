/* proxy/remote.c -- what a thread has of Redis: a connection for each use */
#include "proxy/remote.h"

#include "base/log.h"
#include "proxy/thread.h"
#include "redis/limitscript.h"

enum { LIMITS_OUT_MAX = 1 << 20, LIMITS_REPLY_MAX = 256 << 10 };

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
        log_warn("Redis at %.*s is away (%s): until it is back, this host counts rate limits alone",
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
