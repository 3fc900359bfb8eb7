/* app/inspectee.c -- TARGET of the commands that look into a running Node */
#include "app/inspectee.h"

#include <netdb.h>

/* "host:port", "[::1]:port", ":port". False: it is none. */
static bool address_parse(struct str s, struct inspectee *out)
{
    size_t colon = s.len;
    u64 port;

    while (colon > 0 && s.ptr[colon - 1] != ':')
        colon--;
    if (colon == 0 || !str_to_u64(str_sub(s, colon, s.len), &port) || !port || port > UINT16_MAX)
        return false;
    out->kind = INSPECTEE_ADDRESS;
    out->host = str_sub(s, 0, colon - 1);
    out->port = (u16)port;
    if (out->host.len == 0)
        out->host = STR("127.0.0.1");
    if (str_starts(out->host, STR("[")) && str_ends(out->host, STR("]")))
        out->host = str_sub(out->host, 1, out->host.len - 2);
    return str_index(out->host, '/') < 0;
}

int inspectee_parse(struct inspectee *out, const char *word, struct problem *p)
{
    struct str s = str_of(word), rest;
    u64 n;

    *out = (struct inspectee){ .kind = INSPECTEE_APP, .word = word };
    if (str_to_u64(s, &n)) {
        if (n == 0 || n > INT32_MAX)
            return problem_set(p, "\"%.100s\" is no process id", word);
        out->kind = INSPECTEE_PROCESS;
        out->pid = (u32)n;
        return 0;
    }
    if (str_starts(s, STR("ws://"))) {
        s = str_sub(s, 5, s.len);
        (void)str_cut(s, '/', &rest);
        if (rest.ptr) {
            out->path = str_make(rest.ptr - 1, rest.len + 1);
            s = str_sub(s, 0, s.len - out->path.len);
        }
        if (!address_parse(s, out))
            return problem_set(p,
                               "\"%.200s\" is no address of an inspector; one is written as in "
                               "ws://127.0.0.1:9229/0f2c936f-b1cd-4ac9-aab3-f63b0f33d55e",
                               word);
        return 0;
    }
    if (!address_parse(s, out))
        *out = (struct inspectee){ .kind = INSPECTEE_APP, .word = word };
    return 0;
}

int inspectee_addr(const struct inspectee *in, struct addr *out, struct problem *p)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found = NULL;
    AUTO(freep) char *host = str_dup(in->host);
    int err;

    if (!host)
        return -ENOMEM;
    err = getaddrinfo(host, NULL, &hints, &found);
    if (err)
        return problem_set(p, "%.200s: the host %.200s is not known: %s", in->word, host,
                           gai_strerror(err));
    *out = addr_of(found->ai_addr);
    out->port = in->port;
    freeaddrinfo(found);
    return 0;
}
