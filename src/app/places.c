/* app/places.c -- what is said for listeners and routes */
#include "app/places.h"

#include "base/json.h"

static struct routes *all_read(const struct settings *s)
{
    struct routes *r = calloc(1, sizeof(*r));
    struct problem ignored; /* the texts are ours */

    if (r && (routes_parse(r, s->routes, &ignored) || routes_parse(r, s->paths, &ignored) ||
              routes_parse_listeners(r, s->listeners, &ignored))) {
        free(r);
        r = NULL;
    }
    return r;
}

/* ---- on the way to the proxy ---- */

/* The overrides without those that a flag or a variable overrules. */
static void overrides_settle(const struct settings *s, struct str list, struct buf *out)
{
    struct override o;

    while (override_next(&list, &o)) {
        if (settings_origin_of(s, o.row)->source >= SETTINGS_ENV)
            continue;
        buf_addf(out, " %s:%u=%.*s", o.row->name, o.line, STR_ARG(o.value));
    }
}

static void app_settle(struct routes_row *row, const struct places_app *apps, u32 n,
                       struct buf *name)
{
    AUTO(buf_done) struct buf key = { 0 };

    if (!row->app_name.ptr)
        return;
    if (!override_decode(row->app_name, &key) || key.failed)
        n = 0;
    for (u32 i = 0; i < n; i++) {
        if (key.len && !str_eq(apps[i].key, buf_str(&key)) && apps[i].key.len)
            continue;
        override_encode(apps[i].name, name);
        buf_addc(name, 0);
        row->app_name = str_of(name->failed ? "" : name->ptr);
        return;
    }
    row->app_name = (struct str){ 0 };
    row->app = ROUTES_NO_APP;
}

/* Rewrites one of the texts. */
static int text_settle(struct settings *s, struct str *text, const struct places_app *apps, u32 n)
{
    AUTO(freep) struct routes *r = calloc(1, sizeof(*r));
    AUTO(freep) struct buf *bufs = calloc(2 * ROUTES_MAX, sizeof(*bufs));
    AUTO(buf_done) struct buf out = { 0 };
    bool listeners = text == &s->listeners;
    struct problem ignored;
    int err = r && bufs ? 0 : -ENOMEM;

    if (!err)
        err = (listeners ? routes_parse_listeners : routes_parse)(r, *text, &ignored);
    for (u32 i = 0; !err && i < (listeners ? r->listeners : r->n); i++) {
        struct str *list = listeners ? &r->listener[i].overrides : &r->row[i].overrides;

        overrides_settle(s, *list, &bufs[2 * i]);
        *list = buf_str(&bufs[2 * i]);
        if (!listeners)
            app_settle(&r->row[i], apps, n, &bufs[2 * i + 1]);
        out.failed |= bufs[2 * i].failed || bufs[2 * i + 1].failed;
    }
    if (!err)
        (listeners ? routes_listeners_text : routes_text)(r, &out);
    if (!err)
        err = out.failed ? -ENOMEM : settings_put(s, text, buf_str(&out));
    for (u32 i = 0; bufs && i < 2 * ROUTES_MAX; i++)
        buf_done(&bufs[i]);
    return err;
}

int places_settle(struct settings *s, const struct places_app *apps, u32 n)
{
    struct str *const texts[] = { &s->listeners, &s->routes, &s->paths };
    int err = 0;

    for (u32 i = 0; i < ARRAY_LEN(texts) && !err; i++)
        if (texts[i]->len)
            err = text_settle(s, texts[i], apps, n);
    return err;
}

int places_number(const struct settings *s, const struct strings *names, struct buf *out)
{
    AUTO(freep) struct routes *r = calloc(1, sizeof(*r));
    struct problem ignored;
    int err = r ? routes_parse(r, s->routes, &ignored) : -ENOMEM;

    for (u32 i = 0; !err && i < r->n; i++) {
        AUTO(buf_done) struct buf name = { 0 };
        struct routes_row *row = &r->row[i];

        if (!row->app_name.ptr)
            continue;
        row->app = ROUTES_NO_APP;
        if (override_decode(row->app_name, &name))
            for (u32 k = 0; k < names->count; k++)
                if (str_eq(strings_at(names, k), buf_str(&name)))
                    row->app = k;
        row->app_name = (struct str){ 0 };
        out->failed |= name.failed;
    }
    if (!err)
        routes_text(r, out);
    return err ? err : out->failed ? -ENOMEM : 0;
}

/* ---- for people ---- */

void places_label(struct buf *out, const struct routes *r, u32 row)
{
    const struct routes_row *one = &r->row[row];

    buf_add(out, STR("route "));
    if (one->address != ROUTES_ANYWHERE) {
        buf_add(out, r->address_text[one->address]);
        buf_addc(out, ' ');
    }
    buf_add(out, one->host);
    buf_add(out, one->path.len ? one->path : STR("/"));
}

void places_listener_label(struct buf *out, const struct routes_listener *l)
{
    buf_add(out, STR("listener "));
    buf_add(out, l->text);
}

/* One override with its value as people write it, and where it was said. */
struct said {
    struct buf value, from;
};

static void said_done(struct said *s)
{
    buf_done(&s->value);
    buf_done(&s->from);
}

/* `place` is what routes_place says, `text` the name of the setting whose text it stands in. */
static void said_read(struct said *out, const struct settings *s, const char *text,
                      struct str place, const struct override *o)
{
    const struct settings_origin *origin =
        settings_origin_of(s, settings_row_find(str_of(text), NULL));
    struct str prefix = { 0 };

    if (str_ends(origin->key, str_of(text)))
        prefix = str_sub(origin->key, 0, origin->key.len - strlen(text));
    if (!override_decode(o->value, &out->value))
        buf_clear(&out->value);
    buf_addf(&out->from, "%.*s", STR_ARG(origin->file));
    if (o->line)
        buf_addf(&out->from, ":%u", o->line);
    buf_addf(&out->from, "%s%.*s%.*s.%s", out->from.len ? " " : "", STR_ARG(prefix), STR_ARG(place),
             o->row->name);
}

static void overrides_json(struct buf *out, const struct settings *s, const char *text,
                           struct str place, struct str list)
{
    struct override o;

    json_key(out, "settings");
    buf_addc(out, '[');
    while (override_next(&list, &o)) {
        AUTO(said_done) struct said said = { 0 };

        said_read(&said, s, text, place, &o);
        json_comma(out);
        buf_addc(out, '{');
        json_key(out, "name");
        json_text(out, str_of(o.row->name));
        json_key(out, "value");
        json_text(out, buf_str(&said.value));
        json_key(out, "from");
        json_text(out, buf_str(&said.from));
        json_key(out, "reloadable");
        json_bool(out, o.row->flags & SETTINGS_RELOADABLE);
        buf_addc(out, '}');
        out->failed |= said.value.failed || said.from.failed;
    }
    buf_addc(out, ']');
}

static void member_json(struct buf *out, const char *key, struct str value)
{
    if (value.len == 0)
        return;
    json_key(out, key);
    json_text(out, value);
}

static void route_json(struct buf *out, const struct settings *s, const struct routes *r, u32 i)
{
    const struct routes_row *row = &r->row[i];
    bool own = row->address == ROUTES_ANYWHERE;
    AUTO(buf_done) struct buf place = { 0 };
    AUTO(buf_done) struct buf app = { 0 };

    routes_place(r, i, &place);
    json_comma(out);
    buf_add(out, STR("{\"kind\":\"route\""));
    if (!own)
        member_json(out, "address", r->address_text[row->address]);
    member_json(out, "host", row->host);
    member_json(out, "path", row->path);
    if (row->app_name.ptr && override_decode(row->app_name, &app))
        member_json(out, "app", buf_str(&app));
    if (!own) {
        json_key(out, "strip");
        json_bool(out, row->strip);
    }
    overrides_json(out, s, own ? "paths" : "routes", buf_str(&place), row->overrides);
    buf_addc(out, '}');
    out->failed |= place.failed || app.failed;
}

void places_json(struct buf *out, const struct settings *s)
{
    AUTO(freep) struct routes *r = all_read(s);

    buf_addc(out, '[');
    for (u32 i = 0; r && i < r->listeners; i++) {
        AUTO(buf_done) struct buf place = { 0 };

        routes_listener_place(&r->listener[i], &place);
        json_comma(out);
        buf_add(out, STR("{\"kind\":\"listener\""));
        member_json(out, "address", r->listener[i].text);
        overrides_json(out, s, "listeners", buf_str(&place), r->listener[i].overrides);
        buf_addc(out, '}');
        out->failed |= place.failed;
    }
    for (u32 i = 0; r && i < r->n; i++)
        route_json(out, s, r, i);
    buf_addc(out, ']');
    out->failed |= !r;
}

static void column(struct buf *out, size_t line, u32 at)
{
    do
        buf_addc(out, ' ');
    while (!out->failed && out->len - line < at);
}

struct show {
    struct buf *out;
    const struct settings *settings;
    u32 name_column, value_column;
};

static void overrides_show(const struct show *sh, const char *text, struct str place,
                           struct str list)
{
    struct override o;

    while (override_next(&list, &o)) {
        AUTO(said_done) struct said said = { 0 };
        size_t line = sh->out->len;

        said_read(&said, sh->settings, text, place, &o);
        buf_addf(sh->out, "  %s", o.row->name);
        column(sh->out, line, sh->name_column);
        buf_add(sh->out, buf_str(&said.value));
        column(sh->out, line, sh->name_column + sh->value_column);
        buf_addf(sh->out, "%.*s\n", STR_ARG(buf_str(&said.from)));
    }
}

static void route_show(const struct show *sh, const struct routes *r, u32 i)
{
    const struct routes_row *row = &r->row[i];
    AUTO(buf_done) struct buf place = { 0 };
    AUTO(buf_done) struct buf app = { 0 };

    routes_place(r, i, &place);
    buf_addc(sh->out, '\n');
    places_label(sh->out, r, i);
    if (row->app_name.len && override_decode(row->app_name, &app))
        buf_addf(sh->out, " → %.*s%s", STR_ARG(buf_str(&app)),
                 row->strip ? ", without the prefix" : "");
    buf_addc(sh->out, '\n');
    overrides_show(sh, row->address == ROUTES_ANYWHERE ? "paths" : "routes", buf_str(&place),
                   row->overrides);
    sh->out->failed |= place.failed || app.failed;
}

void places_show(struct buf *out, const struct settings *s, u32 name_column, u32 value_column)
{
    AUTO(freep) struct routes *r = all_read(s);
    struct show sh = { out, s, name_column, value_column };

    for (u32 i = 0; r && i < r->listeners; i++) {
        AUTO(buf_done) struct buf place = { 0 };

        routes_listener_place(&r->listener[i], &place);
        buf_addc(out, '\n');
        places_listener_label(out, &r->listener[i]);
        buf_addc(out, '\n');
        overrides_show(&sh, "listeners", buf_str(&place), r->listener[i].overrides);
        out->failed |= place.failed;
    }
    for (u32 i = 0; r && i < r->n; i++)
        route_show(&sh, r, i);
    out->failed |= !r;
}
