/* redis/purgelog.c -- what was purged lately, by any host */
#include "redis/purgelog.h"

#include <pthread.h>

struct purgelog {
    pthread_mutex_t lock;
    bool is_true;
    struct purge_id floor; /* what is older is not known */
    struct purge_id last;
    u64 added;
    struct purged {
        struct purge_id id;
        char *texts; /* app, path, tag: each with its NUL; malloc'd */
        u32 app_len, path_len, tag_len;
    } of[PURGELOG_MAX]; /* by number, modulo */
};

static bool before(struct purge_id a, struct purge_id b)
{
    return a.ms < b.ms || (a.ms == b.ms && a.n < b.n);
}

int purgelog_new(struct purgelog **out)
{
    struct purgelog *log = calloc(1, sizeof(*log));

    if (!log)
        return -ENOMEM;
    pthread_mutex_init(&log->lock, NULL);
    *out = log;
    return 0;
}

static void forget_all(struct purgelog *log)
{
    for (u32 i = 0; i < PURGELOG_MAX; i++) {
        free(log->of[i].texts);
        log->of[i] = (struct purged){ 0 };
    }
    log->added = 0;
}

void purgelog_free(struct purgelog *log)
{
    if (!log)
        return;
    forget_all(log);
    pthread_mutex_destroy(&log->lock);
    free(log);
}

void purgelog_reset(struct purgelog *log, struct purge_id floor)
{
    pthread_mutex_lock(&log->lock);
    forget_all(log);
    log->floor = log->last = floor;
    log->is_true = false;
    pthread_mutex_unlock(&log->lock);
}

void purgelog_set(struct purgelog *log, bool is_true)
{
    pthread_mutex_lock(&log->lock);
    log->is_true = is_true;
    pthread_mutex_unlock(&log->lock);
}

int purgelog_add(struct purgelog *log, struct purge_id id, struct str app,
                 const struct store_purge *p)
{
    AUTO(buf_done) struct buf texts = { 0 };
    struct purged *one;
    int err = 0;

    buf_add(&texts, app);
    buf_add(&texts, p->path);
    buf_add(&texts, p->tag);
    buf_addc(&texts, 0);
    pthread_mutex_lock(&log->lock);
    one = &log->of[log->added % PURGELOG_MAX];
    if (texts.failed) {
        log->is_true = false;
        err = -ENOMEM;
    } else {
        if (one->texts)
            log->floor = one->id;
        free(one->texts);
        *one = (struct purged){ .id = id,
                                .texts = TAKE(texts.ptr, NULL),
                                .app_len = (u32)app.len,
                                .path_len = (u32)p->path.len,
                                .tag_len = (u32)p->tag.len };
        log->added++;
        log->last = id;
    }
    pthread_mutex_unlock(&log->lock);
    return err;
}

bool purgelog_last(struct purgelog *log, struct purge_id *out)
{
    bool is_true;

    pthread_mutex_lock(&log->lock);
    is_true = log->is_true;
    *out = log->last;
    pthread_mutex_unlock(&log->lock);
    return is_true;
}

static bool is_about(const struct purged *one, struct str app, struct str path, struct str tags)
{
    struct str its_app = str_make(one->texts, one->app_len);
    struct str its_path = str_make(one->texts + one->app_len, one->path_len);
    struct str its_tag = str_make(its_path.ptr + one->path_len, one->tag_len);
    const struct store_purge p = { .path = its_path.len ? its_path : (struct str){ 0 },
                                   .tag = its_tag.len ? its_tag : (struct str){ 0 } };

    return (its_app.len == 0 || str_eq(its_app, app)) && store_purge_is_about(&p, path, tags);
}

bool purgelog_has(struct purgelog *log, struct purge_id seen, struct str app, struct str path,
                  struct str tags)
{
    bool has;

    pthread_mutex_lock(&log->lock);
    has = !log->is_true || before(seen, log->floor);
    for (u64 i = log->added; i-- > 0 && log->added - i <= PURGELOG_MAX && !has;) {
        const struct purged *one = &log->of[i % PURGELOG_MAX];

        if (!before(seen, one->id))
            break;
        has = is_about(one, app, path, tags);
    }
    pthread_mutex_unlock(&log->lock);
    return has;
}

bool purge_id_read(struct purge_id *out, struct str text)
{
    struct str n, ms = str_cut(text, '-', &n);

    return str_to_u64(ms, &out->ms) && str_to_u64(n, &out->n);
}

struct str purge_id_text(struct purge_id id, char room[PURGE_ID_TEXT_MAX])
{
    snprintf(room, PURGE_ID_TEXT_MAX, "%llu-%llu", (unsigned long long)id.ms,
             (unsigned long long)id.n);
    return str_of(room);
}
