/* proxy/peer.c -- who the client is */
#include "proxy/peer.h"

bool peer_trusted(const struct settings_cidrs *trust, const struct addr *peer)
{
    for (u32 i = 0; i < trust->count; i++)
        if (cidr_has(&trust->range[i], peer))
            return true;
    return false;
}

/* "1.2.3.4", "1.2.3.4:80", "::1", "[::1]:80", as proxies write them. */
static bool address_read(struct str s, struct addr *out)
{
    ptrdiff_t close = str_index(s, ']'), colon = str_index(s, ':');

    if (s.len && s.ptr[0] == '[' && close > 0)
        s = str_sub(s, 1, (size_t)close - 1);
    else if (colon >= 0 && str_index(str_sub(s, (size_t)colon + 1, s.len), ':') < 0)
        s = str_sub(s, 0, (size_t)colon);
    return addr_parse_ip(s, out);
}

struct addr peer_client(const struct settings_cidrs *trust, const struct addr *peer,
                        struct str forwarded_for)
{
    struct addr client = *peer, next;

    while (forwarded_for.len && peer_trusted(trust, &client)) {
        size_t from = forwarded_for.len;

        while (from > 0 && forwarded_for.ptr[from - 1] != ',')
            from--;
        if (!address_read(str_trim(str_sub(forwarded_for, from, forwarded_for.len)), &next))
            break;
        client = next;
        forwarded_for = str_sub(forwarded_for, 0, from ? from - 1 : 0);
    }
    return client;
}

static size_t end_put(char *out, const struct addr *a, bool v6_socket)
{
    size_t len = 0;

    if (v6_socket && a->family == AF_INET) {
        memcpy(out, "::ffff:", 7);
        len = 7;
    }
    len += addr_ip_text(a, out + len).len;
    out[len++] = ' ';
    return len + str_put_u64(out + len, a->port);
}

struct str peer_text_ip(struct str text, bool mapped)
{
    struct str rest;

    return str_cut(mapped ? str_sub(text, 7, text.len) : text, ' ', &rest);
}

struct str peer_text(char out[PEER_TEXT_MAX], const struct addr *remote, const struct addr *local,
                     bool v6_socket)
{
    size_t len;

    if (local->family == AF_UNIX) {
        memcpy(out, "- 0 - 0", 7);
        return str_make(out, 7);
    }
    len = end_put(out, remote, v6_socket);
    out[len++] = ' ';
    return str_make(out, len + end_put(out + len, local, v6_socket));
}
