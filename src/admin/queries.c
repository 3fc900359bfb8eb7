/* admin/queries.c -- what requests ask of databases and other servers, by route */
#include "admin/queries.h"

#include "base/hash.h"
#include "metrics/histogram.h"

/* How many executions the recent ones are, before they count half. */
enum { RECENT_MAX = 2048 };

/* clang-format off */
#define LE(i) (u64)((i) % 2 ? 14142 : 10000) << (i) / 2
const u64 queries_le_ns[SHM_CALL_BUCKETS - 1] = {
    LE(0), LE(1), LE(2), LE(3), LE(4), LE(5), LE(6), LE(7), LE(8), LE(9), LE(10), LE(11), LE(12), LE(13), LE(14),
    LE(15), LE(16), LE(17), LE(18), LE(19), LE(20), LE(21), LE(22), LE(23), LE(24), LE(25), LE(26), LE(27), LE(28),
    LE(29), LE(30), LE(31), LE(32), LE(33), LE(34), LE(35), LE(36), LE(37), LE(38), LE(39), LE(40), LE(41), LE(42),
};
/* clang-format on */

struct queries {
    struct hash_key key;
    struct queries_route route[QUERIES_ROUTES_MAX];
    struct queries_statement statement[QUERIES_STATEMENTS_MAX];
};

int queries_new(struct queries **out)
{
    struct queries *q = calloc(1, sizeof(*q));

    if (!q)
        return -ENOMEM;
    hash_key_random(&q->key);
    *out = q;
    return 0;
}

void queries_free(struct queries *q)
{
    if (!q)
        return;
    for (u32 i = 0; i < QUERIES_STATEMENTS_MAX; i++)
        free(q->statement[i].statement);
    free(q);
}

/* The next `len` bytes; false: there are not so many, or too many for what it is. */
static bool text_take(struct str *rest, u32 len, u32 most, struct str *out)
{
    if (len > rest->len || len > most)
        return false;
    *out = str_sub(*rest, 0, len);
    *rest = str_sub(*rest, len, rest->len - len);
    return true;
}

static u64 set_of(const struct queries *q, u32 app, struct str route, u64 hash, u32 places)
{
    return (hash_str(&q->key, route) ^ (hash + app) * 0x9e3779b97f4a7c15ull) %
           (places / QUERIES_WAYS) * QUERIES_WAYS;
}

static struct queries_route *route_find(const struct queries *q, u32 app, struct str route,
                                        struct queries_route **oldest)
{
    u64 at = set_of(q, app, route, 0, QUERIES_ROUTES_MAX);
    struct queries_route *set = (struct queries_route *)&q->route[at];

    *oldest = set;
    for (u32 i = 0; i < QUERIES_WAYS; i++) {
        if (set[i].app == app && str_eq(str_of(set[i].route), route))
            return &set[i];
        if (set[i].used_ns < (*oldest)->used_ns)
            *oldest = &set[i];
    }
    return NULL;
}

const struct queries_route *queries_route_find(const struct queries *q, u32 app, struct str route)
{
    struct queries_route *oldest;

    return route.len ? route_find(q, app, str_sub(route, 0, SHM_CALL_ROUTE_MAX), &oldest) : NULL;
}

bool queries_route_add(struct queries *q, u32 app, u64 now_ns, const void *payload, u32 len)
{
    struct shm_calls_route r;
    struct queries_route *to, *oldest;
    struct str rest, route;

    if (len < sizeof(r))
        return false;
    memcpy(&r, payload, sizeof(r));
    rest = str_make((const char *)payload + sizeof(r), len - sizeof(r));
    if (!text_take(&rest, r.route_len, SHM_CALL_ROUTE_MAX, &route) || route.len == 0 ||
        memchr(route.ptr, 0, route.len))
        return false;
    to = route_find(q, app, route, &oldest);
    if (!to) {
        to = oldest;
        *to = (struct queries_route){ .app = app };
        str_to_cstr(route, to->route, sizeof(to->route));
    }
    to->used_ns = now_ns;
    to->requests += r.requests;
    to->queries += r.queries;
    to->calls += r.calls;
    to->queries_ns = u64_add(to->queries_ns, r.queries_ns);
    to->calls_ns = u64_add(to->calls_ns, r.calls_ns);
    return true;
}

static struct queries_statement *statement_find(struct queries *q, u32 app, struct str route,
                                                u64 hash, u32 system,
                                                struct queries_statement **oldest)
{
    struct queries_statement *set =
        &q->statement[set_of(q, app, route, hash, QUERIES_STATEMENTS_MAX)];

    *oldest = set;
    for (u32 i = 0; i < QUERIES_WAYS; i++) {
        if (set[i].app == app && set[i].hash == hash && set[i].system == system &&
            set[i].route[0] && str_eq(str_of(set[i].route), route))
            return &set[i];
        if (set[i].used_ns < (*oldest)->used_ns)
            *oldest = &set[i];
    }
    return NULL;
}

static struct queries_statement *statement_place(struct queries *q, u32 app, struct str route,
                                                 const struct shm_calls_statement *r,
                                                 struct str statement)
{
    struct queries_statement *oldest,
        *found = statement_find(q, app, route, r->hash, r->system, &oldest);
    char *copy;

    if (found)
        return found;
    copy = malloc(statement.len + 1);
    if (!copy)
        return NULL;
    str_to_cstr(statement, copy, statement.len + 1);
    free(oldest->statement);
    *oldest = (struct queries_statement){
        .app = app, .hash = r->hash, .system = r->system, .statement = copy
    };
    str_to_cstr(route, oldest->route, sizeof(oldest->route));
    return oldest;
}

static void statement_count(struct queries_statement *to, const struct shm_calls_statement *r)
{
    struct queries_recent *recent = &to->recent;

    to->count += r->count;
    to->errors += r->errors;
    to->total_ns = u64_add(to->total_ns, r->total_ns);
    to->max_ns = max(to->max_ns, r->max_ns);
    to->rows = u64_add(to->rows, r->rows);
    to->rows_of += r->rows_of;
    to->requests_ns = u64_add(to->requests_ns, r->requests_ns);
    for (u32 i = 0; i < SHM_CALL_BUCKETS; i++)
        to->bucket[i] += r->bucket[i];
    if (recent->count >= RECENT_MAX)
        *recent = (struct queries_recent){ recent->count / 2, recent->total_ns / 2,
                                           recent->requests_ns / 2, recent->slow / 2 };
    recent->count += r->count + (u64)r->errors;
    recent->total_ns = u64_add(recent->total_ns, r->total_ns);
    recent->requests_ns = u64_add(recent->requests_ns, r->requests_ns);
}

bool queries_statement_add(struct queries *q, u32 app, u64 now_ns, const void *payload, u32 len)
{
    struct shm_calls_statement r;
    struct queries_statement *to;
    struct str rest, route, statement;

    if (len < sizeof(r))
        return false;
    memcpy(&r, payload, sizeof(r));
    rest = str_make((const char *)payload + sizeof(r), len - sizeof(r));
    if (!text_take(&rest, r.route_len, SHM_CALL_ROUTE_MAX, &route) || route.len == 0 ||
        memchr(route.ptr, 0, route.len) ||
        !text_take(&rest, r.statement_len, SHM_CALL_STATEMENT_MAX, &statement) ||
        r.system >= SHM_CALL_SYSTEMS)
        return false;
    to = statement_place(q, app, route, &r, statement);
    if (!to)
        return true; /* out of memory: it is not counted */
    to->used_ns = now_ns;
    statement_count(to, &r);
    return true;
}

const struct queries_statement *queries_slow_add(struct queries *q, u32 app, struct str route,
                                                 const struct shm_calls_slow *slow)
{
    struct queries_statement *oldest, *to;

    to = route.len ? statement_find(q, app, route, slow->hash, slow->system, &oldest) : NULL;
    if (to)
        to->recent.slow += slow->slow;
    return to;
}

const struct queries_route *queries_route_at(const struct queries *q, u32 i)
{
    return i < QUERIES_ROUTES_MAX && q->route[i].route[0] ? &q->route[i] : NULL;
}

const struct queries_statement *queries_statement_at(const struct queries *q, u32 i)
{
    return i < QUERIES_STATEMENTS_MAX && q->statement[i].route[0] ? &q->statement[i] : NULL;
}

const struct queries_statement *queries_slowest(const struct queries *q, u32 app, struct str route)
{
    const struct queries_statement *found = NULL, *s;

    for (u32 i = 0; i < QUERIES_STATEMENTS_MAX; i++) {
        s = queries_statement_at(q, i);
        if (s && s->app == app && (!found || s->total_ns > found->total_ns) &&
            str_eq(str_of(s->route), route))
            found = s;
    }
    return found;
}

struct str queries_system_name(enum shm_call_system system)
{
    static const char *const names[SHM_CALL_SYSTEMS] = {
        "other", "postgresql", "mysql", "sqlite", "redis", "mongodb", "http",
    };

    return str_of(system < SHM_CALL_SYSTEMS ? names[system] : names[0]);
}

bool queries_repeated_read(struct queries_repeated *out, const void *payload, u32 len)
{
    struct shm_calls_repeated *h = &out->head;
    struct str rest;

    if (len < sizeof(*h))
        return false;
    memcpy(h, payload, sizeof(*h));
    rest = str_make((const char *)payload + sizeof(*h), len - sizeof(*h));
    return h->system < SHM_CALL_SYSTEMS &&
           text_take(&rest, h->route_len, SHM_CALL_ROUTE_MAX, &out->route) &&
           text_take(&rest, h->statement_len, SHM_CALL_STATEMENT_MAX, &out->statement) &&
           text_take(&rest, h->function_len, SHM_CALL_PLACE_MAX, &out->function) &&
           text_take(&rest, h->file_len, SHM_CALL_PLACE_MAX, &out->file) &&
           text_take(&rest, h->source_len, SHM_CALL_PLACE_MAX, &out->source) &&
           text_take(&rest, h->place_len, SHM_CALL_PLACE_MAX, &out->place) &&
           text_take(&rest, h->via_len, SHM_CALL_PLACE_MAX, &out->via);
}

bool queries_sequential_read(struct queries_sequential *out, const void *payload, u32 len)
{
    struct shm_calls_sequential *h = &out->head;
    struct str rest;

    if (len < sizeof(*h))
        return false;
    memcpy(h, payload, sizeof(*h));
    rest = str_make((const char *)payload + sizeof(*h), len - sizeof(*h));
    return text_take(&rest, h->route_len, SHM_CALL_ROUTE_MAX, &out->route) &&
           text_take(&rest, h->first_len, SHM_CALL_STATEMENT_MAX, &out->first) &&
           text_take(&rest, h->second_len, SHM_CALL_STATEMENT_MAX, &out->second) &&
           text_take(&rest, h->function_len, SHM_CALL_PLACE_MAX, &out->function) &&
           text_take(&rest, h->file_len, SHM_CALL_PLACE_MAX, &out->file) &&
           text_take(&rest, h->source_len, SHM_CALL_PLACE_MAX, &out->source) &&
           text_take(&rest, h->first_source_len, SHM_CALL_PLACE_MAX, &out->first_source);
}

bool queries_slow_read(struct queries_slow *out, const void *payload, u32 len)
{
    struct shm_calls_slow *h = &out->head;
    struct str rest;

    if (len < sizeof(*h))
        return false;
    memcpy(h, payload, sizeof(*h));
    rest = str_make((const char *)payload + sizeof(*h), len - sizeof(*h));
    return h->system < SHM_CALL_SYSTEMS &&
           text_take(&rest, h->route_len, SHM_CALL_ROUTE_MAX, &out->route) &&
           text_take(&rest, h->function_len, SHM_CALL_PLACE_MAX, &out->function) &&
           text_take(&rest, h->file_len, SHM_CALL_PLACE_MAX, &out->file) &&
           text_take(&rest, h->source_len, SHM_CALL_PLACE_MAX, &out->source) &&
           text_take(&rest, h->place_len, SHM_CALL_PLACE_MAX, &out->place);
}
