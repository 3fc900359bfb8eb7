/* worker/ipc.h -- Node's own channel to its parent, for apps that say when they are ready
 *
 * A worker that is started with it (NODE_CHANNEL_FD) has process.send and process.on('message'),
 * as under pm2. It is a stream of JSON values, a line each. Of what comes, only "ready" means
 * something; everything else is read and forgotten. A worker that does not read costs it its
 * message, and blocks nobody.
 */
#pragma once

#include "base/str.h"
#include "io/loop.h"

enum { IPC_CHILD_FD = 3, IPC_WORD_MAX = 16 };

/* The line that is being read. All zero: at its beginning. */
struct ipc_line {
    char word[IPC_WORD_MAX];
    u32 len; /* of the whole line, as far as it has come */
};

/* Takes bytes in any pieces; how many lines of them were exactly "ready", in quotes. Pure. */
u32 ipc_feed(struct ipc_line *l, struct str bytes);

struct ipc;
typedef void ipc_fn(struct ipc *ipc);

/* All zero: there is none. */
struct ipc {
    struct watch watch;
    struct ipc_line line;
    ipc_fn *ready;
};

/* Makes both ends; *child_fd is for the child (IPC_CHILD_FD there), and the caller closes it. */
MUST_USE int ipc_open(struct ipc *ipc, struct loop *loop, ipc_fn *ready, int *child_fd);
/* Sends a text as a message. -errno when it cannot be sent whole and at once. */
MUST_USE int ipc_send(struct ipc *ipc, const char *word);
/* Accepts what is not open. */
void ipc_close(struct ipc *ipc);
