/* load/destination.c -- where the load goes: a URL, looked up once */
#include "load/destination.h"

#include "base/addr.h"

#include <netdb.h>

/* For "%.*s": enough of a URL to be recognised. */
#define SHOWN(url) STR_ARG(str_sub(url, 0, 200))

static int scheme_cut(struct destination *d, struct str url, struct str *rest, struct problem *p)
{
    static const struct {
        const char *prefix;
        bool websocket;
    } schemes[] = { { "http://", false }, { "ws://", true } };

    for (u32 i = 0; i < ARRAY_LEN(schemes); i++) {
        struct str prefix = str_of(schemes[i].prefix);

        if (!str_starts_nocase(url, prefix))
            continue;
        d->websocket = schemes[i].websocket;
        *rest = str_sub(url, prefix.len, url.len);
        return 0;
    }
    if (str_starts_nocase(url, STR("https://")) || str_starts_nocase(url, STR("wss://")))
        return problem_set(p,
                           "\"%.*s\": TLS is not spoken here; write the http:// or ws:// "
                           "address behind it",
                           SHOWN(url));
    return problem_set(p,
                       "\"%.*s\" is no URL to put a load on; write http://localhost:3000/ or "
                       "ws://localhost:3000/",
                       SHOWN(url));
}

/* "host" and "port" of host:port, [v6]:port or host. */
static int authority_split(struct str authority, struct str *host, u64 *port)
{
    struct str rest = { 0 };

    if (str_starts(authority, STR("["))) {
        *host = str_cut(str_sub(authority, 1, authority.len), ']', &rest);
        if (!rest.ptr || (rest.len && rest.ptr[0] != ':'))
            return -EINVAL;
        rest = rest.len ? str_sub(rest, 1, rest.len) : (struct str){ 0 };
    } else {
        *host = str_cut(authority, ':', &rest);
    }
    *port = 80;
    if (host->len == 0 || host->len > 255)
        return -EINVAL;
    if (rest.ptr && (!str_to_u64(rest, port) || *port == 0 || *port > 65535))
        return -EINVAL;
    return 0;
}

static int look_up(struct destination *d, struct str host, u64 port, struct problem *p)
{
    struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM }, *found;
    char name[256], service[8];
    int r;

    str_to_cstr(host, name, sizeof(name));
    snprintf(service, sizeof(service), "%u", (u32)port);
    r = getaddrinfo(name, service, &hints, &found);
    if (r)
        return problem_set(p, "the host %s of the URL is not found: %s", name, gai_strerror(r));
    memcpy(&d->addr, found->ai_addr, found->ai_addrlen);
    d->addr_len = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

static int unix_set(struct destination *d, const char *path, struct problem *p)
{
    struct sockaddr_un *sa = (struct sockaddr_un *)&d->addr;

    if (strlen(path) >= sizeof(sa->sun_path))
        return problem_set(p, "\"%.200s\" is too long for a unix socket: at most %zu bytes", path,
                           sizeof(sa->sun_path) - 1);
    sa->sun_family = AF_UNIX;
    str_to_cstr(str_of(path), sa->sun_path, sizeof(sa->sun_path));
    d->addr_len = sizeof(*sa);
    return 0;
}

/* Blanks and control characters would end the request line early. */
static bool is_visible(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((u8)s.ptr[i] <= 32 || (u8)s.ptr[i] == 127)
            return false;
    return true;
}

static int read_url(struct destination *d, const char *unix_path, struct problem *p)
{
    struct str url = str_of(d->url), rest, host;
    size_t at = 0;
    u64 port;
    int err = scheme_cut(d, url, &rest, p);

    if (err)
        return err;
    if (!is_visible(url))
        return problem_set(p, "\"%.*s\" holds a blank; write it %%20", SHOWN(url));
    rest = str_cut(rest, '#', &host);
    while (at < rest.len && !strchr("/?", rest.ptr[at]))
        at++;
    d->authority = str_sub(rest, 0, at);
    d->path = str_sub(rest, at, rest.len);
    if (str_index(d->authority, '@') >= 0)
        return problem_set(p,
                           "\"%.*s\" holds a name and a password; give them as a field: -H "
                           "\"authorization: Basic …\"",
                           SHOWN(url));
    if (authority_split(d->authority, &host, &port))
        return problem_set(p, "\"%.*s\" names no host and port; write http://localhost:3000/",
                           SHOWN(url));
    return unix_path ? unix_set(d, unix_path, p) : look_up(d, host, port, p);
}

int destination_init(struct destination *d, struct str url, const char *unix_path,
                     struct problem *p)
{
    int err;

    *d = (struct destination){ .url = str_dup(url) };
    *p = (struct problem){ 0 };
    if (!d->url)
        return -ENOMEM;
    err = read_url(d, unix_path, p);
    if (err)
        destination_done(d);
    return err;
}

void destination_done(struct destination *d)
{
    free(d->url);
    *d = (struct destination){ 0 };
}
