/* balance/router.c -- which app gets a request */
#include "balance/router.h"

/* ---- hosts ---- */

static struct str host_of(struct str authority)
{
    ptrdiff_t end = str_index(authority, authority.len && authority.ptr[0] == '[' ? ']' : ':');
    struct str host = authority;

    if (end >= 0)
        host = str_sub(authority, 0, (size_t)end + (authority.ptr[0] == '['));
    if (host.len && host.ptr[host.len - 1] == '.')
        host.len--;
    return host;
}

static bool is_wildcard(struct str host)
{
    return host.len > 1 && host.ptr[0] == '*';
}

static bool host_fits(struct str want, struct str host)
{
    struct str below;

    if (want.len == 0)
        return true;
    if (!is_wildcard(want))
        return str_eq_nocase(want, host);
    below = str_sub(want, 1, want.len); /* ".example.org" */
    return host.len > below.len &&
           str_eq_nocase(str_sub(host, host.len - below.len, host.len), below);
}

/* 0 exact, 1 wildcard, 2 any. */
static int rank(struct str host)
{
    return host.len == 0 ? 2 : is_wildcard(host);
}

static int by_order(const void *va, const void *vb)
{
    const struct router_route *a = va, *b = vb;

    if (rank(a->host) != rank(b->host))
        return rank(a->host) - rank(b->host);
    if (a->host.len != b->host.len)
        return a->host.len > b->host.len ? -1 : 1;
    return a->path.len > b->path.len ? -1 : a->path.len < b->path.len;
}

void router_sort(struct router *r)
{
    if (r->n)
        qsort(r->route, r->n, sizeof(*r->route), by_order);
}

/* ---- paths ---- */

struct normal {
    char bytes[ROUTER_PATH_MAX];
    size_t len;
    bool dots; /* it had segments to resolve */
};

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that "%41" at the beginning of s stands for; -1: it is none. */
static int escaped(struct str s)
{
    int high = s.len >= 3 && s.ptr[0] == '%' ? hex_value(s.ptr[1]) : -1;
    int low = high >= 0 ? hex_value(s.ptr[2]) : -1;

    return low >= 0 ? high * 16 + low : -1;
}

static bool is_unreserved(int c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

/* Ends the segment that begins at `from`: what . and .. ask for is done. `last`: nothing follows
 * it. */
static void segment_end(struct normal *n, size_t from, bool last)
{
    struct str segment = str_make(n->bytes + from, n->len - from);
    bool up = str_eq(segment, STR(".."));

    if (!up && !str_eq(segment, STR(".")))
        return;
    n->dots = true;
    n->len = from; /* behind the slash before it */
    if (up && n->len > 1) {
        n->len--;
        while (n->len > 0 && n->bytes[n->len - 1] != '/')
            n->len--;
    }
    if (!last)
        n->len--; /* the slash that follows stands for the one before it */
}

/* `lenient`: as the reader who takes most for a slash. The path is at most ROUTER_PATH_MAX long. */
static void normalize(struct normal *n, struct str path, bool lenient)
{
    size_t from = 1;

    n->len = 0;
    n->dots = false;
    for (size_t i = 0; i < path.len; i++) {
        int c = escaped(str_sub(path, i, path.len));
        bool decode = c >= 0 && (lenient || is_unreserved(c));

        if (decode)
            i += 2;
        else
            c = (u8)path.ptr[i];
        if (lenient && c == '#' && !decode)
            break;
        if (lenient && c == '\\')
            c = '/';
        if (c != '/' || (decode && !lenient)) {
            n->bytes[n->len++] = (char)c;
            continue;
        }
        if (n->len > 0)
            segment_end(n, from, false);
        if (lenient && n->len > 0 && n->bytes[n->len - 1] == '/')
            n->len--; /* two in a row */
        n->bytes[n->len++] = '/';
        from = n->len;
    }
    if (n->len >= from)
        segment_end(n, from, true);
}

/* Nothing in it can be read in two ways, or needs to be resolved. */
static bool is_plain(struct str path)
{
    for (size_t i = 0; i < path.len; i++) {
        char c = path.ptr[i];

        if (c == '%' || c == '\\' || c == '#')
            return false;
        if (c == '/' && i + 1 < path.len && (path.ptr[i + 1] == '/' || path.ptr[i + 1] == '.'))
            return false;
    }
    return true;
}

bool router_path_is_normal(struct str path)
{
    for (size_t i = 0; i < path.len; i++)
        if ((u8)path.ptr[i] <= ' ' || (u8)path.ptr[i] >= 0x7f || path.ptr[i] == '?' ||
            path.ptr[i] == ';')
            return false;
    return path.len > 1 && path.ptr[0] == '/' && path.ptr[path.len - 1] != '/' && is_plain(path);
}

static bool path_fits(struct str prefix, struct str path)
{
    return prefix.len == 0 ||
           (str_starts(path, prefix) && (path.len == prefix.len || path.ptr[prefix.len] == '/'));
}

/* ---- both ---- */

static const struct router_route *find(const struct router *r, struct str host, struct str path)
{
    for (u32 i = 0; i < r->n; i++)
        if (host_fits(r->route[i].host, host) && path_fits(r->route[i].path, path))
            return &r->route[i];
    return NULL;
}

enum router_verdict router_find(const struct router *r, struct str authority, struct str path,
                                const struct router_route **out)
{
    struct str host = host_of(authority), query;
    const struct router_route *found;
    struct normal strict, lenient;

    path = str_cut(path, '?', &query);
    if (is_plain(path)) {
        *out = find(r, host, path);
        return *out ? ROUTER_FOUND : ROUTER_NOBODY;
    }
    if (path.len > ROUTER_PATH_MAX)
        return ROUTER_AMBIGUOUS;
    normalize(&strict, path, false);
    normalize(&lenient, path, true);
    found = find(r, host, str_make(strict.bytes, strict.len));
    if (found != find(r, host, str_make(lenient.bytes, lenient.len)))
        return ROUTER_AMBIGUOUS;
    if (!found)
        return ROUTER_NOBODY;
    if (found->strip && found->path.len &&
        (strict.dots || lenient.dots || !path_fits(found->path, path)))
        return ROUTER_AMBIGUOUS;
    *out = found;
    return ROUTER_FOUND;
}
