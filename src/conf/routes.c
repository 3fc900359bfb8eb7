/* conf/routes.c -- what a file says for places: addresses, and hosts and paths */
#include "conf/routes.h"

#define SHOWN(text) STR_ARG(str_sub(text, 0, 80))

bool routes_socket_fits(struct str path)
{
    for (size_t i = 0; i < path.len; i++)
        if ((u8)path.ptr[i] <= ' ' || path.ptr[i] == ';' || path.ptr[i] == 0x7f)
            return false;
    return true;
}

bool routes_host_is(struct str s)
{
    if (s.len > 253)
        return false;
    if (str_starts(s, STR("*.")))
        s = str_sub(s, 2, s.len);
    if (s.len && s.ptr[0] == '[')
        return s.ptr[s.len - 1] == ']';
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_' && c != '.')
            return false;
    }
    return s.len > 0 && s.ptr[0] != '.' && s.ptr[s.len - 1] != '.';
}

bool routes_path_is(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        bool twice = s.ptr[i] == '/' && i + 1 < s.len && strchr("/.", s.ptr[i + 1]);

        if ((u8)s.ptr[i] <= ' ' || (u8)s.ptr[i] >= 0x7f || strchr("%?#;\\", s.ptr[i]) || twice)
            return false;
    }
    return s.len > 1 && s.len <= 1024 && s.ptr[0] == '/' && s.ptr[s.len - 1] != '/';
}

/* ---- from text ---- */

static int address_parse(struct str text, struct endpoint *at, struct problem *p)
{
    int err = endpoint_parse(text, at, p);

    if (!err && at->kind == ENDPOINT_OFF)
        return problem_set(p,
                           "\"%.*s\" is no address to listen on; write one such as 0.0.0.0:8080 or "
                           "unix:/run/app.sock",
                           SHOWN(text));
    return err;
}

static int address_find(struct routes *r, struct str text, u32 *index, struct problem *p)
{
    struct endpoint at;
    int err;

    *index = ROUTES_ANYWHERE;
    if (str_eq(text, STR("*")))
        return 0;
    err = address_parse(text, &at, p);
    if (err)
        return err;
    for (*index = 0; *index < r->addresses; ++*index)
        if (endpoint_same(&r->address[*index], &at))
            return 0;
    if (r->addresses == ROUTES_ADDRESSES_MAX)
        return problem_set(p, "there are more than %d addresses", ROUTES_ADDRESSES_MAX);
    r->address_text[r->addresses] = text;
    r->address[r->addresses++] = at;
    return 0;
}

static bool app_parse(struct str word, struct routes_row *row)
{
    u64 number = ROUTES_NO_APP;

    if (word.len && word.ptr[0] == '=')
        row->app_name = str_sub(word, 1, word.len);
    else if (!str_eq(word, STR("-")) && (!str_to_u64(word, &number) || number >= ROUTES_NO_APP))
        return false;
    row->app = (u32)number;
    return true;
}

static bool overrides_are(struct str list)
{
    struct override o;

    while (override_next(&list, &o))
        ;
    return list.len == 0;
}

static int route_parse(struct routes *r, struct str text, struct problem *p)
{
    struct str rest = text, address = str_cut(rest, ' ', &rest), host = str_cut(rest, ' ', &rest),
               path = str_cut(rest, ' ', &rest), how = str_cut(rest, ' ', &rest),
               app = str_cut(rest, ' ', &rest);
    struct routes_row *row = &r->row[r->n];

    if (r->n == ROUTES_MAX)
        return problem_set(p, "there are more than %d routes", ROUTES_MAX);
    *row = (struct routes_row){ .strip = str_eq(how, STR("strip")), .overrides = rest };
    if (!app.ptr || !(row->strip || str_eq(how, STR("keep"))) || !app_parse(app, row) ||
        !(str_eq(host, STR("*")) || routes_host_is(host)) ||
        !(str_eq(path, STR("/")) || routes_path_is(path)) || !overrides_are(rest))
        return problem_set(p, "\"%.*s\" is no route", SHOWN(text));
    if (!str_eq(host, STR("*")))
        row->host = host;
    if (!str_eq(path, STR("/")))
        row->path = path;
    int err = address_find(r, address, &row->address, p);

    r->n += !err;
    return err;
}

int routes_parse(struct routes *out, struct str text, struct problem *p)
{
    struct str rest = text;
    int err = 0;

    while (!err && rest.len)
        err = route_parse(out, str_cut(rest, ';', &rest), p);
    return err;
}

int routes_parse_listeners(struct routes *out, struct str text, struct problem *p)
{
    struct str rest = text;

    while (rest.len) {
        struct str one = str_cut(rest, ';', &rest), list, address = str_cut(one, ' ', &list);
        struct routes_listener *l = &out->listener[out->listeners];
        int err;

        if (out->listeners == ROUTES_LISTENERS_MAX)
            return problem_set(p, "there are more than %d listeners", ROUTES_LISTENERS_MAX);
        err = address_parse(address, &l->at, p);
        if (err)
            return err;
        if (!overrides_are(list))
            return problem_set(p, "\"%.*s\" is no listener", SHOWN(one));
        for (u32 i = 0; i < out->listeners; i++)
            if (endpoint_same(&out->listener[i].at, &l->at))
                return problem_set(p, "%.*s stands there twice", SHOWN(address));
        l->text = address;
        l->overrides = list;
        out->listeners++;
    }
    return 0;
}

/* ---- to text ---- */

static void overrides_text(struct str list, struct buf *out)
{
    list = str_trim(list);
    if (list.len)
        buf_addc(out, ' ');
    buf_add(out, list);
}

static void row_text(const struct routes *r, const struct routes_row *row, struct buf *out)
{
    buf_add(out, row->address == ROUTES_ANYWHERE ? STR("*") : r->address_text[row->address]);
    buf_addf(out, " %.*s %.*s %s ", STR_ARG(row->host.len ? row->host : STR("*")),
             STR_ARG(row->path.len ? row->path : STR("/")), row->strip ? "strip" : "keep");
    if (row->app_name.ptr)
        buf_addf(out, "=%.*s", STR_ARG(row->app_name));
    else if (row->app == ROUTES_NO_APP)
        buf_addc(out, '-');
    else
        buf_addu(out, row->app);
    overrides_text(row->overrides, out);
}

void routes_text(const struct routes *r, struct buf *out)
{
    for (u32 i = 0; i < r->n; i++) {
        if (i)
            buf_addc(out, ';');
        row_text(r, &r->row[i], out);
    }
}

void routes_listeners_text(const struct routes *r, struct buf *out)
{
    for (u32 i = 0; i < r->listeners; i++) {
        if (i)
            buf_addc(out, ';');
        buf_add(out, r->listener[i].text);
        overrides_text(r->listener[i].overrides, out);
    }
}

/* ---- what is said ---- */

void routes_place(const struct routes *r, u32 row, struct buf *out)
{
    u32 address = r->row[row].address, index = 0;

    for (u32 i = 0; i < row; i++)
        index += r->row[i].address == address;
    buf_add(out, STR("routes"));
    if (address != ROUTES_ANYWHERE) {
        buf_addc(out, '.');
        buf_add(out, r->address_text[address]);
    }
    buf_addf(out, "[%u]", index);
}

void routes_listener_place(const struct routes_listener *l, struct buf *out)
{
    buf_add(out, STR("listeners."));
    buf_add(out, l->text);
}

static const struct settings_origin *origin_of(const struct settings *s, struct str name)
{
    return settings_origin_of(s, settings_row_find(name, NULL));
}

/* "apps.shop." of "apps.shop.paths". */
static void prefix_add(struct buf *out, const struct settings_origin *origin, struct str name)
{
    if (str_ends(origin->key, name))
        buf_add(out, str_sub(origin->key, 0, origin->key.len - name.len));
}

int routes_apply(struct settings *to, const struct settings *from, const struct routes *r, u32 row,
                 struct problem *p)
{
    bool own = r->row[row].address == ROUTES_ANYWHERE;
    struct str name = own ? STR("paths") : STR("routes");
    const struct settings_origin *origin = origin_of(from, name);
    AUTO(buf_done) struct buf place = { 0 };

    prefix_add(&place, origin, name);
    routes_place(r, row, &place);
    struct override_from of = { own ? SETTINGS_PATH_OWN : SETTINGS_ROUTE, origin->file,
                                buf_str(&place) };

    return place.failed ? -ENOMEM : override_apply(to, r->row[row].overrides, &of, p);
}

int routes_listener_apply(struct settings *to, const struct settings *from,
                          const struct routes_listener *l, struct problem *p)
{
    const struct settings_origin *origin = origin_of(from, STR("listeners"));
    AUTO(buf_done) struct buf place = { 0 };

    prefix_add(&place, origin, STR("listeners"));
    routes_listener_place(l, &place);
    struct override_from of = { SETTINGS_LISTENER, origin->file, buf_str(&place) };

    return place.failed ? -ENOMEM : override_apply(to, l->overrides, &of, p);
}

u32 routes_listener_fits(const struct routes_listener *l, const struct endpoint *bound)
{
    if (endpoint_same(&l->at, bound))
        return 2;
    if (l->at.kind != ENDPOINT_IP || bound->kind != ENDPOINT_IP ||
        l->at.addr.port != bound->addr.port)
        return 0;
    return addr_is_any(&l->at.addr) || addr_is_any(&bound->addr);
}
