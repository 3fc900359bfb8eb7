/* inspect/tcp_listens.h -- the TCP ports on which a process listens (proc(5), tcp(7)) */
#pragma once

#include "base/addr.h"

enum { TCP_LISTENS_MAX = 256 };

struct tcp_listens {
    u32 count;
    struct {
        struct addr addr;
        u64 inode; /* of the socket, unique in its network namespace */
    } at[TCP_LISTENS_MAX];
};

/* Adds what the text of /proc/PID/net/tcp (or tcp6) says of listening sockets: those come first,
 * and what follows them is not looked at. Lines that are none are passed over. Pure. */
void tcp_listens_parse(struct tcp_listens *out, struct str text);

/* All of the network namespace of a process. -errno. */
MUST_USE int tcp_listens_all(struct tcp_listens *out, u32 pid);
/* Those that a process itself has open. -errno (-EACCES: it belongs to somebody else). */
MUST_USE int tcp_listens_of(struct tcp_listens *out, u32 pid);

/* The port among them, on loopback or on all addresses; NULL: none. */
const struct addr *tcp_listens_port(const struct tcp_listens *t, u16 port);
bool tcp_listens_has(const struct tcp_listens *t, const struct addr *a);

/* Which process has a listening socket on that port in the network namespace of `pid`, as far as
 * we may see; 0: not known. */
u32 tcp_listens_holder(u32 pid, u16 port);
