/* base/addr.c -- network addresses and ranges of them */
#include "base/addr.h"

#include <arpa/inet.h>

struct addr addr_of(const struct sockaddr *sa)
{
    struct addr a = { .family = sa->sa_family };

    if (sa->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)sa;

        a.port = ntohs(in->sin_port);
        memcpy(a.ip, &in->sin_addr, 4);
    } else if (sa->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)sa;

        a.port = ntohs(in6->sin6_port);
        if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
            a.family = AF_INET;
            memcpy(a.ip, in6->sin6_addr.s6_addr + 12, 4);
        } else {
            memcpy(a.ip, &in6->sin6_addr, 16);
        }
    }
    return a;
}

socklen_t addr_sockaddr(const struct addr *a, struct sockaddr_storage *out)
{
    memset(out, 0, sizeof(*out));
    if (a->family == AF_INET) {
        struct sockaddr_in *in = (struct sockaddr_in *)out;

        in->sin_family = AF_INET;
        in->sin_port = htons(a->port);
        memcpy(&in->sin_addr, a->ip, 4);
        return sizeof(*in);
    }
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;

    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(a->port);
    memcpy(&in6->sin6_addr, a->ip, 16);
    return sizeof(*in6);
}

bool addr_parse_ip(struct str s, struct addr *out)
{
    char text[ADDR_TEXT_MAX];
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
    struct addr a = { .family = AF_INET };

    if (s.len >= 2 && s.ptr[0] == '[' && s.ptr[s.len - 1] == ']')
        s = str_sub(s, 1, s.len - 2);
    if (s.len == 0 || s.len >= sizeof(text) || memchr(s.ptr, 0, s.len))
        return false;
    str_to_cstr(s, text, sizeof(text));
    if (inet_pton(AF_INET, text, a.ip) == 1) {
        *out = a;
        return true;
    }
    if (inet_pton(AF_INET6, text, &in6.sin6_addr) != 1)
        return false;
    *out = addr_of((struct sockaddr *)&in6);
    return true;
}

/* By hand: each request asks for it. */
static struct str ipv4_text(const u8 ip[4], char out[ADDR_TEXT_MAX])
{
    size_t len = 0;

    for (int i = 0; i < 4; i++) {
        len += str_put_u64(out + len, ip[i]);
        out[len++] = '.';
    }
    out[--len] = 0;
    return str_make(out, len);
}

struct str addr_ip_text(const struct addr *a, char out[ADDR_TEXT_MAX])
{
    if (a->family == AF_INET)
        return ipv4_text(a->ip, out);
    out[0] = 0;
    if (a->family == AF_UNIX)
        memcpy(out, "unix", 5);
    else if (a->family)
        inet_ntop(a->family, a->ip, out, ADDR_TEXT_MAX);
    return str_of(out);
}

struct str addr_text(const struct addr *a, char out[ADDR_TEXT_MAX])
{
    char ip[ADDR_TEXT_MAX];

    addr_ip_text(a, ip);
    if (a->family == AF_UNIX || a->family == 0)
        return addr_ip_text(a, out);
    snprintf(out, ADDR_TEXT_MAX, a->family == AF_INET6 ? "[%.50s]:%u" : "%.50s:%u", ip, a->port);
    return str_of(out);
}

bool addr_is_loopback(const struct addr *a)
{
    static const u8 one[16] = { [15] = 1 };

    return a->family == AF_UNIX || (a->family == AF_INET && a->ip[0] == 127) ||
           (a->family == AF_INET6 && memcmp(a->ip, one, 16) == 0);
}

bool addr_is_any(const struct addr *a)
{
    static const u8 zero[16];

    return a->family != AF_UNIX && memcmp(a->ip, zero, 16) == 0;
}

bool cidr_parse(struct str s, struct cidr *out)
{
    struct str bits_text, ip = str_cut(s, '/', &bits_text);
    struct cidr c = { 0 };
    u64 bits;

    if (str_eq(s, STR("unix"))) {
        *out = (struct cidr){ .base.family = AF_UNIX };
        return true;
    }
    if (!addr_parse_ip(ip, &c.base))
        return false;
    c.bits = c.base.family == AF_INET ? 32 : 128;
    if (bits_text.ptr) {
        /* ::ffff:10.0.0.0/104 is 10.0.0.0/8: its bits were counted before it was folded. */
        u32 folded = c.base.family == AF_INET && str_index(ip, ':') >= 0 ? 96 : 0;

        if (!str_to_u64(bits_text, &bits) || bits < folded || bits > c.bits + folded)
            return false;
        c.bits = (u32)bits - folded;
    }
    *out = c;
    return true;
}

bool cidr_has(const struct cidr *c, const struct addr *a)
{
    u32 whole = c->bits / 8, rest = c->bits % 8;

    if (c->base.family != a->family)
        return false;
    if (memcmp(c->base.ip, a->ip, whole) != 0)
        return false;
    return rest == 0 || ((c->base.ip[whole] ^ a->ip[whole]) & (0xff00 >> rest) & 0xff) == 0;
}
