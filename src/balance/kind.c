/* balance/kind.c -- kinds of requests, and how long each kind blocks a loop */
#include "balance/kind.h"

enum {
    FILLING = 1, /* a key no kind has */
    SEGMENTS_MAX = 12,
    ID_HEX_MIN = 8,    /* so many hex digits in a row are an identifier */
    ID_DIGITS_MIN = 4, /* so many decimal ones too, whatever is around them */
    ID_LEN_MIN = 40,   /* and so much of anything */
    WIDE_KNOWN_MIN = 8,
};
/* Observations that are this far from their mean, in the mean, make a kind one of mixed requests.
 */
#define MIXED_NS 1000000ull
#define USED_EVERY_NS 1000000000ull
/* Once its kind is known, one observation in so many of how long it kept the loop running is taken:
 * threads share the line. */
enum { LOOP_ONE_IN = 4 };

/* ---- text ---- */

struct text {
    char bytes[KIND_SHAPE_MAX];
    size_t len;
};

static void text_add(struct text *t, struct str s)
{
    size_t len = min(s.len, sizeof(t->bytes) - t->len);

    if (len)
        memcpy(t->bytes + t->len, s.ptr, len);
    t->len += len;
}

static struct str text_str(const struct text *t)
{
    return str_make(t->bytes, t->len);
}

static u64 key_of(const struct kinds *k, struct str text)
{
    u64 key = hash_str(&k->key, text);

    return key > FILLING ? key : key + 2;
}

static u64 key_within(const struct kinds *k, u64 key, struct str text)
{
    struct text all = { .len = 0 };

    text_add(&all, str_make((const char *)&key, sizeof(key)));
    text_add(&all, text);
    return key_of(k, text_str(&all));
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Whether a part of a path looks like the name of one thing among many. */
static bool is_identifier(struct str s)
{
    u32 digits = 0, hex = 0, other = 0;

    for (size_t i = 0; i < s.len; i++) {
        digits += is_digit(s.ptr[i]);
        hex += is_hex(s.ptr[i]);
        other += !is_hex(s.ptr[i]) && s.ptr[i] != '-';
    }
    return (digits && digits == s.len) || digits >= ID_DIGITS_MIN || s.len >= ID_LEN_MIN ||
           (other == 0 && digits && hex >= ID_HEX_MIN);
}

/* "GET /users/:id" of GET and /users/42?x; *last is what stands before the last part. Whether the
 * path is in it as it is. */
static bool shape(struct text *out, const struct kind_request *r, struct str path, size_t *last)
{
    bool literal = path.len && path.ptr[0] == '/';
    struct str rest = path;

    out->len = 0;
    text_add(out, r->method);
    text_add(out, STR(" "));
    *last = out->len;
    if (rest.len && rest.ptr[0] == '/')
        rest = str_sub(rest, 1, rest.len);
    for (u32 i = 0; rest.ptr && i < SEGMENTS_MAX; i++) {
        struct str part = str_cut(rest, '/', &rest);
        bool any = is_identifier(part);

        *last = out->len;
        text_add(out, STR("/"));
        text_add(out, any ? STR(":id") : part);
        literal &= !any;
    }
    return literal && !rest.ptr && out->len < sizeof(out->bytes);
}

static struct str path_only(struct str path)
{
    struct str query;

    return str_cut(path, '?', &query);
}

struct str kind_path(struct str path, char out[KIND_SHAPE_MAX])
{
    struct text text;
    size_t last;

    if (path.len == 0 || path.ptr[0] != '/')
        return (struct str){ 0 };
    shape(&text, &(struct kind_request){ 0 }, path_only(path), &last);
    memcpy(out, text.bytes + 1, text.len - 1); /* a space stands behind the method */
    return str_make(out, text.len - 1);
}

/* ---- routes ---- */

/* What stands for something else in some framework's routes. */
static bool is_special(char c)
{
    return c == '(' || c == ')' || c == '[' || c == ']' || c == '?' || c == '+' || c == '|' ||
           c == '\\' || c == '^' || c == '$';
}

static bool has_variables(struct str route)
{
    for (size_t i = 0; i < route.len; i++)
        if (route.ptr[i] == ':' || route.ptr[i] == '*' || route.ptr[i] == '{')
            return true;
    return false;
}

bool kind_route_matches(struct str route, struct str path)
{
    struct str pattern = route, rest = path;

    for (size_t i = 0; i < route.len; i++)
        if (is_special(route.ptr[i]))
            return false;
    while (pattern.ptr && rest.ptr) {
        struct str want = str_cut(pattern, '/', &pattern), got = str_cut(rest, '/', &rest);

        if (want.len && want.ptr[0] == '*')
            return got.len || rest.ptr; /* the rest, whatever it is */
        if (want.len && (want.ptr[0] == ':' || want.ptr[0] == '{') ? got.len == 0
                                                                   : !str_eq(want, got))
            return false;
    }
    return !pattern.ptr && !rest.ptr;
}

static struct str route_text(const struct kind_routes *r, u32 i)
{
    return str_make(r->route[i].text, r->route[i].len);
}

/* The one with the most of it written out comes first in a router, as a rule. */
static u32 route_find(const struct kind_routes *r, u32 n, struct str path)
{
    u32 found = 0, found_len = 0;

    for (u32 i = 0; i < n; i++) {
        struct str text = route_text(r, i);
        u32 literal = 0;

        if (!kind_route_matches(text, path))
            continue;
        for (size_t at = 0; at < text.len && text.ptr[at] != ':' && text.ptr[at] != '*'; at++)
            literal++;
        if (!found || literal > found_len) {
            found = i + 1;
            found_len = literal;
        }
    }
    return found;
}

static void route_add(struct kind_routes *r, struct str route)
{
    u32 n;

    if (!has_variables(route) || route.len > SHM_ROUTE_MAX)
        return;
    pthread_mutex_lock(&r->lock);
    n = atomic_load(&r->n);
    for (u32 i = 0; i < n; i++)
        if (str_eq(route_text(r, i), route))
            n = KIND_ROUTES_MAX; /* another thread was first */
    if (n < KIND_ROUTES_MAX) {
        memcpy(r->route[n].text, route.ptr, route.len);
        r->route[n].len = (u8)route.len;
        atomic_store(&r->n, n + 1);
    }
    pthread_mutex_unlock(&r->lock);
}

static u32 route_of(const struct kinds *k, struct kind_cache *cache, u64 key, struct str path)
{
    u32 n = atomic_load(&k->routes->n);

    if (n == 0)
        return 0;
    if (cache->line[key % KIND_CACHE].shape != key || cache->line[key % KIND_CACHE].routes_n != n) {
        cache->line[key % KIND_CACHE].shape = key;
        cache->line[key % KIND_CACHE].routes_n = n;
        cache->line[key % KIND_CACHE].route = route_find(k->routes, n, path);
    }
    return cache->line[key % KIND_CACHE].route;
}

static void route_name(struct text *out, struct str method, struct str route)
{
    out->len = 0;
    text_add(out, method);
    text_add(out, STR(" "));
    text_add(out, route);
}

static u64 route_key(const struct kinds *k, struct str method, struct str route)
{
    struct text text;

    route_name(&text, method, route);
    return key_of(k, text_str(&text));
}

/* ---- the table ---- */

static struct shm_kind *set_of(const struct kinds *k, u64 key)
{
    return &k->table->kind[key % (SHM_KINDS_MAX / SHM_KIND_WAYS) * SHM_KIND_WAYS];
}

static struct shm_kind *find(const struct kinds *k, u64 key)
{
    struct shm_kind *set = set_of(k, key);

    for (u32 i = 0; key && i < SHM_KIND_WAYS; i++)
        if (atomic_load_explicit(&set[i].key, memory_order_acquire) == key)
            return &set[i];
    return NULL;
}

/* How much would be lost with it: observations, half as much each half minute. */
static u64 worth(struct shm_kind *e, u64 now_ns)
{
    u64 used_ns = e->used_ns, age_ns = now_ns > used_ns ? now_ns - used_ns : 0;

    return min(e->count, (u64)1 << 20) >> min(age_ns / 30000000000ull, (u64)63);
}

/* A place for a new kind; NULL when another thread is at it. */
static struct shm_kind *place(const struct kinds *k, u64 key, struct str text, u64 now_ns)
{
    struct shm_kind *set = set_of(k, key), *e = NULL;
    u64 least = UINT64_MAX, old;

    for (u32 i = 0; i < SHM_KIND_WAYS; i++) {
        u64 w = set[i].key == 0 ? 0 : worth(&set[i], now_ns);

        if (set[i].key == FILLING || (e && w >= least))
            continue;
        e = &set[i];
        least = w;
    }
    if (!e)
        return NULL;
    old = e->key;
    if (old == FILLING || !atomic_compare_exchange_strong(&e->key, &old, FILLING))
        return NULL;
    e->app = k->app;
    e->used_ns = now_ns;
    e->count = e->block_ns = e->deviation_ns = e->loop_ns = 0;
    str_to_cstr(text, e->text, sizeof(e->text));
    atomic_store_explicit(&e->key, key, memory_order_release);
    return e;
}

static void observe(struct shm_kind *e, u64 block_ns, u64 now_ns)
{
    u64 count = e->count;
    double weight = 1.0 / (double)min(count + 1, (u64)KIND_MEMORY);
    double mean = (double)e->block_ns, away = (double)block_ns - mean;
    double deviation = (double)e->deviation_ns;

    if (count >= KIND_MEMORY && block_ns == 0 && mean < 1) { /* nothing new: share the line */
        if (now_ns - e->used_ns < USED_EVERY_NS)
            return;
    }
    e->block_ns = (u64)(mean + away * weight);
    if (count > 0)
        e->deviation_ns =
            (u64)(deviation + ((away < 0 ? -away : away) - deviation) / (double)KIND_MEMORY);
    e->count = count + 1;
    e->used_ns = now_ns;
}

/* Which one is taken is left to the clock's last digits. Before observe(), which counts. */
static void observe_loop(struct shm_kind *e, u64 loop_ns, u64 now_ns)
{
    u64 count = e->count, mean = e->loop_ns;
    u64 weight = min(count + 1, (u64)KIND_MEMORY);

    if (count >= KIND_MEMORY && (now_ns >> 4) % LOOP_ONE_IN)
        return;
    mean = count ? (mean * (weight - 1) + min(loop_ns, (u64)UINT32_MAX)) / weight
                 : min(loop_ns, (u64)UINT32_MAX);
    atomic_store_explicit(&e->loop_ns, (u32)max(mean, (u64)1), memory_order_relaxed);
}

/* ---- what a request carries ---- */

static bool is_mixed(struct shm_kind *e)
{
    return e->count >= KIND_KNOWN_MIN && e->deviation_ns >= MIXED_NS &&
           2 * e->deviation_ns >= e->block_ns;
}

/* "?rows=4096-8191" of rows=5000: numbers are alike when they are of one length in bits. */
static void parameter_text(struct text *out, struct str name, struct str value)
{
    char range[48];
    u64 n;

    out->len = 0;
    text_add(out, STR("?"));
    text_add(out, name);
    text_add(out, STR("="));
    if (str_to_u64(value, &n)) {
        u32 bits = n ? 64 - (u32)__builtin_clzll(n) : 0;

        snprintf(range, sizeof(range), "%llu…",
                 bits > 1 ? 1ull << (bits - 1) : (unsigned long long)n);
        text_add(out, str_of(range));
    } else {
        text_add(out, value);
    }
}

/* What the request carries that may tell requests of its kind apart; how many there are. */
static u32 features(const struct kind_request *r, struct text out[KIND_FEATURES_MAX])
{
    struct str query, rest = str_cut(r->path, '?', &query), part = rest;
    u32 n = 0;

    if (r->body_bytes) {
        char size[48];

        snprintf(size, sizeof(size), " with a body of %llu… bytes",
                 1ull << (63 - __builtin_clzll(r->body_bytes)));
        out[n].len = 0;
        text_add(&out[n++], str_of(size));
    }
    while (rest.ptr)
        part = str_cut(rest, '/', &rest);
    if (part.len) {
        out[n].len = 0;
        text_add(&out[n], STR(" …/"));
        text_add(&out[n++], part);
    }
    while (query.ptr && n < KIND_FEATURES_MAX) {
        struct str value, name = str_cut(str_cut(query, '&', &query), '=', &value);

        if (name.len)
            parameter_text(&out[n++], name, value);
    }
    return n;
}

static u64 expect_by_features(const struct kinds *k, const struct kind_request *request,
                              struct kind *kind, struct shm_kind *best)
{
    struct text text[KIND_FEATURES_MAX];

    kind->features = features(request, text);
    for (u32 i = 0; i < kind->features; i++) {
        struct shm_kind *e;

        kind->feature[i] = key_within(k, kind->key, text_str(&text[i]));
        e = find(k, kind->feature[i]);
        if (e && e->count >= KIND_KNOWN_MIN && e->deviation_ns < best->deviation_ns)
            best = e;
    }
    return best->block_ns;
}

static void learn_features(const struct kinds *k, const struct kind *kind, struct str name,
                           const struct kind_request *request, u64 block_ns, u64 now_ns)
{
    struct text text[KIND_FEATURES_MAX], whole;
    u32 n = features(request, text);

    for (u32 i = 0; i < min(n, kind->features); i++) {
        struct shm_kind *e = find(k, kind->feature[i]);

        if (!e) {
            whole.len = 0;
            text_add(&whole, name);
            text_add(&whole, text_str(&text[i]));
            e = place(k, kind->feature[i], text_str(&whole), now_ns);
        }
        if (e)
            observe(e, block_ns, now_ns);
    }
}

/* ---- from the request to its kind, and back ---- */

void kinds_init(struct kinds *k, struct shm_kinds *table, struct kind_routes *routes, u32 app)
{
    bool is_new = table->hash_key[0] == 0 && table->hash_key[1] == 0;

    *k = (struct kinds){ .table = table, .routes = routes, .app = app };
    if (is_new) {
        hash_key_random(&k->key);
        table->hash_key[0] = k->key.k0;
        table->hash_key[1] = k->key.k1;
    }
    k->key =
        (struct hash_key){ table->hash_key[0] ^ app * 0x9e3779b97f4a7c15ull, table->hash_key[1] };
    /* What a predecessor left half-done; looking takes memory that a new table does not need yet.
     */
    for (u32 i = 0; app == 0 && !is_new && i < SHM_KINDS_MAX; i++)
        if (table->kind[i].key == FILLING)
            table->kind[i].key = 0;
    pthread_mutex_init(&routes->lock, NULL);
}

/* Where a path's kind would be remembered; NULL: it is too long for that. */
static struct kind_path *path_line(struct kind_cache *cache, struct str method, struct str path)
{
    u64 first = 0, last = 0;
    size_t n = min(path.len, sizeof(first));

    if (n == 0 || method.len + path.len > KIND_PATH_MAX)
        return NULL;
    memcpy(&first, path.ptr, n);
    memcpy(&last, path.ptr + path.len - n, n);
    return &cache->path[((first ^ last * 31 ^ path.len) * 0x9e3779b97f4a7c15ull) >> 58];
}
static_assert(KIND_PATHS == 64, "six bits choose one");

static bool path_is(const struct kinds *k, const struct kind_path *p, struct str method,
                    struct str path)
{
    return p->len == method.len + path.len && p->app == k->app &&
           memcmp(p->text, method.ptr, method.len) == 0 &&
           memcmp(p->text + method.len, path.ptr, path.len) == 0;
}

static void path_remember(struct kind_path *p, const struct kinds *k, struct str method,
                          struct str path, const struct kind *kind)
{
    *p = (struct kind_path){ .key = kind->key,
                             .route = kind->route,
                             .routes_n = atomic_load(&k->routes->n),
                             .app = (u8)k->app,
                             .len = (u8)(method.len + path.len),
                             .literal = kind->literal };
    memcpy(p->text, method.ptr, method.len);
    memcpy(p->text + method.len, path.ptr, path.len);
}

/* The kind by its path, worked out; its entry or NULL. */
static struct shm_kind *path_kind(const struct kinds *k, struct kind_cache *cache,
                                  const struct kind_request *request, struct str path,
                                  struct kind *out)
{
    struct shm_kind *e;
    struct text text;
    size_t last;

    out->literal = shape(&text, request, path, &last);
    out->key = key_of(k, text_str(&text));
    e = find(k, out->key);
    if (!e && (out->route = route_of(k, cache, out->key, path)) != 0) {
        out->key = route_key(k, request->method, route_text(k->routes, out->route - 1));
        e = find(k, out->key);
    }
    if (!out->route && (!e || e->count < KIND_MEMORY)) {
        text.len = last;
        text_add(&text, STR("/*"));
        out->wide_key = key_of(k, text_str(&text));
    }
    return e;
}

void kind_of(const struct kinds *k, struct kind_cache *cache, const struct kind_request *request,
             struct kind *out)
{
    struct str path = path_only(request->path);
    struct kind_path *p = path_line(cache, request->method, path);
    struct shm_kind *e = NULL;

    *out = (struct kind){ 0 };
    if (p && path_is(k, p, request->method, path) && p->routes_n == atomic_load(&k->routes->n) &&
        (e = find(k, p->key)) != NULL && e->count >= KIND_MEMORY) {
        out->key = p->key;
        out->route = p->route;
        out->literal = p->literal;
    } else {
        e = path_kind(k, cache, request, path, out);
        if (p && e && e->count >= KIND_MEMORY)
            path_remember(p, k, request->method, path, out);
    }
    out->loop_ns = e && e->count >= KIND_KNOWN_MIN ? e->loop_ns : 0;
    if (e && is_mixed(e))
        out->block_ns = expect_by_features(k, request, out, e);
    else if (e && e->count >= KIND_KNOWN_MIN)
        out->block_ns = e->block_ns;
    else if ((e = find(k, out->wide_key)) != NULL && e->count >= WIDE_KNOWN_MIN)
        out->block_ns = e->block_ns;
}

/* What people read of a request's kind; of its wide one, when `wide`. */
static void name_of(struct text *out, const struct kinds *k, const struct kind *kind,
                    const struct kind_request *request, struct str route, bool wide)
{
    size_t last;

    if (kind->route && route.len == 0)
        route = route_text(k->routes, kind->route - 1);
    if (route.len) {
        route_name(out, request->method, route);
        return;
    }
    shape(out, request, path_only(request->path), &last);
    if (!wide)
        return;
    out->len = last;
    text_add(out, STR("/*"));
}

/* The key of its kind, now that the app has said its route, or nothing. */
static u64 key_learned(const struct kinds *k, const struct kind *kind,
                       const struct kind_request *request, struct str route)
{
    u64 key;

    if (route.len == 0 || (kind->route ? str_eq(route, route_text(k->routes, kind->route - 1))
                                       : kind->literal && str_eq(route, path_only(request->path))))
        return kind->key;
    key = route_key(k, request->method, route);
    if (key != kind->key && !kind->route)
        route_add(k->routes, route);
    return key;
}

bool kind_learn(const struct kinds *k, const struct kind *kind, const struct kind_request *request,
                const struct kind_outcome *outcome, u64 now_ns, u64 *expected_ns)
{
    struct str route = outcome->route;
    struct shm_kind *e, *wide;
    u64 key, block_ns = outcome->block_ns;
    struct text name;

    if (kind->key == 0)
        return false;
    key = key_learned(k, kind, request, route);
    e = find(k, key);
    if (!e || kind->features)
        name_of(&name, k, kind, request, route, false);
    if (!e)
        e = place(k, key, text_str(&name), now_ns);
    if (e) {
        observe_loop(e, outcome->loop_ns, now_ns);
        observe(e, block_ns, now_ns);
        *expected_ns = e->block_ns;
    }
    if (kind->features && key == kind->key) {
        learn_features(k, kind, text_str(&name), request, block_ns, now_ns);
        *expected_ns = kind->block_ns; /* what it carries says more than its kind */
    }
    if (route.len == 0 && kind->wide_key) {
        wide = find(k, kind->wide_key);
        if (!wide) {
            name_of(&name, k, kind, request, route, true);
            wide = place(k, kind->wide_key, text_str(&name), now_ns);
        }
        if (wide)
            observe(wide, block_ns, now_ns);
    }
    return e && e->count >= KIND_KNOWN_MIN;
}
