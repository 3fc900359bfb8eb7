/* proxy/purgefeed.c -- purges of all hosts, by a stream in Redis */
#include "proxy/purgefeed.h"

#include "base/log.h"
#include "proxy/cached.h"
#include "proxy/thread.h"
#include "redis/resp.h"

#include <sys/random.h>

/* The answer comes at the latest then, which shows that the connection lives. */
enum { BLOCK_MS = 2000 };
#define OWN_NS (1 * NS_PER_S)

static void reply_come(struct redis_call *c, const struct reply *reply);

static void key_add(struct buf *out, const struct purgefeed *f)
{
    AUTO(buf_done) struct buf key = { 0 };

    buf_add(&key, proxy_settings(f->proxy)->redis_prefix);
    buf_add(&key, STR("purges"));
    out->failed |= key.failed;
    resp_word(out, buf_str(&key));
}

/* The app of a purge, by what hosts know it by; empty: all. */
static struct str app_name(const struct proxy *p, u32 app)
{
    const struct ruleset *rules = atomic_load(&p->rules);

    return app < rules->apps ? rules->app[app].name : (struct str){ 0 };
}

/* ---- followed ---- */

static struct str field_of(const struct reply *fields, struct str name)
{
    for (u32 i = 0; i + 1 < fields->n; i += 2)
        if (str_eq(reply_at(fields, i).text, name))
            return reply_at(fields, i + 1).text;
    return (struct str){ 0 };
}

/* Removes here what a host has purged. */
static void apply(struct purgefeed *f, struct str app, struct store_purge purge)
{
    const struct ruleset *rules = atomic_load(&f->proxy->rules);

    purge.app = UINT32_MAX;
    if (app.len) {
        for (purge.app = 0; purge.app < rules->apps; purge.app++)
            if (str_eq(rules->app[purge.app].name, app))
                break;
        if (purge.app == rules->apps)
            return;
    }
    cached_remove(f->proxy, &purge);
}

/* [id, [name, value, …]]. False: it is none. */
static bool entry_take(struct purgefeed *f, const struct reply *entry)
{
    struct reply id = reply_at(entry, 0), fields = reply_at(entry, 1);
    struct str app = field_of(&fields, STR("app")), path = field_of(&fields, STR("path"));
    struct str tag = field_of(&fields, STR("tag")), origin = field_of(&fields, STR("from"));
    const struct store_purge purge = { .path = path.len ? path : (struct str){ 0 },
                                       .tag = tag.len ? tag : (struct str){ 0 } };
    struct purge_id at;
    u64 from = 0;

    if (!purge_id_read(&at, id.text) || purgelog_add(f->log, at, app, &purge) < 0)
        return false;
    if (str_hex_to_u64(origin, &from) && from == f->origin)
        f->own_until_ns = 0;
    else
        COUNT(f->proxy->shm->redis.purges_taken, 1);
    apply(f, app, purge); /* our own, too: meanwhile it may have been fetched once more */
    return true;
}

static void all_remove(struct purgefeed *f)
{
    const struct store_purge all = { .app = UINT32_MAX };

    COUNT(f->proxy->shm->redis.purges_lost, 1);
    cached_remove(f->proxy, &all);
}

static bool floor_of(const struct reply *oldest, struct purge_id *floor)
{
    struct reply id = reply_at(oldest, 0);

    return purge_id_read(floor, id.text);
}

/* Entries in the order of time. Where there are as many as are kept, others may be gone. */
static bool entries_take(struct purgefeed *f, const struct reply *list, bool newest_first)
{
    struct purge_id floor = { 0 };
    struct reply oldest = reply_at(list, newest_first && list->n ? list->n - 1 : 0);
    bool is_full = list->n >= PURGELOG_MAX;

    if (is_full && !floor_of(&oldest, &floor))
        return false;
    if (is_full && f->has_begun)
        all_remove(f);
    if (is_full || !f->has_begun)
        purgelog_reset(f->log, floor);
    for (u32 i = 0; i < list->n; i++) {
        struct reply entry = reply_at(list, newest_first ? list->n - 1 - i : i);

        if (!entry_take(f, &entry))
            return false;
    }
    return true;
}

/* The first answer is a list of entries; those after it [[key, list]], or nothing. */
static bool answer_take(struct purgefeed *f, const struct reply *reply)
{
    struct reply stream = reply_at(reply, 0), list = reply_at(&stream, 1);

    if (reply->kind == REPLY_ERROR)
        return false;
    if (!f->has_begun) {
        if (reply->kind != REPLY_ARRAY || !entries_take(f, reply, true))
            return false;
        f->has_begun = true;
        return true;
    }
    return reply->kind != REPLY_ARRAY || entries_take(f, &list, false);
}

/* Whether the log has all that there were. */
static void known_set(struct purgefeed *f, bool is_known)
{
    purgelog_set(f->log, is_known);
    atomic_store(&f->proxy->shm->redis.purges_known, is_known);
}

static void question_send(struct purgefeed *f)
{
    AUTO(buf_done) struct buf command = { 0 };
    char room[PURGE_ID_TEXT_MAX];
    struct purge_id last;

    purgelog_last(f->log, &last);
    resp_begin(&command, 6);
    if (f->has_begun) {
        resp_word(&command, STR("XREAD"));
        resp_word(&command, STR("BLOCK"));
        resp_number(&command, BLOCK_MS);
        resp_word(&command, STR("STREAMS"));
        key_add(&command, f);
        resp_word(&command, purge_id_text(last, room));
    } else {
        resp_word(&command, STR("XREVRANGE"));
        key_add(&command, f);
        resp_word(&command, STR("+"));
        resp_word(&command, STR("-"));
        resp_word(&command, STR("COUNT"));
        resp_number(&command, PURGELOG_MAX);
    }
    if (!command.failed && redis_ask(f->redis, &f->call, buf_str(&command), reply_come) < 0)
        known_set(f, false);
}

static void reply_come(struct redis_call *c, const struct reply *reply)
{
    struct purgefeed *f = container_of(c, struct purgefeed, call);
    bool taken = reply && answer_take(f, reply);

    known_set(f, taken && clock_now_ns() >= f->own_until_ns);
    if (taken)
        question_send(f);
    else if (reply) /* from the beginning, when it is asked again */
        f->has_begun = false;
}

void purgefeed_tick(struct purgefeed *f)
{
    if (!redis_waits(&f->call) && redis_state(f->redis) == REDIS_READY)
        question_send(f);
}

int purgefeed_new(struct purgefeed **out, struct proxy *p, const struct redis_conf *conf,
                  struct problem *problem)
{
    struct purgefeed *f = calloc(1, sizeof(*f));
    int err = f ? purgelog_new(&f->log) : -ENOMEM;

    if (!err && getrandom(&f->origin, sizeof(f->origin), 0) != sizeof(f->origin))
        err = -EIO;
    if (!err)
        err = redis_new(&f->redis, p->threads[0].loop, conf, problem);
    if (err) {
        purgelog_free(f ? f->log : NULL);
        free(f);
        return err;
    }
    f->proxy = p;
    *out = f;
    return 0;
}

/* ---- told ---- */

bool purgefeed_tell(struct purgefeed *f, struct redis *r, const struct store_purge *p)
{
    AUTO(buf_done) struct buf command = { 0 };
    char from[20];

    snprintf(from, sizeof(from), "%016llx", (unsigned long long)f->origin);
    resp_begin(&command, 13);
    resp_word(&command, STR("XADD"));
    key_add(&command, f);
    resp_word(&command, STR("MAXLEN"));
    resp_number(&command, PURGELOG_MAX);
    resp_word(&command, STR("*"));
    resp_word(&command, STR("app"));
    resp_word(&command, app_name(f->proxy, p->app));
    resp_word(&command, STR("path"));
    resp_word(&command, p->path);
    resp_word(&command, STR("tag"));
    resp_word(&command, p->tag);
    resp_word(&command, STR("from"));
    resp_word(&command, str_of(from));
    if (!r || command.failed || !redis_tell(r, buf_str(&command)))
        return false;
    known_set(f, false); /* until it has come back, what lies there may be what was purged */
    f->own_until_ns = clock_now_ns() + OWN_NS;
    return true;
}
