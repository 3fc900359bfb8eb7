/* upstream/endpoints.c -- a group of endpoints, and which of them gets a request */
#include "upstream/endpoints.h"

#include "base/hash.h"
#include "upstream/choose.h"
#include "upstream/endpoint_health.h"
#include "upstream/peak_ewma.h"

/* What a host has said of its loops longer ago says nothing. */
#define LOAD_KEPT_NS (5 * NS_PER_S)

static_assert((int)ENDPOINTS_MAX <= (int)CHOOSE_MAX, "all can be chosen from");

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

/* Nobody is here yet: who comes now has no others whose load it would only slowly take over. */
static bool is_first(struct endpoints *g)
{
    for (u32 i = 0; i < atomic_load(&g->n); i++)
        if (state_of(&g->of[i]) != SHM_ENDPOINT_NONE && state_of(&g->of[i]) != SHM_ENDPOINT_LEAVING)
            return false;
    return true;
}

static u64 address_id(const struct addr *a)
{
    /* No stranger chooses them, and sticky requests go to the same one after a restart. */
    static const struct hash_key same_always = { 0x66657474, 0x6c65 };

    return hash_str(&same_always, str_make((const char *)a, sizeof(*a)));
}

static void join(struct endpoints *g, struct upstream_endpoint *e, u32 item,
                 const struct endpoints_target *to, u64 since_ns, u64 now_ns)
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
    e->id = address_id(&to->addr);
    e->item = item;
    e->epoch++;
    endpoint_health_begin(e, since_ns);
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
                u64 since_ns, u64 now_ns)
{
    struct upstream_endpoint *e = find(g, item, to);
    char text[ADDR_TEXT_MAX];

    if (e && state_of(e) == SHM_ENDPOINT_LEAVING) {
        endpoint_health_begin(e, since_ns);
        state_set(e, SHM_ENDPOINT_UP, now_ns);
    }
    if (!e) {
        e = place_find(g, addr_text(&to->addr, text), now_ns);
        if (!e)
            return false;
        join(g, e, item, to, since_ns, now_ns);
    }
    atomic_store(&e->shm->weight, max(to->weight, 1u));
    atomic_store(&e->shm->priority, to->priority);
    *stay |= 1ull << endpoints_index(g, e);
    return true;
}

int endpoints_put(struct endpoints *g, u32 item, const struct endpoints_target *to, u32 n,
                  u64 now_ns)
{
    u64 stay = 0, since_ns;
    int err = 0;

    pthread_mutex_lock(&g->lock);
    if (is_first(g))
        g->began_ns = now_ns;
    since_ns = now_ns < g->began_ns + ENDPOINTS_BEGIN_NS ? 0 : now_ns;
    for (u32 i = 0; i < n; i++)
        if (!put(g, item, &to[i], &stay, since_ns, now_ns))
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

/* Of its loops that wait, those that have been given nothing since it said so. */
static u32 idle_of(const struct shm_endpoint *shm, u64 now_ns)
{
    u64 seen_ns = atomic_load_explicit(&shm->load_seen_ns, memory_order_relaxed);
    struct load_report load;
    u32 given;

    if (seen_ns == 0 || now_ns > seen_ns + LOAD_KEPT_NS ||
        !load_report_unpack(atomic_load_explicit(&shm->load, memory_order_relaxed), &load))
        return CHOOSE_IDLE_UNKNOWN;
    given = atomic_load_explicit(&shm->load_given, memory_order_relaxed);
    return load.idle > given ? load.idle - given : 0;
}

/* False: it is not there. */
static bool view(const struct upstream_endpoint *e, const struct endpoints_rules *rules, u64 now_ns,
                 struct choose_endpoint *out)
{
    const struct shm_endpoint *shm = e->shm;
    u32 state = state_of(e);

    if (state != SHM_ENDPOINT_UP && state != SHM_ENDPOINT_EJECTED && state != SHM_ENDPOINT_DOWN)
        return false;
    *out = (struct choose_endpoint){
        .id = e->id,
        .weight = atomic_load_explicit(&shm->weight, memory_order_relaxed),
        .priority = atomic_load_explicit(&shm->priority, memory_order_relaxed),
        .ramp = choose_ramp(atomic_load_explicit(&shm->up_since_ns, memory_order_relaxed),
                            rules->slow_start_ns, now_ns),
        .in_flight = atomic_load_explicit(&shm->in_flight, memory_order_relaxed),
        .idle = idle_of(shm, now_ns),
        .latency_ns = atomic_load_explicit(&shm->latency_ns, memory_order_relaxed),
        .latency_at_ns = atomic_load_explicit(&shm->latency_seen_ns, memory_order_relaxed),
        .far = rules->zone.len &&
               !same_text(shm->zone, shm->zone_len, str_sub(rules->zone, 0, SHM_ENDPOINT_ZONE_MAX)),
        .down = state != SHM_ENDPOINT_UP,
    };
    return true;
}

bool endpoints_choose(struct endpoints *g, const struct endpoints_want *want,
                      struct endpoints_call *call)
{
    u32 places = atomic_load_explicit(&g->n, memory_order_acquire), n = 0;
    struct choose_rules rules = { .panic = want->rules->panic, .key = want->key };
    struct choose_endpoint of[ENDPOINTS_MAX];
    struct random random = { want->random };
    struct choose_found found;
    u8 place[ENDPOINTS_MAX];

    for (u32 i = 0; i < places; i++) {
        if (!view(&g->of[i], want->rules, want->now_ns, &of[n]))
            continue;
        of[n].tried = want->tried >> i & 1;
        place[n++] = (u8)i;
    }
    if (choose(of, n, &rules, want->now_ns, &random, &found) != CHOOSE_FOUND) {
        atomic_fetch_add_explicit(&g->shm->none, 1, memory_order_relaxed);
        return false;
    }
    *call = (struct endpoints_call){ &g->of[place[found.index]], want->now_ns };
    atomic_fetch_add(&call->to->shm->in_flight, 1);
    atomic_fetch_add_explicit(&call->to->shm->load_given, 1, memory_order_relaxed);
    if (found.panic)
        atomic_fetch_add_explicit(&g->shm->panics, 1, memory_order_relaxed);
    if (found.spilled)
        atomic_fetch_add_explicit(&g->shm->spilled, 1, memory_order_relaxed);
    return true;
}

enum endpoints_change endpoints_ended(struct endpoints *g, struct endpoints_call *call,
                                      const struct endpoints_rules *rules,
                                      enum shm_endpoint_result result, u64 first_byte_ns,
                                      u64 now_ns)
{
    struct upstream_endpoint *e = TAKE(call->to, NULL);

    if (!e)
        return ENDPOINTS_SAME;
    atomic_fetch_sub(&e->shm->in_flight, 1);
    atomic_fetch_add_explicit(&e->shm->results[result], 1, memory_order_relaxed);
    /* How fast it fails says nothing of how fast it works. */
    if (result == SHM_ENDPOINT_OK && first_byte_ns)
        peak_ewma_observe(&e->shm->latency_ns, &e->shm->latency_seen_ns, first_byte_ns, now_ns);
    return endpoint_health_result(g, e, rules, result, now_ns);
}

void endpoints_reported(struct upstream_endpoint *e, const struct load_report *report, u64 now_ns)
{
    atomic_store_explicit(&e->shm->load, load_report_pack(report), memory_order_relaxed);
    atomic_store_explicit(&e->shm->load_given, 0, memory_order_relaxed);
    atomic_store_explicit(&e->shm->load_seen_ns, max(now_ns, (u64)1), memory_order_relaxed);
}
