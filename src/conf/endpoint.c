/* conf/endpoint.c -- an address to listen on, as people write it */
#include "conf/endpoint.h"

static int unix_parse(struct str path, struct endpoint *out, struct problem *p)
{
    if (path.len == 0)
        return problem_set(p, "the path after unix: is missing; write unix:/run/app.sock");
    if (path.len >= sizeof(((struct sockaddr_un *)0)->sun_path))
        return problem_set(p, "the path is %zu bytes long, and the kernel takes at most %zu",
                           path.len, sizeof(((struct sockaddr_un *)0)->sun_path) - 1);
    *out = (struct endpoint){ .kind = ENDPOINT_UNIX, .path = path };
    return 0;
}

/* Where the host ends and the port begins: the colon after a bracket, else the only one. -1: no
 * colon, -2: an IPv6 address that needs brackets. */
static ptrdiff_t colon_find(struct str s)
{
    ptrdiff_t bracket = str_index(s, ']'), colon;

    if (bracket >= 0)
        return (size_t)bracket + 1 < s.len && s.ptr[bracket + 1] == ':' ? bracket + 1 : -1;
    colon = str_index(s, ':');
    if (colon >= 0 && str_index(str_sub(s, (size_t)colon + 1, s.len), ':') >= 0)
        return -2;
    return colon;
}

static bool host_parse(struct str host, struct addr *out)
{
    if (host.len == 0)
        return addr_parse_ip(STR("::"), out);
    if (str_eq_nocase(host, STR("localhost")))
        return addr_parse_ip(STR("127.0.0.1"), out);
    if (str_eq(host, STR("*")))
        return addr_parse_ip(STR("::"), out);
    return addr_parse_ip(host, out);
}

int endpoint_parse(struct str s, struct endpoint *out, struct problem *p)
{
    static const char right[] = "write host:port, :port, port, unix:/path or off";
    struct endpoint e = { .kind = ENDPOINT_IP };
    struct str host = STR("127.0.0.1"), port = s;
    ptrdiff_t colon;
    u64 n;

    if (str_eq_nocase(s, STR("off"))) {
        *out = (struct endpoint){ 0 };
        return 0;
    }
    if (str_starts(s, STR("unix:")))
        return unix_parse(str_sub(s, 5, s.len), out, p);
    colon = colon_find(s);
    if (colon == -2)
        return problem_set(p, "an IPv6 address stands in brackets before its port: [::1]:9484");
    if (colon >= 0) {
        host = str_sub(s, 0, (size_t)colon);
        port = str_sub(s, (size_t)colon + 1, s.len);
    }
    if (!host_parse(host, &e.addr))
        return problem_set(p, "\"%.*s\" is not an IP address (names are not looked up); %s",
                           STR_ARG(str_sub(host, 0, 80)), right);
    if (!str_to_u64(port, &n) || n == 0 || n > 65535)
        return problem_set(p, "\"%.*s\" is not a port from 1 to 65535; %s",
                           STR_ARG(str_sub(port, 0, 80)), right);
    e.addr.port = (u16)n;
    *out = e;
    return 0;
}

void endpoint_text(const struct endpoint *e, struct buf *out)
{
    char text[ADDR_TEXT_MAX];

    switch (e->kind) {
    case ENDPOINT_OFF:
        buf_add(out, STR("off"));
        return;
    case ENDPOINT_IP:
        buf_add(out, addr_text(&e->addr, text));
        return;
    case ENDPOINT_UNIX:
        buf_add(out, STR("unix:"));
        buf_add(out, e->path);
        return;
    }
}

bool endpoint_same(const struct endpoint *a, const struct endpoint *b)
{
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case ENDPOINT_OFF:
        return true;
    case ENDPOINT_IP:
        return memcmp(&a->addr, &b->addr, sizeof(a->addr)) == 0;
    case ENDPOINT_UNIX:
        return str_eq(a->path, b->path);
    }
    return false;
}
