/* io/sock.h -- sockets: listening ones, pairs, and messages that carry descriptors
 *
 * Every socket made here is close-on-exec and non-blocking. All functions
 * return -errno when they fail. Nothing is logged, nothing is kept.
 */
#pragma once

#include "base/addr.h"

enum { SOCK_FDS_MAX = 4 }; /* descriptors in one message */

MUST_USE int sock_nonblock(int fd);

struct sock_listen_conf {
    u32 backlog;    /* 0: SOMAXCONN */
    bool v6only;    /* IPv6: no IPv4-mapped clients */
    bool reuseport; /* SO_REUSEPORT */
};

/* A listening TCP socket with SO_REUSEADDR; `a` is an IPv4 or IPv6 address, port 0 any free one.
 * Returns the descriptor, the caller's. */
MUST_USE int sock_listen_tcp(const struct addr *a, const struct sock_listen_conf *conf);

/* A listening unix socket of `type` (SOCK_STREAM, SOCK_SEQPACKET) at `path`, with the permissions
 * `mode`. -ENAMETOOLONG: the path does not fit; -EADDRINUSE: something is there already. */
MUST_USE int sock_listen_unix(const char *path, int type, u32 backlog, u32 mode);

/* Connects to a unix socket; it is non-blocking from then on. */
MUST_USE int sock_connect_unix(const char *path, int type);
/* The same without ever waiting: -EAGAIN when whoever listens there has no room for one more. */
MUST_USE int sock_connect_unix_now(const char *path, int type);

/* Two connected SOCK_SEQPACKET ends. */
MUST_USE int sock_pair(int fds[2]);

/* Accepts one connection: the descriptor, or -EAGAIN when there is none. */
MUST_USE int sock_accept(int fd);

/* The address that a socket is bound to. */
MUST_USE int sock_local(int fd, struct addr *out);

struct sock_peer {
    u32 pid; /* in this process's pid namespace; 0: not visible from here */
    u32 uid;
};
/* Who connected to a unix socket, as the kernel says. */
MUST_USE int sock_peer(int fd, struct sock_peer *out);

/* Sends one message with `fds_n` (at most SOCK_FDS_MAX) descriptors, which stay the caller's.
 * 0, or -EAGAIN when there is no room, -EPIPE when nobody is there (no signal is raised). */
MUST_USE int sock_send_msg(int fd, const void *msg, size_t len, const int *fds, u32 fds_n);

/* Receives one message: its length, 0 at the end of the connection, -EAGAIN when there is none (or
 * no memory for it just now: it stays, so watch the socket level-triggered),
 * -EMSGSIZE when it was longer than `room` (it is gone, and so are its descriptors). *fds_n is set
 * in every case: descriptors received, now the caller's and close-on-exec; more than `fds_room`
 * are closed. */
MUST_USE ssize_t sock_recv_msg(int fd, void *msg, size_t room, int *fds, u32 fds_room, u32 *fds_n);
