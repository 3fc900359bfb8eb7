/* router_fuzz.c -- any path to the router: whoever gets it, no other spelling of it goes elsewhere
 *
 * Written with each letter, digit, - . _ ~ escaped, and with a segment . or one that is taken back
 * before it, a path is the same one: the same app's, or refused.
 */
#include "balance/router.h"

static struct router_route routes[] = {
    { .host = { "", 0 }, .path = { "/a", 2 }, .app = 1 },
    { .host = { "", 0 }, .path = { "/a/b", 4 }, .app = 2 },
    { .host = { "h", 1 }, .path = { "", 0 }, .app = 3 },
    { .host = { "h", 1 }, .path = { "/b", 2 }, .app = 4 },
    { .host = { "*.h", 3 }, .path = { "/a.", 3 }, .app = 5 },
    { .host = { "s", 1 }, .path = { "/a", 2 }, .app = 6, .strip = true },
};

static u32 found(const struct router *r, struct str host, struct str path, bool *ambiguous)
{
    const struct router_route *route = NULL;
    enum router_verdict v = router_find(r, host, path, &route);

    *ambiguous = v == ROUTER_AMBIGUOUS;
    assert((v == ROUTER_FOUND) == (route != NULL) || v == ROUTER_AMBIGUOUS);
    if (v == ROUTER_FOUND && route->strip)
        assert(str_starts(path, route->path));
    return v == ROUTER_FOUND ? route->app : 0;
}

static bool is_unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           (c && strchr("-._~", c));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const hosts[] = { "", "x", "H:80", "a.h.", "s" };
    static const char *const before[] = { "", "/.", "/x/..", "/%2e%2E", "/%2e" };
    static char spelt[4 * ROUTER_PATH_MAX];
    struct router r = { routes, sizeof(routes) / sizeof(routes[0]) };
    bool ambiguous, again;
    u32 app, other;

    if (size < 2 || size > ROUTER_PATH_MAX / 4)
        return 0;
    router_sort(&r);
    struct str host = str_of(hosts[data[0] % ARRAY_LEN(hosts)]);
    struct str path = str_make((const char *)data + 1, size - 1);
    size_t n = 0;

    if (path.ptr[0] != '/' || memchr(path.ptr, '?', path.len))
        return 0;
    app = found(&r, host, path, &ambiguous);
    if (ambiguous)
        return 0;
    const char *first = before[(size + data[size - 1]) % ARRAY_LEN(before)];
    memcpy(spelt, first, strlen(first));
    n = strlen(first);
    for (size_t i = 0; i < path.len; i++) {
        bool in_escape = (i >= 1 && path.ptr[i - 1] == '%') || (i >= 2 && path.ptr[i - 2] == '%');

        if (is_unreserved(path.ptr[i]) && !in_escape && path.ptr[i] & 1)
            n += (size_t)snprintf(spelt + n, 4, "%%%02x", (u8)path.ptr[i]);
        else
            spelt[n++] = path.ptr[i];
    }
    other = found(&r, host, str_make(spelt, n), &again);
    assert(again || other == app);
    return 0;
}
