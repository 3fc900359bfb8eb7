/* proxy/lookup.c -- the names in the lists of hosts, and what DNS says of them */
#include "proxy/lookup.h"

#include "base/log.h"
#include "base/random.h"
#include "io/resolver.h"
#include "proxy/thread.h"
#include "upstream/lease.h"

/* SRV has priorities of 16 bits; those marked as backup come behind all of them. */
enum { PRIORITY_BACKUP = 1 << 16 };

static_assert((int)RESOLVER_TARGETS_MAX <= (int)ENDPOINTS_MAX, "an answer fits a group");

/* One name of a list. */
struct lookup {
    struct lookup *next;
    struct thread *thread;
    struct host_group *group;
    u32 item; /* upstreams_item.id */
    struct resolver_query query;
    struct lease lease;
    u32 found; /* addresses, of the last good answer */
};

static u64 chance(struct thread *t)
{
    struct random r = { .state = t->id_key ^ t->id_next++ };

    return random_u64(&r);
}

bool lookup_awaited(const struct host_group *g)
{
    for (const struct lookup *l = g->lookups; l; l = l->next)
        if (l->lease.good_ns == 0 && l->lease.failures == 0)
            return true;
    return false;
}

static const struct upstreams_item *item_of(const struct lookup *l)
{
    for (u32 i = 0; i < l->group->list.n; i++)
        if (l->group->list.item[i].id == l->item)
            return &l->group->list.item[i];
    return NULL;
}

/* ---- answers ---- */

/* What came is put into the group; how many are of use. */
static u32 targets_put(struct lookup *l, const struct resolver_answer *a, u64 now_ns)
{
    const struct upstreams_item *item = item_of(l);
    struct endpoints_target to[RESOLVER_TARGETS_MAX];
    u32 n = 0;

    if (!item)
        return 0;
    for (u32 i = 0; i < a->n; i++) {
        const struct resolver_target *t = &a->target[i];

        if (addr_is_any(&t->addr) || t->addr.port == 0) /* would be this machine, or nobody */
            continue;
        to[n++] = (struct endpoints_target){
            .addr = t->addr,
            .weight = (u32)min((u64)t->weight * item->weight, (u64)UPSTREAMS_WEIGHT_MAX),
            .priority = t->priority + (item->backup ? PRIORITY_BACKUP : 0),
            .name = item->text,
            .zone = item->zone,
        };
    }
    if (n && endpoints_put(&l->group->endpoints, l->item, to, n, now_ns) < 0)
        log_warn("upstream: %s leads to more addresses than there is room for", l->query.name);
    return n;
}

static void good(struct lookup *l, const struct resolver_answer *a, u32 n, u64 now_ns)
{
    AUTO(buf_done) struct buf name = { 0 };
    bool again = lease_good(&l->lease, a->ttl_ns, chance(l->thread), now_ns);

    if (again || l->found != n)
        log_info("upstream %.*s: %s leads to %u address%s",
                 STR_ARG(hosts_name(l->thread->proxy, l->group, &name)), l->query.name, n,
                 n == 1 ? "" : "es");
    if (a->left_out)
        log_warn("upstream: %s has %u more addresses or hosts than are looked at", l->query.name,
                 a->left_out);
    l->found = n;
}

static void bad(struct lookup *l, const char *why, u64 now_ns)
{
    AUTO(buf_done) struct buf name = { 0 };
    struct str group = hosts_name(l->thread->proxy, l->group, &name);

    if (!lease_bad(&l->lease, chance(l->thread), now_ns))
        return;
    if (l->found)
        log_warn("upstream %.*s: %s: %s; its %u address%s of before go on", STR_ARG(group),
                 l->query.name, why, l->found, l->found == 1 ? "" : "es");
    else
        log_error("upstream %.*s: %s: %s; it has no endpoints, and is asked for again",
                  STR_ARG(group), l->query.name, why);
}

static void answered(struct lookup *l, const struct resolver_answer *a)
{
    struct shm_upstream *shm = l->group->endpoints.shm;
    u64 now_ns = clock_now_ns();
    u32 n = a->status == RESOLVER_OK ? targets_put(l, a, now_ns) : 0;

    if (n) {
        good(l, a, n, now_ns);
        COUNT(shm->lookups_good, 1);
    } else {
        bad(l, a->why[0] ? a->why : "none of its addresses is one to connect to", now_ns);
        COUNT(shm->lookups_bad, 1);
    }
    if (!lookup_awaited(l->group))
        hosts_keep(l->group, now_ns);
}

static void on_answer(struct resolver_query *q, const struct resolver_answer *a)
{
    answered(container_of(q, struct lookup, query), a);
}

/* ---- names ---- */

static struct lookup *lookup_new(struct thread *t, struct host_group *g,
                                 const struct upstreams_item *item)
{
    struct lookup *l = calloc(1, sizeof(*l));

    if (!l)
        return NULL;
    l->thread = t;
    l->group = g;
    l->item = item->id;
    l->query.kind = item->kind == UPSTREAMS_SERVICE ? RESOLVER_SERVICE : RESOLVER_ADDRESSES;
    l->query.port = item->port;
    str_to_cstr(item->name, l->query.name, sizeof(l->query.name));
    return l;
}

static struct lookup *take_out(struct lookup **list, u32 item)
{
    for (struct lookup **at = list; *at; at = &(*at)->next)
        if ((*at)->item == item) {
            struct lookup *found = *at;

            *at = found->next;
            return found;
        }
    return NULL;
}

void lookup_set(struct thread *t, struct host_group *g)
{
    struct lookup *had = TAKE(g->lookups, NULL);

    for (u32 i = 0; i < g->list.n; i++) {
        const struct upstreams_item *item = &g->list.item[i];
        struct lookup *l;

        if (item->kind == UPSTREAMS_ADDRESS)
            continue;
        l = take_out(&had, item->id);
        if (!l)
            l = lookup_new(t, g, item);
        if (!l)
            continue;        /* out of memory: the next reload has it */
        l->lease.ask_ns = 0; /* what is said of it may be other: weight, zone */
        l->next = g->lookups;
        g->lookups = l;
    }
    for (struct lookup *next; had; had = next) {
        next = had->next;
        resolver_forget(&had->query);
        free(had);
    }
    if (!lookup_awaited(g))
        hosts_keep(g, clock_now_ns());
    lookup_look(t, clock_now_ns());
}

/* ---- asking ---- */

/* The one for the servers that the settings name now; NULL, and all that is due has failed. */
static struct resolver *resolver_for(struct proxy *p, struct thread *t, struct problem *problem)
{
    struct str servers = proxy_settings(p)->resolver;
    int err;

    if (p->resolver && str_eq(servers, str_of(p->resolver_servers)))
        return p->resolver;
    resolver_free(TAKE(p->resolver, NULL));
    free(TAKE(p->resolver_servers, NULL));
    p->resolver_servers = str_dup(servers);
    err = p->resolver_servers ? resolver_new(&p->resolver, t->loop, p->resolver_servers, problem)
                              : -ENOMEM;
    if (err < 0) {
        if (err == -ENOMEM)
            problem_set(problem, "%s", strerror(ENOMEM));
        return NULL;
    }
    return p->resolver;
}

static void ask(struct lookup *l, u64 now_ns)
{
    struct problem problem = { 0 };
    struct resolver *r = resolver_for(l->thread->proxy, l->thread, &problem);

    if (r) {
        resolver_ask(r, &l->query, on_answer);
        return;
    }
    bad(l, problem.text, now_ns);
    COUNT(l->group->endpoints.shm->lookups_bad, 1);
    if (!lookup_awaited(l->group))
        hosts_keep(l->group, now_ns);
}

void lookup_look(struct thread *t, u64 now_ns)
{
    for (u32 i = 0; i < SHM_UPSTREAMS_MAX; i++) {
        struct host_group *g = t->proxy->groups[i];
        u32 stale = 0;

        for (struct lookup *l = g ? g->lookups : NULL; l; l = l->next) {
            if (!l->query.run && now_ns >= l->lease.ask_ns)
                ask(l, now_ns);
            stale += l->lease.failures && lease_is_stale(&l->lease, now_ns);
        }
        if (g)
            atomic_store_explicit(&g->endpoints.shm->lookups_stale, stale, memory_order_relaxed);
    }
}
