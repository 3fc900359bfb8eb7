/* base/addr.h -- network addresses and ranges of them
 *
 * An address is an IP and a port, or a unix socket's path, or nothing (all
 * zero). IPv4-mapped IPv6 (::ffff:a.b.c.d) is folded to IPv4 by addr_of, so a
 * client has one name whatever the listener's family.
 */
#pragma once

#include "base/str.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

struct addr {
    u16 family; /* AF_INET, AF_INET6, AF_UNIX or 0 */
    u16 port;   /* host byte order */
    u8 ip[16];  /* network byte order; the first 4 bytes for AF_INET */
};

enum { ADDR_TEXT_MAX = 64 };

/* From what accept, getpeername and getsockname give. */
struct addr addr_of(const struct sockaddr *sa);
/* The sockaddr of an IP address; its length. */
socklen_t addr_sockaddr(const struct addr *a, struct sockaddr_storage *out);

/* An IP in text ("127.0.0.1", "::1", "[::1]"), port 0. False: it is none. */
MUST_USE bool addr_parse_ip(struct str s, struct addr *out);

/* "1.2.3.4" or "2001:db8::1", "unix" for AF_UNIX, "" for nothing; returns out as a view. */
struct str addr_ip_text(const struct addr *a, char out[ADDR_TEXT_MAX]);
/* "1.2.3.4:80", "[::1]:80". */
struct str addr_text(const struct addr *a, char out[ADDR_TEXT_MAX]);

bool addr_is_loopback(const struct addr *a);
bool addr_is_any(const struct addr *a);

/* A range of addresses: "10.0.0.0/8", "::1", or "unix" for peers of unix sockets. */
struct cidr {
    struct addr base;
    u32 bits;
};
/* False: not a range. */
MUST_USE bool cidr_parse(struct str s, struct cidr *out);
bool cidr_has(const struct cidr *c, const struct addr *a);
