/* admin/permit.c -- who may read the admin address */
#include "admin/permit.h"

#include "http/target.h"

struct permit_rules permit_rules_of(const struct settings *settings)
{
    return (struct permit_rules){
        .token = settings->admin_token,
        .check_host = settings->admin.kind == ENDPOINT_IP && settings->admin_token.len == 0,
    };
}

bool permit_token_equal(struct str token, struct str given)
{
    u32 differ = token.len != given.len || token.len == 0;

    for (size_t i = 0; token.len && i < given.len; i++)
        differ |= (u32)(u8)given.ptr[i] ^ (u32)(u8)token.ptr[i % token.len];
    return differ == 0;
}

bool permit_host_is_local(struct str host)
{
    struct http_authority a;
    struct addr ip;

    if (!http_authority_parse(host, &a))
        return false;
    if (str_ends(a.host, STR(".")))
        a.host.len--;
    if (addr_parse_ip(a.host, &ip) || str_eq_nocase(a.host, STR("localhost")))
        return true;
    return a.host.len > 10 &&
           str_eq_nocase(str_sub(a.host, a.host.len - 10, 10), STR(".localhost"));
}

enum permit_verdict permit_check(const struct permit_rules *rules, bool is_probe, struct str host,
                                 struct str authorization)
{
    struct str scheme, given;

    if (is_probe)
        return PERMIT_GRANTED;
    /* No browser leaves Host out. */
    if (rules->check_host && host.len && !permit_host_is_local(host))
        return PERMIT_HOST_WRONG;
    if (rules->token.len == 0)
        return PERMIT_GRANTED;
    scheme = str_cut(authorization, ' ', &given);
    if (!str_eq_nocase(scheme, STR("Bearer")) || !given.ptr)
        return PERMIT_TOKEN_MISSING;
    return permit_token_equal(rules->token, str_trim(given)) ? PERMIT_GRANTED : PERMIT_TOKEN_WRONG;
}

bool permit_same_origin(struct str host, struct str origin, struct str fetch_site)
{
    if (fetch_site.len && !str_eq(fetch_site, STR("same-origin")) &&
        !str_eq(fetch_site, STR("none")))
        return false;
    if (origin.len == 0)
        return true;
    return str_starts_nocase(origin, STR("http://")) &&
           str_eq_nocase(str_sub(origin, 7, origin.len), host);
}
