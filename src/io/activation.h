/* io/activation.h -- listening sockets that a service manager opened for us (sd_listen_fds(3))
 *
 * They stand at descriptor 3 and up, LISTEN_FDS says how many, LISTEN_PID for whom, LISTEN_FDNAMES
 * how they are called. Where the app asks to listen on such an address, the socket is used instead
 * of a new one: so it may be port 80, and clients that came before the app was ready are waiting in
 * it.
 */
#pragma once

#include "base/addr.h"
#include "base/buf.h"

enum { ACTIVATION_MAX = 32, ACTIVATION_NAME_MAX = 64 };

struct activation_socket {
    int fd; /* stays open until activation_done: the manager holds it too */
    struct addr addr;
    struct sockaddr_un path; /* of AF_UNIX */
    bool listens;            /* a stream socket that listens; nothing else is of use */
    bool used;
    bool inherited; /* from a fettle before us, which bound it itself: it is ours now */
    char name[ACTIVATION_NAME_MAX]; /* "shop.socket"; empty: it has none */
};

/* The name of a socket that one fettle hands to the next: "fettle/" and … */
#define ACTIVATION_OWN "fettle/"

/* What the variables say. */
struct activation_names {
    u32 count; /* of descriptors, from 3 on; may be more than there is room for */
    char name[ACTIVATION_MAX][ACTIVATION_NAME_MAX];
};

struct activation {
    struct activation_socket socket[ACTIVATION_MAX];
    u32 count;
    u32 closed; /* that were too many */
};

/* Reads LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES (NULL: not set) for the process `self`. What
 * makes no sense, or is for another process, is none; names that are too long are cut. Pure. */
void activation_read(struct activation_names *out, const char *pid, const char *fds,
                     const char *names, u32 self);

/* Takes what the environment says, and takes it out of there. The descriptors move to higher
 * numbers, close-on-exec. Call it before anything else is opened or started. `succeeds`: a fettle
 * before us gave them. -errno: some could not be moved and are closed. */
MUST_USE int activation_take(struct activation *out, bool succeeds);
void activation_done(struct activation *a);
/* Closes what is inherited and was not used, and removes the paths of such unix sockets. */
void activation_leave(struct activation *a);

/* The socket for what is asked: the very address; else, where only the port is the same, the one on
 * all addresses; else another one with that port. One that is inherited is for its very address
 * only, or for all when all are asked for. -ENOENT: there is none. Marks it as used. */
MUST_USE int activation_find(struct activation *a, const struct addr *asked);
/* The same for a unix socket's path. */
MUST_USE int activation_find_path(struct activation *a, const char *path);
/* The one of that name. */
MUST_USE int activation_find_name(struct activation *a, const char *name);
/* That socket is inherited. */
MUST_USE bool activation_inherited(const struct activation *a, int fd);

/* "[::]:80 (shop.socket)", for people. */
void activation_text(const struct activation_socket *s, struct buf *out);
