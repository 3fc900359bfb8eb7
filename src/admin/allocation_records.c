/* admin/allocation_records.c -- what requests have allocated, as the agents measure it */
#include "admin/allocation_records.h"

#include "balance/kind.h"
#include "shm/allocated.h"

/* Of one request that is believed: more than any heap has. */
#define BYTES_MAX (64ull << 30)

struct key {
    u32 app;
    struct str method, route;
    bool is_path;
};

/* Where too many names stand in one place of a path, the proxy counts them as "*". */
static bool is_of(const struct shm_series *s, const struct key *k)
{
    struct str route = str_make(s->route, min((size_t)s->route_len, sizeof(s->route)));

    if (atomic_load_explicit(&s->state, memory_order_acquire) != 2 || s->app != k->app ||
        !s->is_path != !k->is_path ||
        !str_eq(str_make(s->method, strnlen(s->method, sizeof(s->method))), k->method))
        return false;
    return str_eq(route, str_sub(k->route, 0, SHM_ROUTE_MAX)) ||
           (s->is_path && kind_route_matches(route, k->route));
}

static struct shm_series *find(struct shm *shm, const struct key *k)
{
    for (u32 i = 1; i < SHM_SERIES_MAX; i++)
        if (is_of(&shm->series[i], k))
            return &shm->series[i];
    return NULL;
}

void allocation_records_take(const struct journals_into *into, const struct journals_from *from,
                             const void *payload, u32 len)
{
    char path[KIND_SHAPE_MAX];
    struct shm_allocated head;
    struct shm_series *s;
    struct str texts;
    struct key k;

    if (len < sizeof(head))
        return;
    memcpy(&head, payload, sizeof(head));
    texts = str_make((const char *)payload + sizeof(head), len - sizeof(head));
    if (head.method_len > SHM_ALLOCATED_METHOD_MAX || head.method_len > texts.len ||
        head.route_len != texts.len - head.method_len || head.route_len > SHM_ALLOCATED_ROUTE_MAX ||
        head.requests == 0 || head.requests > 10000 || head.bytes / head.requests > BYTES_MAX)
        return;
    k = (struct key){ .app = from->app,
                      .method = str_sub(texts, 0, head.method_len),
                      .route = str_sub(texts, head.method_len, head.route_len),
                      .is_path = head.is_path };
    if (k.is_path)
        k.route = kind_path(k.route, path);
    s = find(into->shm, &k);
    if (!s)
        return;
    atomic_fetch_add(&s->measured, head.requests);
    atomic_fetch_add(&s->allocated_bytes, head.bytes);
}
