/* io/tcp_owner.h -- whose the other end of a connection on this machine is
 *
 * Any user of a machine can connect to its loopback address; the kernel says which one did
 * (proc(5): /proc/net/tcp, which has the uid of each socket's owner).
 */
#pragma once

#include "base/addr.h"

/* The uid of the peer of a connected IPv4 socket. 0; -ENOENT: the kernel does not list it (it is
 * gone, or is not of this machine); -errno: there is no such list here. */
MUST_USE int tcp_owner(int fd, u32 *uid);

/* The same from one line of the list (tcp, or tcp6 for who has an IPv6 socket). False: the line is
 * another socket's. Pure. */
MUST_USE bool tcp_owner_parse(struct str line, const struct addr *local, const struct addr *remote,
                              u32 *uid);
