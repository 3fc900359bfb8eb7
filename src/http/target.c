/* http/target.c -- hosts, ports and authorities */
#include "http/target.h"

#include "base/addr.h"
#include "http/scan.h"

/* The end of "[…]" in s, or 0: no IPv6 address there. */
static size_t ip6_end(struct str s)
{
    struct addr ignored;
    ptrdiff_t close = str_index(s, ']');

    /* addr_parse_ip would take an IPv4 address in the brackets too. */
    if (close < 0 || str_index(str_sub(s, 0, (size_t)close), ':') < 0 ||
        !addr_parse_ip(str_sub(s, 0, (size_t)close + 1), &ignored))
        return 0;
    return (size_t)close + 1;
}

/* The end of a reg-name (or IPv4 address, which is one by its letters). */
static size_t name_end(struct str s)
{
    const char *p = s.ptr, *end = s.ptr + s.len;

    for (;;) {
        p = scan_plain(p, end, SCAN_HOST);
        if (end - p < 3 || *p != '%' || !scan_is(p[1], SCAN_HEX) || !scan_is(p[2], SCAN_HEX))
            return (size_t)(p - s.ptr);
        p += 3;
    }
}

bool http_authority_parse(struct str s, struct http_authority *out)
{
    size_t host_len = s.len && s.ptr[0] == '[' ? ip6_end(s) : name_end(s);
    struct str rest = str_sub(s, host_len, s.len);
    u64 port = 0;

    if (host_len == 0)
        return false;
    if (rest.len) {
        /* A port without digits, and one with more than it can have, are legal and useless. */
        if (rest.ptr[0] != ':' || rest.len > 6 || !str_to_u64(str_sub(rest, 1, rest.len), &port) ||
            port == 0 || port > 65535)
            return false;
    }
    *out = (struct http_authority){ .host = str_make(s.ptr, host_len), .port = (u32)port };
    return true;
}
