/* proxy/ruleset.c -- what the settings of one time say, resolved for every listener and route */
#include "proxy/ruleset.h"

#include "base/log.h"
#include "conf/upstreams.h"

#define OLD_NS (10 * NS_PER_S)
enum { FLAGS_MAX = 1024 };

/* ---- settings ---- */

/* The flags up to the next "--", which are taken off `rest`. */
static struct str section_cut(struct str *rest)
{
    struct str section = *rest;

    for (size_t at = 0; at < section.len;) {
        size_t len = strnlen(section.ptr + at, section.len - at) + 1;

        if (len == 3 && memcmp(section.ptr + at, "--", 2) == 0) {
            *rest = str_sub(section, at + len, section.len);
            return str_sub(section, 0, at);
        }
        at += len;
    }
    *rest = (struct str){ 0 };
    return section;
}

/* `first` is what the first app had; the folder is the process's. */
static int section_read(struct settings *out, const struct settings *first, struct str flags,
                        struct problem *p)
{
    char *argv[FLAGS_MAX];
    struct settings_args args;
    int argc = 0, err = settings_init(out);

    for (size_t at = 0; at < flags.len && argc < FLAGS_MAX; at += strlen(flags.ptr + at) + 1) {
        if (!memchr(flags.ptr + at, 0, flags.len - at))
            return problem_set(p, "the last of them has no end");
        argv[argc++] = (char *)flags.ptr + at;
    }
    if (!err)
        err = settings_read_args(out, argc, argv, 0, &args, p);
    if (!err)
        err = settings_put(out, &out->runtime_dir, first->runtime_dir);
    out->threads = first->threads;
    return err;
}

int ruleset_read(struct ruleset **out, const struct ruleset *present, struct str flags,
                 struct problem *p)
{
    struct settings *app = calloc(SHM_APPS_MAX, sizeof(*app));
    u32 n = 0;
    int err = app ? 0 : -ENOMEM;

    for (bool more = true; more && !err; more = flags.ptr != NULL) {
        struct str section = section_cut(&flags);

        if (n == SHM_APPS_MAX)
            err = problem_set(p, "there are more than %d apps", SHM_APPS_MAX);
        else
            err = section_read(&app[n++], &present->app[0], section, p);
    }
    if (!err)
        return ruleset_new(out, app, n, present->host, p);
    for (u32 i = 0; app && i < n; i++)
        settings_done(&app[i]);
    free(app);
    return err;
}

/* All came as flags, which would win over whatever is said for a place. */
static void origins_forget(struct settings *s)
{
    memset(s->origin, 0, sizeof(s->origin));
}

/* ---- routes ---- */

/* The rows of one address, or of an app's paths. */
static int router_make(struct router *out, const struct routes *routes, u32 address)
{
    out->route = calloc(max(routes->n, 1u), sizeof(*out->route));
    if (!out->route)
        return -ENOMEM;
    for (u32 i = 0; i < routes->n; i++) {
        const struct routes_row *row = &routes->row[i];

        if (row->address == address)
            out->route[out->n++] = (struct router_route){ .host = row->host,
                                                          .path = row->path,
                                                          .app = row->app,
                                                          .strip = row->strip,
                                                          .index = i };
    }
    router_sort(out);
    return 0;
}

static int paths_make(struct ruleset *rs, u32 app, struct problem *p)
{
    struct ruleset_paths *paths = &rs->paths[app];
    struct str text = rs->app[app].paths;
    int err;

    if (text.len == 0)
        return 0;
    paths->routes = calloc(1, sizeof(*paths->routes));
    err = paths->routes ? routes_parse(paths->routes, text, p) : -ENOMEM;
    return err ? err : router_make(&paths->router, paths->routes, ROUTES_ANYWHERE);
}

static int routes_make(struct ruleset *rs, struct problem *p)
{
    int err;

    rs->routes = calloc(1, sizeof(*rs->routes));
    if (!rs->routes)
        return -ENOMEM;
    err = routes_parse(rs->routes, rs->app[0].routes, p);
    if (!err)
        err = routes_parse_listeners(rs->routes, rs->app[0].listeners, p);
    for (u32 i = 0; i < rs->routes->addresses && !err; i++)
        err = router_make(&rs->router[i], rs->routes, i);
    return err;
}

int ruleset_new(struct ruleset **out, struct settings *app, u32 apps, struct ruleset_host *host,
                struct problem *p)
{
    struct ruleset *rs = aligned_alloc(64, sizeof(*rs));
    int err = 0;

    if (!rs) {
        for (u32 i = 0; i < apps; i++)
            settings_done(&app[i]);
        free(app);
        return -ENOMEM;
    }
    *rs = (struct ruleset){
        .host = host, .app = app, .apps = apps, .tick_ns = NS_PER_S, .made_ns = 0
    };
    for (u32 i = 0; i < apps && !err; i++) {
        origins_forget(&app[i]);
        err = paths_make(rs, i, p);
    }
    if (!err)
        err = routes_make(rs, p);
    if (err) {
        ruleset_free(rs);
        return err;
    }
    *out = rs;
    return 0;
}

static void way_free(const struct rule_way *way)
{
    free((void *)(uintptr_t)way->rule);
}

static void door_free(struct door *d, u32 ways)
{
    for (u32 i = 0; d->way && i < ways; i++)
        way_free(&d->way[i]);
    free((void *)(uintptr_t)d->way);
    free((void *)(uintptr_t)d->rule);
    settings_texts_free(&d->settings.texts);
    free(d);
}

static void upstreams_free(struct ruleset_upstream *u)
{
    struct ruleset_upstream *next;

    for (; u; u = next) {
        next = u->next;
        free(u);
    }
}

static u32 ways_of(const struct ruleset *rs, const struct router *router)
{
    return router ? rs->routes->n : 1;
}

void ruleset_free(struct ruleset *rs)
{
    struct door *next;

    if (!rs)
        return;
    for (struct door *d = rs->doors; d; d = next) {
        next = d->next;
        door_free(d, ways_of(rs, d->router));
    }
    for (u32 i = 0; i < ROUTES_ADDRESSES_MAX; i++)
        free(rs->router[i].route);
    for (u32 i = 0; i < rs->apps; i++) {
        free(rs->paths[i].router.route);
        free(rs->paths[i].routes);
        settings_done(&rs->app[i]);
    }
    settings_texts_free(&rs->texts);
    fallbacks_free(&rs->fallbacks);
    limits_free(rs->limits);
    upstreams_free(rs->upstreams);
    free(rs->routes);
    free(rs->app);
    free(rs);
}

/* ---- rules ---- */

static void tick_note(struct ruleset *rs, const struct settings_request *is)
{
    u64 limits[] = { is->body_timeout_ns,
                     is->write_timeout_ns,
                     is->upstream_timeout_ns,
                     is->queue_timeout_ns,
                     is->stall_timeout_ns,
                     is->request_timeout_ns,
                     is->cache ? is->cache_wait_ns : 0 };
    u64 tick_ns = atomic_load(&rs->tick_ns);

    for (u32 i = 0; i < ARRAY_LEN(limits); i++)
        if (limits[i])
            tick_ns = min(tick_ns, limits[i] / 4);
    atomic_store(&rs->tick_ns, max(tick_ns, 10 * NS_PER_MS));
}

/* Where a request comes along; NULL, or ROUTES_ANYWHERE: not there. */
struct course {
    u32 app;
    const struct routes_listener *listener;
    u32 path;  /* row of the app's */
    u32 route; /* row of rs->routes */
};

/* The strongest source that says anything there of a setting whose name begins or ends so. */
static enum settings_source source_of(const struct settings *s, struct str begin, struct str end)
{
    enum settings_source source = SETTINGS_DEFAULT;

    for (u32 i = 0; i < settings_row_count; i++)
        if (str_starts(str_of(settings_rows[i].name), begin) &&
            str_ends(str_of(settings_rows[i].name), end))
            source = max(source, settings_origin_of(s, &settings_rows[i])->source);
    return source;
}

/* Where a source says something of that course; nothing: it holds for all of the app. */
static void place_text(const struct ruleset *rs, const struct course *c,
                       enum settings_source source, struct buf *out)
{
    const struct routes_row *row = NULL;

    if (source == SETTINGS_ROUTE)
        row = &rs->routes->row[c->route];
    else if (source == SETTINGS_PATH_OWN)
        row = &rs->paths[c->app].routes->row[c->path];
    else if (source == SETTINGS_LISTENER)
        buf_add(out, c->listener->text);
    if (row) {
        buf_add(out, row->host);
        buf_add(out, row->path.len ? row->path : STR("/"));
    }
}

static int breaker_make(struct ruleset *rs, const struct course *c, const struct settings *s,
                        struct rule *out)
{
    const struct settings_request *is = &s->request;
    AUTO(buf_done) struct buf place = { 0 };

    if (!is->breaker)
        return 0;
    place_text(rs, c, source_of(s, STR("breaker"), STR("")), &place);
    if (place.failed)
        return -ENOMEM;
    out->circuit = rs->host->circuit(rs->host, c->app, buf_str(&place));
    out->breaker = (struct circuit_rules){ .in_a_row = is->breaker_failures,
                                           .errors = is->breaker_errors,
                                           .slow_share = is->breaker_slow_share,
                                           .slow_ns = is->breaker_slow_ns,
                                           .calls_least = is->breaker_calls,
                                           .window_ns = is->breaker_window_ns,
                                           .open_ns = is->breaker_open_ns,
                                           .open_max_ns = is->breaker_open_max_ns,
                                           .probes = is->breaker_probes };
    return is->breaker_fallback.len
               ? fallback_read(&rs->fallbacks, is->breaker_fallback, &out->fallback)
               : 0;
}

/* Also where nothing is limited: so that what is in flight is known when a reload limits it. */
static int ceiling_make(struct ruleset *rs, const struct course *c, const struct settings *s,
                        struct rule *out)
{
    const struct settings_request *is = &s->request;
    AUTO(buf_done) struct buf place = { 0 };

    if (!rs->host->ceiling)
        return 0;
    place_text(rs, c, source_of(s, STR(""), STR("-concurrency")), &place);
    if (place.failed)
        return -ENOMEM;
    out->ceiling = rs->host->ceiling(rs->host, c->app, buf_str(&place), is);
    return 0;
}

static int limits_make(struct ruleset *rs, const struct course *c, const struct settings *s,
                       struct rule *out)
{
    AUTO(buf_done) struct buf place = { 0 };
    struct limits_place at = { .app = c->app, .app_name = rs->app[c->app].name };
    struct limits *made;
    int err;

    if (!rs->host->limits || s->request.rate_limit.len == 0)
        return 0;
    place_text(rs, c, settings_origin_of(s, settings_row_find(STR("rate-limit"), NULL))->source,
               &place);
    if (place.failed)
        return -ENOMEM;
    at.place = buf_str(&place);
    err = rs->host->limits(rs->host, s, &at, &made);
    if (err || !made)
        return err;
    made->next = rs->limits;
    rs->limits = made;
    out->limits = made;
    return 0;
}

/* As that doubles. */
#define EJECT_MAX_NS (300 * NS_PER_S)

static bool has_local(struct str list)
{
    for (struct str rest = list; rest.ptr;)
        if (str_eq_nocase(str_trim(str_cut(rest, ',', &rest)), STR("local")))
            return true;
    return false;
}

static int upstream_note(struct ruleset *rs, const struct rule *r,
                         const struct settings_request *is)
{
    struct ruleset_upstream *u = rs->upstreams;

    while (u && u->group != r->group)
        u = u->next;
    if (u)
        return 0;
    u = malloc(sizeof(*u));
    if (!u)
        return -ENOMEM;
    *u = (struct ruleset_upstream){ rs->upstreams, r->group, is->upstream, r->endpoints, *is };
    rs->upstreams = u;
    return 0;
}

static int hosts_make(struct ruleset *rs, const struct course *c, const struct settings *s,
                      struct rule *out)
{
    const struct settings_request *is = &s->request;
    AUTO(buf_done) struct buf place = { 0 };

    if (!rs->host->group || is->upstream.len == 0)
        return 0;
    place_text(rs, c, settings_origin_of(s, settings_row_find(STR("upstream"), NULL))->source,
               &place);
    if (place.failed)
        return -ENOMEM;
    out->group = rs->host->group(rs->host, c->app, buf_str(&place));
    if (!out->group) /* not to the workers instead, which it is not meant for */
        return -ENOSPC;
    out->local = has_local(is->upstream);
    out->endpoints = (struct endpoints_rules){
        .failures = is->eject_failures,
        .errors = is->eject_errors,
        .eject_ns = is->eject_time_ns,
        .eject_max_ns = EJECT_MAX_NS,
        .eject_most = is->eject_most,
        .rise = is->health_rise,
        .fall = is->health_fall,
        .panic = is->panic,
        .slow_start_ns = is->slow_start_ns,
        .zone = rs->app[0].zone,
    };
    return out->group ? upstream_note(rs, out, is) : 0;
}

static int rule_make(struct ruleset *rs, const struct course *c, struct rule *out)
{
    const struct settings *app = &rs->app[c->app];
    struct settings s;
    struct problem p = { 0 };
    int err = 0;

    settings_borrow(&s, app);
    if (c->listener)
        err = routes_listener_apply(&s, app, c->listener, &p);
    if (!err && c->path != ROUTES_ANYWHERE)
        err = routes_apply(&s, app, rs->paths[c->app].routes, c->path, &p);
    if (!err && c->route != ROUTES_ANYWHERE)
        err = routes_apply(&s, app, rs->routes, c->route, &p);
    out->is = s.request;
    out->access = rs->host->access_log(rs->host, &s);
    if (!err)
        err = breaker_make(rs, c, &s, out);
    if (!err)
        err = ceiling_make(rs, c, &s, out);
    if (!err)
        err = limits_make(rs, c, &s, out);
    if (!err)
        err = hosts_make(rs, c, &s, out);
    settings_texts_join(&rs->texts, &s.texts);
    tick_note(rs, &out->is);
    if (out->is.cache) {
        rs->cache_wanted = true;
        rs->cache_redis_wanted |= out->is.cache_redis;
        rs->cache_object_bytes_max =
            max(rs->cache_object_bytes_max, out->is.cache_max_object_bytes);
    }
    if (err == -EINVAL) /* was checked where the file was read */
        log_warn("%s", p.text);
    return err == -EINVAL ? 0 : err;
}

static int way_make(struct ruleset *rs, struct course c, struct rule_way *out)
{
    const struct routes *paths = rs->paths[c.app].routes;
    u32 n = paths ? paths->n : 0;
    struct rule *rules = calloc(n + 1, sizeof(*rules));
    int err = rules ? 0 : -ENOMEM;

    *out = (struct rule_way){ &rs->paths[c.app].router, rules };
    for (u32 i = 0; i <= n && !err; i++) {
        c.path = i < n ? i : ROUTES_ANYWHERE;
        err = rule_make(rs, &c, &rules[i]);
    }
    return err;
}

static const struct routes_listener *listener_find(const struct ruleset *rs,
                                                   const struct endpoint *bound)
{
    const struct routes_listener *best = NULL;
    u32 best_fit = 0;

    for (u32 i = 0; i < rs->routes->listeners; i++) {
        u32 fit = routes_listener_fits(&rs->routes->listener[i], bound);

        if (fit > best_fit) {
            best = &rs->routes->listener[i];
            best_fit = fit;
        }
    }
    return best;
}

static int settings_make(struct ruleset *rs, struct door *d, const struct course *c)
{
    struct ruleset_host *host = rs->host;
    struct override limit;
    struct problem p = { 0 };
    int err = 0;

    settings_borrow(&d->settings, &rs->app[c->app]);
    if (c->listener)
        err = routes_listener_apply(&d->settings, &rs->app[c->app], c->listener, &p);
    if (c->listener && override_find(c->listener->overrides,
                                     settings_row_find(STR("max-connections"), NULL), &limit))
        d->connections_max = d->settings.max_connections;
    if (host->max_head_bytes) {
        d->settings.max_head_bytes = min(d->settings.max_head_bytes, host->max_head_bytes);
        d->settings.max_fields = min(d->settings.max_fields, host->max_fields);
    }
    if (err == -EINVAL)
        log_warn("%s", p.text);
    return err == -EINVAL ? 0 : err;
}

/* An address of our own without routes (it is about to be closed) leads nowhere. */
static const struct router *router_find_address(const struct ruleset *rs,
                                                const struct endpoint *bound)
{
    static const struct router nowhere;

    for (u32 i = 0; i < rs->routes->addresses; i++)
        if (endpoint_same(&rs->routes->address[i], bound))
            return &rs->router[i];
    return &nowhere;
}

static int ways_make(struct ruleset *rs, struct door *d, struct course c)
{
    u32 n = ways_of(rs, d->router);
    struct rule_way *way = calloc(max(n, 1u), sizeof(*way));
    int err = way ? 0 : -ENOMEM;

    d->way = way;
    if (!d->router)
        return err ? err : way_make(rs, c, &way[0]);
    for (u32 i = 0; i < d->router->n && !err; i++) {
        c.route = d->router->route[i].index;
        c.app = d->router->route[i].app;
        if (c.app < rs->apps)
            err = way_make(rs, c, &way[c.route]);
    }
    return err;
}

int ruleset_door(struct ruleset *rs, u32 listener, u32 app, const struct endpoint *bound)
{
    struct door *d = calloc(1, sizeof(*d));
    struct rule *rule = calloc(1, sizeof(*rule));
    struct course c = { .app = app < rs->apps ? app : 0,
                        .listener = listener_find(rs, bound),
                        .path = ROUTES_ANYWHERE,
                        .route = ROUTES_ANYWHERE };
    int err = d && rule ? 0 : -ENOMEM;

    if (!err && app == SHM_APPS_MAX)
        d->router = router_find_address(rs, bound);
    if (!err)
        err = settings_make(rs, d, &c);
    if (!err)
        err = ways_make(rs, d, c);
    if (!err)
        err = rule_make(rs, &c, rule);
    if (err) {
        free(rule);
        if (d)
            door_free(d, ways_of(rs, d->router));
        return err;
    }
    d->rule = rule;
    d->traced = (d->settings.otlp.len || d->settings.otlp_traces.len) &&
                d->settings.otlp_signals != SETTINGS_SIGNALS_METRICS;
    d->next = rs->doors;
    rs->doors = d;
    atomic_store(&rs->door[listener], d);
    return 0;
}

void ruleset_room(const struct ruleset *rs, u64 *head_bytes, u32 *fields)
{
    *head_bytes = rs->app[0].max_head_bytes;
    *fields = rs->app[0].max_fields;
    for (u32 i = 0; i < rs->routes->listeners; i++) {
        AUTO(settings_done) struct settings s = { 0 };
        struct problem ignored;

        settings_borrow(&s, &rs->app[0]);
        if (routes_listener_apply(&s, &rs->app[0], &rs->routes->listener[i], &ignored))
            continue; /* was checked where the file was read */
        *head_bytes = max(*head_bytes, s.max_head_bytes);
        *fields = max(*fields, s.max_fields);
    }
}

enum router_verdict ruleset_rule(const struct rule_way *way, struct str authority, struct str path,
                                 const struct rule **out)
{
    const struct router_route *found;
    enum router_verdict v;

    *out = &way->rule[way->paths->n];
    if (way->paths->n == 0)
        return ROUTER_FOUND;
    v = router_find(way->paths, authority, path, &found);
    if (v == ROUTER_FOUND)
        *out = &way->rule[found->index];
    return v == ROUTER_AMBIGUOUS ? v : ROUTER_FOUND;
}

/* ---- old ones ---- */

static bool is_held(const struct ruleset *rs)
{
    for (u32 i = 0; i < SHM_THREADS_MAX; i++)
        if (atomic_load_explicit(&rs->users[i].n, memory_order_acquire))
            return true;
    return false;
}

void ruleset_prune(struct ruleset *rs, u64 now_ns)
{
    struct ruleset **at = &rs->older;
    u64 replaced_ns = rs->made_ns;

    while (*at) {
        struct ruleset *one = *at;
        u64 made_ns = one->made_ns;

        if (now_ns > replaced_ns && now_ns - replaced_ns > OLD_NS && !is_held(one)) {
            *at = one->older;
            ruleset_free(one);
        } else {
            at = &one->older;
        }
        replaced_ns = made_ns;
    }
}
