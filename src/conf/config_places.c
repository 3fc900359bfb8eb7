/* conf/config_places.c -- what a file says for addresses and for routes, as conf/routes.h has it */
#include "conf/config_reader.h"
#include "conf/config_value.h"
#include "conf/routes.h"

#define SHOWN CONFIG_SHOWN
#define MISTAKE CONFIG_MISTAKE

static const char *const route_words[] = { "host", "path", "app", "strip" };

/* One listener or route that is being read. */
struct place {
    struct config_reader *reader;
    enum settings_scope scope;
    struct str key;         /* "routes.:8080[1]" */
    struct settings values; /* what is said for it, to be checked */
    struct buf overrides;
    struct str host, path, app; /* of a route */
    bool strip;
};

static void place_done(struct place *p)
{
    settings_done(&p->values);
    buf_done(&p->overrides);
}

/* Into where the overrides of several places are gathered. */
struct gathering {
    struct config_reader *reader;
    struct buf text;
    struct strings seen; /* host and path of the routes of a list, or addresses */
};

static void gathering_done(struct gathering *g)
{
    buf_done(&g->text);
    strings_done(&g->seen);
}

/* Says of a member what is wrong with it. */
static void member_mistake(struct place *pl, struct str name, const struct json_value *v,
                           const struct problem *what)
{
    AUTO(buf_done) struct buf key = { 0 };

    buf_addf(&key, "%.*s%s%.*s", STR_ARG(pl->key), name.len ? "." : "", SHOWN(name));
    config_mistake(pl->reader, v, buf_str(&key), what);
    pl->reader->failed |= key.failed;
}

#define MEMBER_MISTAKE(pl, name, v, ...)        \
    do {                                        \
        struct problem what_ = { 0 };           \
        (void)problem_set(&what_, __VA_ARGS__); \
        member_mistake(pl, name, v, &what_);    \
    } while (0)

/* ---- settings ---- */

static const char *what_of(const struct place *pl)
{
    return pl->scope == SETTINGS_OF_ROUTE ? "a route" : "a listener";
}

static bool is_possible(const struct settings_row *row, const struct place *pl)
{
    return row->scope & pl->scope && !(row->flags & (SETTINGS_START | SETTINGS_HIDDEN));
}

/* What may stand here and is most like `name`; NULL: nothing is near. */
static const char *nearest_of(const struct place *pl, struct str name)
{
    u32 words = pl->scope == SETTINGS_OF_ROUTE ? ARRAY_LEN(route_words) : 0;
    u32 least = 2 + (u32)name.len / 3, distance;
    const char *nearest = NULL;

    for (u32 i = 0; i < settings_row_count + words; i++) {
        bool is_row = i < settings_row_count;
        const char *other = is_row ? settings_rows[i].name : route_words[i - settings_row_count];

        if (is_row && !is_possible(&settings_rows[i], pl))
            continue;
        distance = str_distance(name, str_of(other));
        if (distance < least) {
            least = distance;
            nearest = other;
        }
    }
    return nearest;
}

static void unknown_say(struct place *pl, struct str name, const struct json_value *v)
{
    AUTO(buf_done) struct buf spelt = { 0 };
    const struct settings_row *row;
    const char *nearest;

    config_kebab(str_sub(name, 0, 80), &spelt);
    row = settings_row_find(buf_str(&spelt), NULL);
    nearest = nearest_of(pl, buf_str(&spelt));
    if (row && is_possible(row, pl))
        MEMBER_MISTAKE(pl, name, v, "unknown setting; its name is written \"%s\"", row->name);
    else if (nearest)
        MEMBER_MISTAKE(pl, name, v, "unknown setting of %s; did you mean \"%s\"?", what_of(pl),
                       nearest);
    else
        MEMBER_MISTAKE(pl, name, v, "unknown; %s",
                       pl->scope == SETTINGS_OF_ROUTE
                           ? "a route has host, path, app, strip, and settings of its own, such as "
                             "max-body"
                           : "a listener has settings, such as idle-timeout");
    pl->reader->failed |= spelt.failed;
}

/* A setting that is none of this place: where it belongs. */
static void elsewhere_say(struct place *pl, const struct settings_row *row,
                          const struct json_value *v)
{
    const char *right = row->scope & SETTINGS_OF_LISTENER
                            ? "it is a connection's; write it into `listeners`"
                        : row->scope & SETTINGS_OF_APP
                            ? "it is an app's; write it beside what the app runs"
                            : "it holds for all of fettle; write it at the top of the file";

    MEMBER_MISTAKE(pl, str_of(row->name), v, "cannot be said for %s: %s", what_of(pl), right);
}

static void setting_read(struct place *pl, const struct settings_row *row,
                         const struct json_value *v)
{
    struct config_reader *r = pl->reader;
    AUTO(buf_done) struct buf text = { 0 };
    AUTO(buf_done) struct buf key = { 0 };
    struct settings_origin origin = { .source = SETTINGS_ROUTE,
                                      .file = str_of(r->from->file),
                                      .line = json_value_line(v) };
    struct problem p;
    int err;

    config_prefix(r, &key);
    buf_addf(&key, "%.*s.%s", STR_ARG(pl->key), row->name);
    origin.key = buf_str(&key);
    if (!config_value_text(row, v, r->from->folder, &text)) {
        buf_clear(&key);
        buf_addf(&key, "%.*s.%s", STR_ARG(pl->key), row->name);
        config_form_mistake(r, v, buf_str(&key), row);
        return;
    }
    err = key.failed || text.failed ? -ENOMEM
                                    : settings_set(&pl->values, row, buf_str(&text), &origin, &p);
    if (err == -EINVAL)
        findings_put(r->findings, FINDING_MISTAKE, &p);
    else if (err)
        r->failed = true;
    else
        override_add(&pl->overrides, row, origin.line, buf_str(&text));
}

static bool route_word_read(struct place *pl, struct str name, const struct json_value *v)
{
    enum json_value_kind kind = json_value_kind(v);
    struct str *text = str_eq(name, STR("host"))   ? &pl->host
                       : str_eq(name, STR("path")) ? &pl->path
                       : str_eq(name, STR("app"))  ? &pl->app
                                                   : NULL;

    if (pl->scope != SETTINGS_OF_ROUTE || (!text && !str_eq(name, STR("strip"))))
        return false;
    if (!text && kind != JSON_VALUE_TRUE && kind != JSON_VALUE_FALSE)
        MEMBER_MISTAKE(pl, name, v, "write true or false");
    else if (!text)
        pl->strip = kind == JSON_VALUE_TRUE;
    else if (kind != JSON_VALUE_TEXT || json_value_text(v).len == 0)
        MEMBER_MISTAKE(pl, name, v, "write a text");
    else
        *text = json_value_text(v);
    return true;
}

static void members_read(struct place *pl, const struct json_value *object)
{
    const struct json_value *v;
    struct str name;

    if (config_too_many(pl->reader, object, pl->key))
        return;
    for (void *at = NULL; json_value_each(object, &at, &name, &v);) {
        const struct settings_row *row = settings_row_find(name, NULL);

        config_twice_check(pl->reader, object, name, v);
        if (json_value_kind(v) == JSON_VALUE_NULL && (row || nearest_of(pl, name)))
            MEMBER_MISTAKE(pl, name, v, "null is no value; leave the key out");
        else if (route_word_read(pl, name, v))
            continue;
        else if (!row || row->flags & (SETTINGS_HIDDEN | SETTINGS_START))
            unknown_say(pl, name, v);
        else if (!is_possible(row, pl))
            elsewhere_say(pl, row, v);
        else
            setting_read(pl, row, v);
    }
}

/* ---- routes ---- */

/* Which app it leads to, as a word of conf/routes.h. */
static bool app_check(struct place *pl, const struct json_value *v, struct buf *word)
{
    const struct strings *apps = &pl->reader->app->all;

    buf_addc(word, '=');
    override_encode(pl->app, word);
    if (pl->app.len == 0 && apps->count > 1)
        MEMBER_MISTAKE(pl, STR("app"), v, "is missing; name one of `apps`");
    else if (pl->app.len && !strings_has(apps, pl->app))
        MEMBER_MISTAKE(pl, STR("app"), v, "there is no app \"%.*s\" in `apps`", SHOWN(pl->app));
    else
        return true;
    return false;
}

/* A path of an app is nobody else's, and goes to it as it came. */
static bool own_check(struct place *pl, const struct json_value *v, struct buf *word)
{
    buf_addc(word, '-');
    if (pl->app.len)
        MEMBER_MISTAKE(
            pl, STR("app"), v,
            "these are paths of the app itself; routes to several apps stand under their "
            "address: {\"0.0.0.0:8080\": […]}");
    else if (pl->strip)
        MEMBER_MISTAKE(pl, STR("strip"), v,
                       "only for routes that stand under an address: {\"0.0.0.0:8080\": […]}");
    else
        return true;
    return false;
}

/* Host and path as conf/routes.h has them. */
static bool target_add(struct place *pl, const struct json_value *v, struct buf *out)
{
    AUTO(buf_done) struct buf host = { 0 };
    struct str path = pl->path; /* "/api/" is "/api" */
    bool host_ok, path_ok;

    for (size_t i = 0; i < pl->host.len; i++) {
        char c = pl->host.ptr[i];

        buf_addc(&host, (char)(c >= 'A' && c <= 'Z' ? c + 32 : c));
    }
    if (path.len > 1 && path.ptr[path.len - 1] == '/')
        path.len--;
    host_ok = !host.len || str_eq(buf_str(&host), STR("*")) || routes_host_is(buf_str(&host));
    path_ok = !path.len || str_eq(path, STR("/")) || routes_path_is(path);
    if (!host_ok)
        MEMBER_MISTAKE(pl, STR("host"), json_value_member(v, "host"),
                       "\"%.*s\" is no host; write shop.example, *.shop.example or *, without a "
                       "port",
                       SHOWN(pl->host));
    if (!path_ok)
        MEMBER_MISTAKE(pl, STR("path"), json_value_member(v, "path"),
                       "\"%.*s\" is no prefix of paths; write one such as /api, without escapes "
                       "(%%20), //, /. or a query",
                       SHOWN(pl->path));
    buf_addf(out, "%.*s %.*s", STR_ARG(host.len ? buf_str(&host) : STR("*")),
             STR_ARG(path.len ? path : STR("/")));
    out->failed |= host.failed;
    return host_ok && path_ok;
}

static void seen_check(struct gathering *g, struct place *pl, const struct json_value *v,
                       struct str target)
{
    for (u32 i = 0; i < g->seen.count; i++)
        if (str_eq(strings_at(&g->seen, i), target))
            MEMBER_MISTAKE(pl, STR(""), v, "has the same host and path as [%u] of the list", i);
    strings_add(&g->seen, target);
}

/* `address` is empty for a path of the app. */
static void route_read(struct gathering *g, struct place *pl, struct str address,
                       const struct json_value *v)
{
    AUTO(buf_done) struct buf target = { 0 };
    AUTO(buf_done) struct buf app = { 0 };
    u32 mistakes = g->reader->findings->of[FINDING_MISTAKE];

    members_read(pl, v);
    if (mistakes == g->reader->findings->of[FINDING_MISTAKE] &&
        (address.len ? app_check : own_check)(pl, v, &app) && target_add(pl, v, &target))
        seen_check(g, pl, v, buf_str(&target));
    if (g->text.len)
        buf_addc(&g->text, ';');
    buf_addf(&g->text, "%.*s %.*s %s %.*s%.*s", STR_ARG(address.len ? address : STR("*")),
             STR_ARG(buf_str(&target)), pl->strip ? "strip" : "keep", STR_ARG(buf_str(&app)),
             STR_ARG(buf_str(&pl->overrides)));
    g->reader->failed |= target.failed || app.failed || pl->overrides.failed;
}

/* The routes of a list, which stands under `list_key`. */
static void list_read(struct gathering *g, struct str list_key, struct str address,
                      const struct json_value *list)
{
    u32 n = json_value_count(list);

    strings_done(&g->seen);
    g->seen = (struct strings){ 0 };
    if (json_value_kind(list) != JSON_VALUE_ARRAY || n == 0 || n > ROUTES_MAX) {
        MISTAKE(g->reader, list, list_key, "write a list of 1 to %d routes", ROUTES_MAX);
        return;
    }
    for (u32 i = 0; i < n; i++) {
        const struct json_value *v = json_value_at(list, i);
        AUTO(place_done) struct place pl = { .reader = g->reader, .scope = SETTINGS_OF_ROUTE };
        AUTO(buf_done) struct buf key = { 0 };

        buf_addf(&key, "%.*s[%u]", STR_ARG(list_key), i);
        pl.key = buf_str(&key);
        if (json_value_kind(v) != JSON_VALUE_OBJECT)
            MISTAKE(g->reader, v, pl.key, "write an object, such as {\"path\": \"/api\"%s}",
                    address.len ? ", \"app\": \"api\"" : ", \"max-body\": \"1G\"");
        else if (key.failed || settings_init(&pl.values))
            g->reader->failed = true;
        else
            route_read(g, &pl, address, v);
    }
}

/* ---- addresses ---- */

/* An address to listen on, as conf/routes.h has it; a relative path relates to the file's folder.
 */
static bool address_read(const struct config_reader *r, struct str address, struct buf *whole,
                         struct problem *p)
{
    struct str path = str_sub(address, 5, address.len);
    bool is_unix = str_starts(address, STR("unix:"));
    struct endpoint at;

    if (is_unix && path.len && path.ptr[0] != '/')
        buf_addf(whole, "unix:%.*s/%.*s", STR_ARG(r->from->folder), STR_ARG(path));
    else
        buf_add(whole, address);
    if (endpoint_parse(buf_str(whole), &at, p))
        return false;
    if (at.kind == ENDPOINT_OFF)
        problem_set(p, "write an address, such as 0.0.0.0:8080 or unix:/run/app.sock");
    else if (is_unix && !routes_socket_fits(at.path))
        problem_set(p, "the path of the socket has a blank, ; or a control character in it, which "
                       "is not possible");
    else
        return true;
    return false;
}

typedef void address_fn(struct gathering *g, struct str key, struct str address,
                        const struct json_value *v);

/* Each member of an object of addresses. */
static void addresses_read(struct gathering *g, const char *name, const struct json_value *object,
                           address_fn *fn)
{
    struct config_reader *r = g->reader;
    const struct json_value *v;
    struct str address;

    for (void *at = NULL; json_value_each(object, &at, &address, &v);) {
        AUTO(buf_done) struct buf key = { 0 };
        AUTO(buf_done) struct buf whole = { 0 };
        struct problem p = { 0 };

        buf_addf(&key, "%s.%.*s", name, SHOWN(address));
        config_twice_check(r, object, address, v);
        if (address_read(r, address, &whole, &p))
            fn(g, buf_str(&key), buf_str(&whole), v);
        else
            config_mistake(r, v, buf_str(&key), &p);
        r->failed |= key.failed || whole.failed;
    }
}

/* Takes what was gathered as the value of `row`, when all of it is right. */
static void gathered(struct gathering *g, const char *row, u32 mistakes, const struct json_value *v)
{
    AUTO(freep) struct routes *routes = calloc(1, sizeof(*routes));
    struct config_reader *r = g->reader;
    bool listeners = strcmp(row, "listeners") == 0;
    struct problem p = { 0 };

    r->failed |= !routes || g->text.failed || g->seen.bytes.failed;
    if (r->failed || mistakes != r->findings->of[FINDING_MISTAKE])
        return;
    if ((listeners ? routes_parse_listeners : routes_parse)(routes, buf_str(&g->text), &p))
        config_mistake(r, v, listeners ? STR("listeners") : STR("routes"), &p);
    else
        config_value_set(r, settings_row_find(str_of(row), NULL), buf_str(&g->text),
                         json_value_line(v));
}

void config_routes_read(struct config_reader *r, const struct json_value *v)
{
    AUTO(gathering_done) struct gathering g = { .reader = r };
    u32 mistakes = r->findings->of[FINDING_MISTAKE];
    enum json_value_kind kind = json_value_kind(v);

    if (kind == JSON_VALUE_ARRAY && json_value_count(v) == 0)
        config_value_set(r, settings_row_find(STR("paths"), NULL), STR(""), json_value_line(v));
    else if (kind == JSON_VALUE_ARRAY) {
        list_read(&g, STR("routes"), STR(""), v);
        gathered(&g, "paths", mistakes, v);
    } else if (r->app_name.len) {
        MISTAKE(
            r, v, STR("routes"),
            "%s stands here; write a list of the app's own paths, such as [{\"path\": "
            "\"/upload\", \"max-body\": \"1G\"}]; addresses for several apps stand beside `apps`",
            config_value_kind(v));
    } else if (kind != JSON_VALUE_OBJECT) {
        MISTAKE(r, v, STR("routes"),
                "%s stands here; write an object, such as {\"0.0.0.0:8080\": [{\"path\": \"/api\", "
                "\"app\": \"api\"}]}, or a list of the app's own paths, such as [{\"path\": "
                "\"/upload\", \"max-body\": \"1G\"}]",
                config_value_kind(v));
    } else if (!config_too_many(r, v, STR("routes"))) {
        addresses_read(&g, "routes", v, list_read);
        gathered(&g, "routes", mistakes, v);
    }
}

static void listener_read(struct gathering *g, struct str key, struct str address,
                          const struct json_value *v)
{
    AUTO(place_done)
    struct place pl = { .reader = g->reader, .scope = SETTINGS_OF_LISTENER, .key = key };

    if (json_value_kind(v) != JSON_VALUE_OBJECT) {
        MISTAKE(g->reader, v, key, "write an object, such as {\"idle-timeout\": \"5s\"}");
        return;
    }
    if (settings_init(&pl.values)) {
        g->reader->failed = true;
        return;
    }
    members_read(&pl, v);
    buf_addf(&g->text, "%s%.*s%.*s", g->text.len ? ";" : "", STR_ARG(address),
             STR_ARG(buf_str(&pl.overrides)));
    g->reader->failed |= pl.overrides.failed;
}

void config_listeners_read(struct config_reader *r, const struct json_value *v)
{
    AUTO(gathering_done) struct gathering g = { .reader = r };
    u32 mistakes = r->findings->of[FINDING_MISTAKE];

    if (json_value_kind(v) != JSON_VALUE_OBJECT) {
        MISTAKE(r, v, STR("listeners"),
                "%s stands here; write an object, such as {\"0.0.0.0:8080\": {\"idle-timeout\": "
                "\"5s\"}}",
                config_value_kind(v));
        return;
    }
    if (config_too_many(r, v, STR("listeners")))
        return;
    addresses_read(&g, "listeners", v, listener_read);
    gathered(&g, "listeners", mistakes, v);
}
