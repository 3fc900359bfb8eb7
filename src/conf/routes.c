/* conf/routes.c -- one address that leads to several apps: which host and path is whose */
#include "conf/routes.h"

#include "base/strings.h"

#define SHOWN(text) STR_ARG(str_sub(text, 0, 80))

static int address_find(struct routes *r, struct str text, u32 *index, struct problem *p)
{
    struct endpoint at;
    int err = endpoint_parse(text, &at, p);

    if (err)
        return err;
    if (at.kind == ENDPOINT_OFF)
        return problem_set(p,
                           "\"%.*s\" is no address to listen on; write one such as 0.0.0.0:8080 or "
                           "unix:/run/app.sock",
                           SHOWN(text));
    for (*index = 0; *index < r->addresses; ++*index)
        if (endpoint_same(&r->address[*index], &at))
            return 0;
    if (r->addresses == ROUTES_ADDRESSES_MAX)
        return problem_set(p, "there are more than %d addresses", ROUTES_ADDRESSES_MAX);
    r->address[r->addresses++] = at;
    return 0;
}

bool routes_path_fits(struct str path)
{
    for (size_t i = 0; i < path.len; i++)
        if ((u8)path.ptr[i] <= ' ' || path.ptr[i] == ';' || path.ptr[i] == 0x7f)
            return false;
    return true;
}

/* What a Host field may hold, in lower case, without a port; or *. before that. */
static bool is_host(struct str s)
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

/* As balance/router.h wants it. */
static bool is_path(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        bool twice = s.ptr[i] == '/' && i + 1 < s.len && strchr("/.", s.ptr[i + 1]);

        if ((u8)s.ptr[i] <= ' ' || (u8)s.ptr[i] >= 0x7f || strchr("%?#;\\", s.ptr[i]) || twice)
            return false;
    }
    return s.len > 1 && s.len <= 1024 && s.ptr[0] == '/' && s.ptr[s.len - 1] != '/';
}

static int route_parse(struct routes *r, struct str text, struct problem *p)
{
    struct str rest = text, address = str_cut(rest, ' ', &rest), host = str_cut(rest, ' ', &rest),
               path = str_cut(rest, ' ', &rest), how = str_cut(rest, ' ', &rest), app = rest;
    struct routes_row *row = &r->row[r->n];
    u64 number = ROUTES_NO_APP;
    int err;

    if (r->n == ROUTES_MAX)
        return problem_set(p, "there are more than %d routes", ROUTES_MAX);
    if (!app.ptr || !(str_eq(how, STR("keep")) || str_eq(how, STR("strip"))) ||
        !(str_eq(app, STR("-")) || (str_to_u64(app, &number) && number < ROUTES_NO_APP)) ||
        !(str_eq(host, STR("*")) || is_host(host)) || !(str_eq(path, STR("/")) || is_path(path)))
        return problem_set(p, "\"%.*s\" is no route", SHOWN(text));
    err = address_find(r, address, &row->address, p);
    if (err)
        return err;
    row->host = str_eq(host, STR("*")) ? (struct str){ 0 } : host;
    row->path = str_eq(path, STR("/")) ? (struct str){ 0 } : path;
    row->strip = str_eq(how, STR("strip"));
    row->app = (u32)number;
    r->n++;
    return 0;
}

int routes_parse(struct routes *out, struct str text, struct problem *p)
{
    struct str rest = text;
    int err = 0;

    while (!err && rest.len)
        err = route_parse(out, str_cut(rest, ';', &rest), p);
    return err;
}

void routes_text(const struct routes *r, struct buf *out)
{
    for (u32 i = 0; i < r->n; i++) {
        const struct routes_row *row = &r->row[i];

        if (i)
            buf_addc(out, ';');
        endpoint_text(&r->address[row->address], out);
        buf_addf(out, " %.*s %.*s %s ", STR_ARG(row->host.len ? row->host : STR("*")),
                 STR_ARG(row->path.len ? row->path : STR("/")), row->strip ? "strip" : "keep");
        if (row->app == ROUTES_NO_APP)
            buf_addc(out, '-');
        else
            buf_addu(out, row->app);
    }
}

/* ---- from a file ---- */

struct reader {
    struct str host, path, app;
    bool strip;
    struct str *key;
    struct problem *problem;
};

static int member_read(struct reader *r, struct str name, const struct json_value *v)
{
    enum json_value_kind kind = json_value_kind(v);

    *r->key = name;
    if (str_eq(name, STR("strip"))) {
        if (kind != JSON_VALUE_TRUE && kind != JSON_VALUE_FALSE)
            return problem_set(r->problem, "write true or false");
        r->strip = kind == JSON_VALUE_TRUE;
        return 0;
    }
    if (!str_eq(name, STR("host")) && !str_eq(name, STR("path")) && !str_eq(name, STR("app")))
        return problem_set(r->problem, "unknown; a route has host, path, app and strip");
    if (kind != JSON_VALUE_TEXT || json_value_text(v).len == 0)
        return problem_set(r->problem, "write a text");
    *(str_eq(name, STR("host"))   ? &r->host
      : str_eq(name, STR("path")) ? &r->path
                                  : &r->app) = json_value_text(v);
    return 0;
}

/* The number of the app that a route names. */
static int app_find(struct reader *r, const struct strings *apps, u32 *number)
{
    *r->key = STR("app");
    if (r->app.len == 0 && apps->count > 1)
        return problem_set(r->problem, "is missing; name one of `apps`");
    for (*number = 0; r->app.len && *number < apps->count; ++*number)
        if (str_eq(strings_at(apps, *number), r->app))
            return 0;
    if (r->app.len == 0)
        return 0;
    return problem_set(r->problem, "there is no app \"%.*s\" in `apps`", SHOWN(r->app));
}

int routes_read(const struct json_value *route, struct str address, const struct strings *apps,
                struct buf *out, struct str *key, struct problem *p)
{
    struct reader r = { .key = key, .problem = p };
    AUTO(buf_done) struct buf host = { 0 };
    const struct json_value *v;
    struct str name, path;
    u32 number = 0;
    int err = 0;

    for (void *at = NULL; !err && json_value_each(route, &at, &name, &v);)
        err = member_read(&r, name, v);
    if (!err)
        err = app_find(&r, apps, &number);
    if (err)
        return err;
    for (size_t i = 0; i < r.host.len; i++)
        buf_addc(&host, (char)(r.host.ptr[i] >= 'A' && r.host.ptr[i] <= 'Z' ? r.host.ptr[i] + 32
                                                                            : r.host.ptr[i]));
    *key = STR("host");
    if (r.host.len && !str_eq(r.host, STR("*")) && !is_host(buf_str(&host)))
        return problem_set(p,
                           "\"%.*s\" is no host; write shop.example, *.shop.example or *, "
                           "without a port",
                           SHOWN(r.host));
    path = r.path; /* "/api/" is "/api" */
    if (path.len > 1 && path.ptr[path.len - 1] == '/')
        path.len--;
    *key = STR("path");
    if (path.len && !str_eq(path, STR("/")) && !is_path(path))
        return problem_set(p,
                           "\"%.*s\" is no prefix of paths; write one such as /api, without "
                           "escapes (%%20), //, /. or a query",
                           SHOWN(r.path));
    buf_addf(out, "%s%.*s %.*s %.*s %s %u", out->len ? ";" : "", STR_ARG(address),
             STR_ARG(host.len ? buf_str(&host) : STR("*")), STR_ARG(path.len ? path : STR("/")),
             r.strip ? "strip" : "keep", number);
    return host.failed || out->failed ? -ENOMEM : 0;
}
