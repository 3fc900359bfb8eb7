/* upstream/endpoints.c -- a group of endpoints, and which of them gets a request */
#include "upstream/endpoints.h"

static u32 state_of(const struct upstream_endpoint *e)
{
    return atomic_load_explicit(&e->shm->state, memory_order_acquire);
}

static void state_set(struct upstream_endpoint *e, enum shm_endpoint_state state, u64 now_ns)
{
    atomic_store(&e->shm->changed_ns, now_ns);
    atomic_store_explicit(&e->shm->state, state, memory_order_release);
}

void endpoints_init(struct endpoints *g, struct shm_upstream *shm)
{
    *g = (struct endpoints){ .shm = shm };
    pthread_mutex_init(&g->lock, NULL);
    for (u32 i = 0; i < ENDPOINTS_MAX; i++) {
        struct shm_endpoint *e = &shm->endpoint[i];

        g->of[i].shm = e;
        if (atomic_load(&e->state) == SHM_ENDPOINT_NONE)
            continue; /* it has no memory yet, and needs none */
        atomic_store(&e->state, SHM_ENDPOINT_NONE);
        atomic_store(&e->in_flight, 0);
        atomic_store(&e->connections, 0);
        atomic_store(&e->in_a_row, 0);
    }
}

void endpoints_done(struct endpoints *g)
{
    pthread_mutex_destroy(&g->lock);
}

/* ---- who is in it ---- */

static bool same_text(const char *have, u32 have_len, struct str text)
{
    return have_len == text.len && (text.len == 0 || memcmp(have, text.ptr, text.len) == 0);
}

static u32 text_put(char *out, u32 room, struct str text)
{
    u32 len = (u32)min(text.len, (size_t)room);

    if (len)
        memcpy(out, text.ptr, len);
    return len;
}

/* The same address twice is one endpoint of each item that leads to it; in another zone it is
 * another endpoint. */
static struct upstream_endpoint *find(struct endpoints *g, u32 item,
                                      const struct endpoints_target *to)
{
    for (u32 i = 0; i < atomic_load(&g->n); i++) {
        struct upstream_endpoint *e = &g->of[i];

        if (state_of(e) != SHM_ENDPOINT_NONE && e->item == item &&
            memcmp(&e->addr, &to->addr, sizeof(e->addr)) == 0 &&
            same_text(e->shm->zone, e->shm->zone_len, str_sub(to->zone, 0, SHM_ENDPOINT_ZONE_MAX)))
            return e;
    }
    return NULL;
}

static bool is_free(struct upstream_endpoint *e, u64 now_ns)
{
    u32 state = state_of(e);

    return state == SHM_ENDPOINT_NONE ||
           (state == SHM_ENDPOINT_LEAVING && now_ns >= e->left_ns + ENDPOINTS_REST_NS &&
            atomic_load(&e->shm->in_flight) == 0 && atomic_load(&e->shm->connections) == 0);
}

/* A place that had this address before, so that its counters go on; else one that nobody has
 * counted at; else any. */
static struct upstream_endpoint *place_find(struct endpoints *g, struct str text, u64 now_ns)
{
    struct upstream_endpoint *found = NULL;

    for (u32 i = 0; i < ENDPOINTS_MAX; i++) {
        struct upstream_endpoint *e = &g->of[i];

        if (!is_free(e, now_ns))
            continue;
        if (same_text(e->shm->text, min(e->shm->text_len, (u32)SHM_ENDPOINT_TEXT_MAX), text))
            return e;
        if (!found || (found->shm->text_len && !e->shm->text_len))
            found = e;
    }
    return found;
}

static void join(struct endpoints *g, struct upstream_endpoint *e, u32 item,
                 const struct endpoints_target *to, u64 now_ns)
{
    struct shm_endpoint *shm = e->shm;
    char text[ADDR_TEXT_MAX];
    struct str address = addr_text(&to->addr, text);

    state_set(e, SHM_ENDPOINT_NONE, now_ns);
    if (!same_text(shm->text, shm->text_len, address))
        *shm = (struct shm_endpoint){ 0 };
    shm->text_len = text_put(shm->text, SHM_ENDPOINT_TEXT_MAX, address);
    shm->name_len = text_put(shm->name, SHM_ENDPOINT_NAME_MAX, to->name);
    shm->zone_len = text_put(shm->zone, SHM_ENDPOINT_ZONE_MAX, to->zone);
    e->addr = to->addr;
    e->item = item;
    e->epoch++;
    e->joined_ns = now_ns;
    state_set(e, SHM_ENDPOINT_UP, now_ns);
    atomic_store(&g->n, max(atomic_load(&g->n), endpoints_index(g, e) + 1));
}

static void leave(struct upstream_endpoint *e, u64 now_ns)
{
    if (state_of(e) == SHM_ENDPOINT_LEAVING)
        return;
    e->left_ns = now_ns;
    state_set(e, SHM_ENDPOINT_LEAVING, now_ns);
}

/* False: there is no place for it. */
static bool put(struct endpoints *g, u32 item, const struct endpoints_target *to, u64 *stay,
                u64 now_ns)
{
    struct upstream_endpoint *e = find(g, item, to);
    char text[ADDR_TEXT_MAX];

    if (e && state_of(e) == SHM_ENDPOINT_LEAVING) {
        e->joined_ns = now_ns;
        state_set(e, SHM_ENDPOINT_UP, now_ns);
    }
    if (!e) {
        e = place_find(g, addr_text(&to->addr, text), now_ns);
        if (!e)
            return false;
        join(g, e, item, to, now_ns);
    }
    atomic_store(&e->shm->weight, max(to->weight, 1u));
    atomic_store(&e->shm->priority, to->priority);
    *stay |= 1ull << endpoints_index(g, e);
    return true;
}

int endpoints_put(struct endpoints *g, u32 item, const struct endpoints_target *to, u32 n,
                  u64 now_ns)
{
    u64 stay = 0;
    int err = 0;

    pthread_mutex_lock(&g->lock);
    for (u32 i = 0; i < n; i++)
        if (!put(g, item, &to[i], &stay, now_ns))
            err = -ENOSPC;
    for (u32 i = 0; i < atomic_load(&g->n); i++) {
        struct upstream_endpoint *e = &g->of[i];

        if (e->item == item && !(stay >> i & 1) && state_of(e) != SHM_ENDPOINT_NONE)
            leave(e, now_ns);
    }
    pthread_mutex_unlock(&g->lock);
    return err;
}

static bool is_among(const u32 *items, u32 n, u32 item)
{
    for (u32 i = 0; i < n; i++)
        if (items[i] == item)
            return true;
    return false;
}

void endpoints_keep(struct endpoints *g, const u32 *items, u32 n, u64 now_ns)
{
    pthread_mutex_lock(&g->lock);
    for (u32 i = 0; i < atomic_load(&g->n); i++)
        if (state_of(&g->of[i]) != SHM_ENDPOINT_NONE && !is_among(items, n, g->of[i].item))
            leave(&g->of[i], now_ns);
    pthread_mutex_unlock(&g->lock);
}

/* ---- who gets a request ---- */

/* Whether a is better than b: less in flight for its weight. */
static bool is_better(const struct shm_endpoint *a, const struct shm_endpoint *b)
{
    u64 of_a = (u64)(atomic_load(&a->in_flight) + 1) * atomic_load(&b->weight);
    u64 of_b = (u64)(atomic_load(&b->in_flight) + 1) * atomic_load(&a->weight);

    return of_a < of_b;
}

static struct upstream_endpoint *best(struct endpoints *g, const struct endpoints_want *want,
                                      u64 tried)
{
    u32 n = atomic_load_explicit(&g->n, memory_order_acquire);
    struct upstream_endpoint *found = NULL;

    for (u32 i = 0; i < n; i++) {
        u32 at = (u32)((i + want->random) % n);
        struct upstream_endpoint *e = &g->of[at];

        if (state_of(e) != SHM_ENDPOINT_UP || tried >> at & 1)
            continue;
        if (!found || atomic_load(&e->shm->priority) < atomic_load(&found->shm->priority) ||
            (atomic_load(&e->shm->priority) == atomic_load(&found->shm->priority) &&
             is_better(e->shm, found->shm)))
            found = e;
    }
    return found;
}

bool endpoints_choose(struct endpoints *g, const struct endpoints_want *want,
                      struct endpoints_call *call)
{
    struct upstream_endpoint *e = best(g, want, want->tried);

    if (!e && want->tried)
        e = best(g, want, 0);
    if (!e) {
        atomic_fetch_add_explicit(&g->shm->none, 1, memory_order_relaxed);
        return false;
    }
    atomic_fetch_add(&e->shm->in_flight, 1);
    *call = (struct endpoints_call){ e, want->now_ns };
    return true;
}

enum endpoints_change endpoints_ended(struct endpoints *g, struct endpoints_call *call,
                                      const struct endpoints_rules *rules,
                                      enum shm_endpoint_result result, u64 first_byte_ns,
                                      u64 now_ns)
{
    struct upstream_endpoint *e = TAKE(call->to, NULL);

    (void)g, (void)rules, (void)first_byte_ns, (void)now_ns;
    if (!e)
        return ENDPOINTS_SAME;
    atomic_fetch_sub(&e->shm->in_flight, 1);
    atomic_fetch_add_explicit(&e->shm->results[result], 1, memory_order_relaxed);
    return ENDPOINTS_SAME;
}
