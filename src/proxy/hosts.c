/* proxy/hosts.c -- the groups of endpoints that the settings name */
#include "proxy/hosts.h"

#include "base/log.h"
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
    u32 ids[UPSTREAMS_MAX];

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
        ids[i] = item->id;
    }
    if (!err)
        endpoints_keep(&g->endpoints, ids, g->list.n, now_ns);
    return err;
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
        atomic_store(&g->endpoints.shm->active, list.len > 0);
        if (err)
            log_error("the upstream %.*s: %s", STR_ARG(str_sub(list, 0, 200)),
                      err == -ENOSPC ? "it has more endpoints than there is room for"
                                     : strerror(-err));
    }
}
