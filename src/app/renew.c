/* app/renew.c -- what a reload makes of the apps
 *
 * First everything is read and fitted together, and the new addresses are opened; only when all of
 * that has gone well does anything change.
 */
#include "app/renew.h"

#include "app/supervise.h"
#include "shm/wire.h"

struct renew {
    struct starts *all;
    struct supervisor_news *news;
    struct problem *problem;
    struct renewal_next next[SHM_APPS_MAX]; /* by app; without a line: it is not in the file */
    u32 count;                              /* of apps, the new ones included */
    struct settings stand_in;               /* for the first app, when that is gone */
    struct strings words;                   /* of the proxy */
    struct endpoint *routed;
    u32 routed_n;
};

static void renew_free(struct renew *r)
{
    if (!r)
        return;
    for (u32 i = 0; i < SHM_APPS_MAX; i++)
        renewal_next_done(&r->next[i]);
    settings_done(&r->stand_in);
    strings_done(&r->words);
    free(r->routed);
    free(r);
}

static void renew_freep(struct renew **r)
{
    renew_free(*r);
}

static bool is_new(const struct renew *r, u32 app)
{
    return app >= r->all->count;
}

static bool is_there(const struct renew *r, u32 app)
{
    return r->next[app].renewal.line != NULL;
}

/* The app of this name, or the next free place. */
static u32 place_of(const struct renew *r, struct str name)
{
    for (u32 i = 0; i < r->all->count; i++)
        if (str_eq(name, r->all->list[i].settings.name))
            return i;
    return r->count;
}

/* ---- reading ---- */

static int line_read(struct renew *r, struct str text)
{
    struct renewal_next next;
    u32 app;
    int err = renewal_read(&next, text, r->problem);

    app = err ? 0 : place_of(r, renewal_name(&next));
    if (!err && app == SHM_APPS_MAX)
        err = problem_set(r->problem,
                          "%.*s: fettle has had %d different apps, which is the most, and needs a "
                          "new start for another one",
                          STR_ARG(renewal_name(&next)), SHM_APPS_MAX);
    if (!err && app >= r->all->count && next.has_pre) {
        strings_addf(r->news->notes,
                     "%.*s: is new, and has a script that is run before it (as prestart is), which "
                     "only a new start does",
                     STR_ARG(renewal_name(&next)));
        renewal_next_done(&next);
        return 0;
    }
    if (err) {
        renewal_next_done(&next);
        return err;
    }
    r->next[app] = next;
    r->count = max(r->count, app + 1);
    return 0;
}

static int all_read(struct renew *r, struct str text)
{
    int err = 0;

    while (text.ptr && text.len && !err) {
        struct str line = str_cut(text, '\n', &text);

        if (line.len)
            err = line_read(r, line);
    }
    return err;
}

static int all_fit(struct renew *r)
{
    int err = 0;

    for (u32 i = 0; i < r->count && !err; i++) {
        struct start *s = &r->all->list[i];

        if (is_there(r, i))
            err = renewal_fit(&r->next[i], is_new(r, i) ? NULL : &s->settings,
                              is_new(r, i) ? NULL : &r->all->conf[i], r->problem);
    }
    return err;
}

static int workers_fit(const struct renew *r)
{
    u32 all = 0;

    for (u32 i = 0; i < r->count; i++)
        if (is_there(r, i))
            all += r->next[i].settings.workers.most;
    return all <= SUPERVISOR_WORKERS_MAX
               ? 0
               : problem_set(r->problem,
                             "the apps ask for %u workers altogether; there may be %d: set "
                             "`workers` of some to less",
                             all, SUPERVISOR_WORKERS_MAX);
}

/* The first app that the file has; there is one. */
static u32 first_of(const struct renew *r)
{
    u32 i = 0;

    while (i < r->count && !is_there(r, i))
        i++;
    return i;
}

/* What is shared is read off the first app: when that is gone, it says what the others do. */
static int stand_in_make(struct renew *r)
{
    const struct settings *gone = &r->all->list[0].settings,
                          *other = &r->next[first_of(r)].settings;
    int err = settings_init(&r->stand_in);

    for (u32 i = 0; i < settings_row_count && !err; i++) {
        const struct settings_row *row = &settings_rows[i];
        const struct settings *from = settings_row_is_shared(row) ? other : gone;
        AUTO(buf_done) struct buf text = { 0 };

        if (settings_same(from, &r->stand_in, row))
            continue;
        settings_text(from, row, &text);
        err = text.failed ? -ENOMEM
                          : settings_set(&r->stand_in, row, buf_str(&text),
                                         settings_origin_of(from, row), r->problem);
    }
    return err;
}

/* What the proxy is to be told; apps that are gone keep their place in it. */
static int proxy_fit(struct renew *r)
{
    struct settings *settings[SHM_APPS_MAX];
    size_t len;
    int err = is_there(r, 0) ? 0 : stand_in_make(r);

    for (u32 i = 0; i < r->count; i++)
        settings[i] = is_there(r, i) ? &r->next[i].settings : &r->all->list[i].settings;
    if (!is_there(r, 0))
        settings[0] = &r->stand_in;
    if (!err)
        err = supervise_proxy_words(settings, r->count, &r->words);
    len = r->words.bytes.len;
    if (!err && len > WIRE_SETTINGS_MAX)
        err = problem_set(r->problem,
                          "all settings together are %zu bytes long, and the proxy of a running "
                          "fettle takes at most %d",
                          len, WIRE_SETTINGS_MAX);
    return err;
}

/* Opens what is new: the last thing that can fail. */
static int addresses_fit(struct renew *r)
{
    int err = supervise_routed(r->all, &r->next[first_of(r)].settings, &r->routed, &r->routed_n);

    return err ? err : r->news->listen(r->news, r->routed, r->routed_n, r->problem);
}

/* ---- taking ---- */

/* It outlives the renewal that brought it, as the watcher does. */
static void watch_take(struct start *s, struct app_conf *conf)
{
    const char *watch = renewal_watch(&s->renewal);

    buf_add(&s->watch, str_of(watch));
    buf_addc(&s->watch, 0);
    conf->watch = watch && !s->watch.failed ? s->watch.ptr : NULL;
}

static void new_take(struct renew *r, u32 i)
{
    struct start *s = &r->all->list[i];
    struct app_conf *conf = &r->all->conf[i];

    *conf = (struct app_conf){ 0 };
    renewal_take(&r->next[i], &s->renewal, &s->settings, conf);
    conf->is_side = renewal_is_side(&s->renewal);
    conf->is_hosts = renewal_is_hosts(&s->renewal);
    supervise_conf_fill(&s->settings, conf);
    watch_take(s, conf);
    if (renewal_user(&s->renewal, &s->user))
        conf->user = &s->user.user;
    strings_addf(r->news->notes, "%s: is new, and starts", conf->name);
    r->news->proxy = true;
}

static void known_take(struct renew *r, u32 i, bool shared)
{
    struct start *s = &r->all->list[i];
    struct app_conf *conf = &r->all->conf[i];

    r->news->proxy |= renewal_notes(&r->next[i], &s->settings, conf, shared, r->news->notes);
    renewal_take(&r->next[i], &s->renewal, &s->settings, conf);
    supervise_conf_fill(&s->settings, conf);
    /* Those of the start, which live on: the watcher and the log files look at them. */
    if (s->renewal.has_first) {
        conf->watch_ignore = s->renewal.first.watch_ignore.ptr;
        conf->log_file = s->renewal.first.log_file.ptr;
        conf->log_date_format = s->renewal.first.log_date_format.ptr;
        conf->pid_file = s->renewal.first.pid_file.ptr;
        conf->error_file = s->renewal.first.error_file.ptr;
    }
    if (conf->removed)
        strings_addf(r->news->notes, "%s: is back, and starts", conf->name);
    conf->removed = false;
}

static void gone_take(struct renew *r, u32 i)
{
    struct app_conf *conf = &r->all->conf[i];

    if (!conf->removed)
        strings_addf(r->news->notes,
                     "%s: is no longer there; what it has begun is finished, then it stops",
                     conf->name);
    conf->removed = true;
}

static void all_take(struct renew *r)
{
    struct starts *all = r->all;
    u32 first = first_of(r);

    for (u32 i = 0; i < r->count; i++) {
        if (is_new(r, i))
            new_take(r, i);
        else if (is_there(r, i))
            known_take(r, i, i == first);
        else
            gone_take(r, i);
    }
    all->count = all->supervisor.apps = r->count;
    free(all->routed);
    all->routed = TAKE(r->routed, NULL);
    all->routed_n = r->routed_n;
    all->supervisor.routed = all->routed;
    all->supervisor.routed_n = all->routed_n;
    all->supervisor.listeners = all->list[first].settings.listeners.ptr;
}

int renew_take(const struct supervisor_conf *conf, struct str text, struct supervisor_news *news,
               struct problem *p)
{
    struct starts *all = container_of(conf, struct starts, supervisor);
    AUTO(renew_freep) struct renew *r = calloc(1, sizeof(*r));
    int err;

    if (!r)
        return -ENOMEM;
    *r = (struct renew){ .all = all, .news = news, .problem = p, .count = all->count };
    err = all_read(r, text);
    if (!err && first_of(r) == r->count)
        err = problem_set(p, "there is no app any more");
    if (!err)
        err = all_fit(r);
    if (!err)
        err = workers_fit(r);
    if (!err)
        err = proxy_fit(r);
    if (!err)
        err = addresses_fit(r);
    if (err)
        return err;
    all_take(r);
    return supervise_proxy_take(all, &r->words);
}
