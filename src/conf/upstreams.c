/* conf/upstreams.c -- what the setting `upstream` lists: where requests go */
#include "conf/upstreams.h"

#define SHOWN(s) STR_ARG(str_sub(s, 0, 80))
#define RIGHT                                                                               \
    "write http://10.0.0.2:3000, http://api.internal:8080, srv:_http._tcp.api.internal or " \
    "local, then, if wanted, weight N, zone NAME, backup"

static bool is_letter_or_digit(char c)
{
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

/* A name of DNS, or of /etc/hosts: labels of letters, digits, - and _. */
static bool is_name(struct str s)
{
    size_t label = 0;

    if (s.len && s.ptr[s.len - 1] == '.') /* the root, which may be said */
        s.len--;
    if (s.len == 0 || s.len > UPSTREAMS_NAME_MAX)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        label = s.ptr[i] == '.' ? 0 : label + 1;
        if (label > 63 || (s.ptr[i] == '.' && (i == 0 || s.ptr[i - 1] == '.')) ||
            (s.ptr[i] != '.' && s.ptr[i] != '-' && s.ptr[i] != '_' &&
             !is_letter_or_digit(s.ptr[i])))
            return false;
    }
    return true;
}

/* Digits and dots only: an address with a mistake in it, and no name. */
static bool looks_like_address(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] != '.' && (s.ptr[i] < '0' || s.ptr[i] > '9'))
            return false;
    return true;
}

/* host[:port]; the port of http without one. */
static int authority_parse(struct str s, struct upstreams_item *out, struct problem *p)
{
    ptrdiff_t bracket = str_index(s, ']'), colon;
    struct str host = s, rest = { 0 };
    u64 port = 80;

    if (bracket >= 0) {
        host = str_sub(s, 0, (size_t)bracket + 1);
        rest = str_sub(s, host.len, s.len);
    } else if ((colon = str_index(s, ':')) >= 0) {
        host = str_sub(s, 0, (size_t)colon);
        rest = str_sub(s, host.len, s.len);
        if (str_index(str_sub(rest, 1, rest.len), ':') >= 0)
            return problem_set(p, "an IPv6 address stands in brackets: http://[fd00::2]:3000");
    }
    if (rest.len && (rest.ptr[0] != ':' || !str_to_u64(str_sub(rest, 1, rest.len), &port) ||
                     port == 0 || port > 65535))
        return problem_set(p, "\"%.*s\" has no port from 1 to 65535", SHOWN(s));
    out->text = s;
    out->port = (u16)port;
    if (addr_parse_ip(host, &out->addr)) {
        out->kind = UPSTREAMS_ADDRESS;
        out->addr.port = (u16)port;
        return addr_is_any(&out->addr)
                   ? problem_set(p, "%.*s is every address of a machine, and no one's", SHOWN(host))
                   : 0;
    }
    if (!is_name(host) || looks_like_address(host))
        return problem_set(p, "\"%.*s\" is neither an IP address nor a host's name; " RIGHT,
                           SHOWN(host));
    out->kind = UPSTREAMS_NAME;
    out->name = host;
    return 0;
}

static int where_parse(struct str s, struct upstreams_item *out, struct problem *p)
{
    struct str rest;

    *out = (struct upstreams_item){ .weight = 1 };
    if (str_starts_nocase(s, STR("https://")))
        return problem_set(
            p, "%.*s: to its upstreams fettle speaks HTTP without TLS; write http://", SHOWN(s));
    if (str_starts_nocase(s, STR("srv:"))) {
        out->kind = UPSTREAMS_SERVICE;
        out->name = out->text = str_sub(s, 4, s.len);
        if (!is_name(out->name) || !str_starts(out->name, STR("_")))
            return problem_set(p,
                               "\"%.*s\" is no name of a DNS service; write "
                               "srv:_http._tcp.api.internal",
                               SHOWN(s));
        return 0;
    }
    if (str_starts_nocase(s, STR("http://")))
        s = str_sub(s, 7, s.len);
    s = str_cut(s, '/', &rest);
    if (rest.len)
        return problem_set(p,
                           "\"/%.*s\": an upstream is a host and a port; paths go on as they came",
                           SHOWN(rest));
    return authority_parse(s, out, p);
}

/* The next word of *rest. */
static struct str word_cut(struct str *rest)
{
    struct str word;

    *rest = str_trim(*rest);
    word = str_cut(*rest, ' ', rest);
    *rest = str_trim(*rest);
    return str_trim(word);
}

int upstreams_check_zone(struct str text, struct problem *p)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_letter_or_digit(text.ptr[i]) && !strchr("-_.", text.ptr[i]))
            return problem_set(p, "\"%.*s\" is no zone; write letters, digits, - _ and ., as eu-1",
                               SHOWN(text));
    return text.len > UPSTREAMS_ZONE_MAX
               ? problem_set(p, "a zone has at most %d characters", UPSTREAMS_ZONE_MAX)
               : 0;
}

static int words_parse(struct str rest, struct upstreams_item *out, struct problem *p)
{
    while (rest.len) {
        struct str word = word_cut(&rest), value;
        u64 n = 0;

        if (str_eq_nocase(word, STR("backup"))) {
            out->backup = true;
            continue;
        }
        if (!str_eq_nocase(word, STR("weight")) && !str_eq_nocase(word, STR("zone")))
            return problem_set(p, "\"%.*s\" is not known there; " RIGHT, SHOWN(word));
        value = word_cut(&rest);
        if (value.len == 0)
            return problem_set(p, "after %.*s its value is missing", SHOWN(word));
        if (str_eq_nocase(word, STR("zone"))) {
            out->zone = value;
            int err = upstreams_check_zone(value, p);

            if (err)
                return err;
        } else if (!str_to_u64(value, &n) || n == 0 || n > UPSTREAMS_WEIGHT_MAX) {
            return problem_set(p, "weight %.*s: write a number from 1 to %d", SHOWN(value),
                               UPSTREAMS_WEIGHT_MAX);
        } else {
            out->weight = (u32)n;
        }
    }
    return 0;
}

/* FNV-1a. */
static u32 id_of(struct str s)
{
    u32 id = 2166136261u;

    for (size_t i = 0; i < s.len; i++)
        id = (id ^ (u8)s.ptr[i]) * 16777619u;
    return id;
}

static int item_parse(struct str text, struct upstreams *out, struct problem *p)
{
    struct str rest = text, where = word_cut(&rest);
    int err;

    if (where.len == 0)
        return 0;
    if (str_eq_nocase(where, STR("local"))) {
        out->local = true;
        return rest.len ? problem_set(p, "local says nothing of itself: \"%.*s\"", SHOWN(rest)) : 0;
    }
    if (out->n == UPSTREAMS_MAX)
        return problem_set(p,
                           "there are more than %d upstreams in one list; a name in DNS may "
                           "have more addresses",
                           UPSTREAMS_MAX);
    err = where_parse(where, &out->item[out->n], p);
    if (!err)
        err = words_parse(rest, &out->item[out->n], p);
    if (!err) {
        out->item[out->n].id = id_of(out->item[out->n].text);
        out->n++;
    }
    return err;
}

int upstreams_parse(struct upstreams *out, struct str text, struct problem *p)
{
    int err = 0;

    *out = (struct upstreams){ 0 };
    for (struct str rest = text; rest.ptr && !err;)
        err = item_parse(str_cut(rest, ',', &rest), out, p);
    if (!err && out->local && out->n == 0)
        return problem_set(p, "local alone is what holds without the setting; name the hosts that "
                              "help out, or write off");
    return err;
}

int upstreams_check(struct str text, struct problem *p)
{
    struct upstreams *list = malloc(sizeof(*list));
    int err = list ? upstreams_parse(list, text, p) : -ENOMEM;

    free(list);
    return err;
}

int upstreams_check_host(struct str text, struct problem *p)
{
    struct upstreams_item item;
    struct problem ignored;

    if (text.len == 0 || authority_parse(text, &item, &ignored) == 0)
        return 0;
    return problem_set(p,
                       "\"%.*s\" is no host for a Host field; write api.internal or "
                       "api.internal:8080",
                       SHOWN(text));
}

int upstreams_check_resolver(struct str text, struct problem *p)
{
    for (struct str rest = text; rest.ptr && text.len;) {
        struct upstreams_item item;
        struct problem ignored;
        struct str one = str_trim(str_cut(rest, ',', &rest));

        /* A bare IPv6 address has colons, but no port. */
        if (one.len && !addr_parse_ip(one, &item.addr) &&
            (authority_parse(one, &item, &ignored) != 0 || item.kind != UPSTREAMS_ADDRESS))
            return problem_set(p,
                               "\"%.*s\" is no address of a DNS server; write 10.0.0.2, "
                               "10.0.0.2:5353 or [fd00::2]:53",
                               SHOWN(one));
    }
    return 0;
}

int upstreams_check_health(struct str text, struct problem *p)
{
    if (text.len == 0 || str_eq(text, STR("tcp")))
        return 0;
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[0] != '/' || text.ptr[i] <= ' ' || text.ptr[i] >= 127 || text.ptr[i] == '#')
            return problem_set(p, "\"%.*s\" is no path to ask for; write /healthz, tcp or off",
                               SHOWN(text));
    return 0;
}
