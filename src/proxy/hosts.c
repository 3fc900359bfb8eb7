/* proxy/hosts.c -- the groups of endpoints that the settings name */
#include "proxy/hosts.h"

#include "base/log.h"
#include "proxy/lookup.h"
#include "proxy/probe.h"
#include "proxy/thread.h"

static bool is_it(const struct shm_upstream *s, u32 app, struct str place)
{
    return s->app == app &&
           str_eq(str_make(s->place, min(s->place_len, (u32)SHM_UPSTREAM_PLACE_MAX)), place);
}

static struct host_group *group_new(struct shm_upstream *shm)
{
    struct host_group *g = calloc(1, sizeof(*g));

    if (g)
        endpoints_init(&g->endpoints, shm);
    return g;
}

struct host_group *hosts_find(struct proxy *p, u32 app, struct str place)
{
    struct str name = str_sub(place, 0, SHM_UPSTREAM_PLACE_MAX);

    for (u32 i = 0; i < SHM_UPSTREAMS_MAX; i++) {
        struct shm_upstream *s = &p->shm->upstream[i];

        if (!atomic_load(&s->used)) {
            s->app = app;
            s->place_len = (u32)name.len;
            if (name.len)
                memcpy(s->place, name.ptr, name.len);
            atomic_store(&s->used, 1);
        }
        if (!is_it(s, app, name))
            continue;
        if (!p->groups[i])
            p->groups[i] = group_new(s);
        return p->groups[i];
    }
    log_warn("%.*s has no upstream of its own: there are %d others, which is the most",
             STR_ARG(name), SHM_UPSTREAMS_MAX);
    return NULL;
}

struct str hosts_name(const struct proxy *p, const struct host_group *g, struct buf *out)
{
    const struct shm_upstream *s = g->endpoints.shm;
    const char *app = p->shm->app[s->app % SHM_APPS_MAX].name;

    buf_add(out, str_make(app, strnlen(app, SHM_NAME_MAX)));
    if (s->place_len)
        buf_addc(out, ' ');
    buf_add(out, str_make(s->place, min(s->place_len, (u32)SHM_UPSTREAM_PLACE_MAX)));
    return buf_str(out);
}

/* ---- lists ---- */

/* The list is another one: what is an address joins at once. */
static int list_take(struct host_group *g, struct str text, u64 now_ns)
{
    struct problem problem = { 0 };
    char *copy = str_dup(text);
    int err = copy ? upstreams_parse(&g->list, str_of(copy), &problem) : -ENOMEM;

    if (err) { /* the table of settings has checked it */
        free(copy);
        g->list = (struct upstreams){ 0 };
        return err;
    }
    free(g->text);
    g->text = copy;
    for (u32 i = 0; i < g->list.n && !err; i++) {
        const struct upstreams_item *item = &g->list.item[i];
        struct endpoints_target to = { .addr = item->addr,
                                       .weight = item->weight,
                                       .priority = item->backup,
                                       .name = item->text,
                                       .zone = item->zone };

        if (item->kind == UPSTREAMS_ADDRESS)
            err = endpoints_put(&g->endpoints, item->id, &to, 1, now_ns);
    }
    return err;
}

void hosts_keep(struct host_group *g, u64 now_ns)
{
    u32 ids[UPSTREAMS_MAX];

    for (u32 i = 0; i < g->list.n; i++)
        ids[i] = g->list.item[i].id;
    endpoints_keep(&g->endpoints, ids, g->list.n, now_ns);
}

static struct str list_of(const struct ruleset *rules, const struct host_group *g)
{
    for (const struct ruleset_upstream *u = rules->upstreams; u; u = u->next)
        if (u->group == g)
            return u->list;
    return (struct str){ 0 };
}

void hosts_apply(struct proxy *p, const struct ruleset *rules, u64 now_ns)
{
    for (u32 i = 0; i < SHM_UPSTREAMS_MAX; i++) {
        struct host_group *g = p->groups[i];
        struct str list = g ? list_of(rules, g) : (struct str){ 0 };
        int err;

        if (!g || (g->text && str_eq(str_of(g->text), list)))
            continue;
        err = list_take(g, list, now_ns);
        lookup_set(&p->threads[0], g);
        atomic_store(&g->endpoints.shm->active, list.len > 0);
        if (err)
            log_error("the upstream %.*s: %s", STR_ARG(str_sub(list, 0, 200)),
                      err == -ENOSPC ? "it has more endpoints than there is room for"
                                     : strerror(-err));
    }
}

bool hosts_awaited(const struct proxy *p)
{
    for (u32 i = 0; i < SHM_UPSTREAMS_MAX; i++)
        if (p->groups[i] && lookup_awaited(p->groups[i]))
            return true;
    return false;
}

void hosts_look(struct proxy *p, u64 now_ns)
{
    lookup_look(&p->threads[0], now_ns);
    probe_look(&p->threads[0], now_ns);
}

/* ---- the log ---- */

/* What the newest probe has found. */
static void probed_text(const struct shm_endpoint *e, struct buf *out)
{
    static const char *const said[SHM_PROBE_RESULTS] = {
        [SHM_PROBE_OK] = "it is well",           [SHM_PROBE_CONNECT] = "no connection",
        [SHM_PROBE_RESET] = "no answer of HTTP", [SHM_PROBE_TIMEOUT] = "no answer in time",
        [SHM_PROBE_STATUS] = "status ",
    };
    u32 result = min(atomic_load(&e->probed), (u32)SHM_PROBE_STATUS);

    buf_add(out, str_of(said[result]));
    if (result == SHM_PROBE_STATUS)
        buf_addf(out, "%u", atomic_load(&e->probed_status));
}

void hosts_change_log(const struct proxy *p, const struct host_group *g,
                      const struct upstream_endpoint *e, enum endpoints_change change, u64 now_ns)
{
    AUTO(buf_done) struct buf name = { 0 };
    AUTO(buf_done) struct buf why = { 0 };
    u64 until_ns = atomic_load(&e->shm->until_ns);
    char text[ADDR_TEXT_MAX];
    struct str group, address;

    if (change == ENDPOINTS_SAME)
        return;
    group = hosts_name(p, g, &name);
    address = addr_text(&e->addr, text);
    switch (change) {
    case ENDPOINTS_SAME:
        return;
    case ENDPOINTS_EJECTED:
        log_warn("upstream %.*s: %.*s %s and gets nothing for %.1f s", STR_ARG(group),
                 STR_ARG(address),
                 atomic_load(&e->shm->reason) == SHM_ENDPOINT_OUTLIER
                     ? "fails more often than the others"
                     : "has failed too often",
                 until_ns > now_ns ? (double)(until_ns - now_ns) / NS_PER_S : 0);
        return;
    case ENDPOINTS_RETURNED:
        log_info("upstream %.*s: %.*s gets requests again", STR_ARG(group), STR_ARG(address));
        return;
    case ENDPOINTS_DOWN:
        probed_text(e->shm, &why);
        log_warn("upstream %.*s: %.*s is down: health check: %.*s", STR_ARG(group),
                 STR_ARG(address), STR_ARG(buf_str(&why)));
        return;
    case ENDPOINTS_UP:
        log_info("upstream %.*s: %.*s is up again", STR_ARG(group), STR_ARG(address));
        return;
    }
}
