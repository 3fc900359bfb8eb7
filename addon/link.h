/* addon/link.h -- this process's one connection to the supervisor
 *
 * Process-wide: worker threads share it with the main thread. An agent thread reads it; it lives
 * as long as the process, has all signals blocked, and ends the process with SIGKILL when the
 * supervisor is gone, whatever the main thread does meanwhile. Sending is safe on every thread.
 */
#pragma once

#include <stdbool.h>

#include "shm/layout.h"
#include "shm/peers.h"
#include "shm/wire.h"

struct link {
    int fd; /* -1: not connected */
    int wake_fd;
    int memory_fd;                 /* what the app's processes share; -1: nothing */
    struct shm *shm;               /* NULL: unwatched */
    const struct shm_peers *peers; /* NULL: unwatched */
    struct shm_slot *slot;         /* NULL: unwatched */
    uint32_t index;                /* of the slot; UINT32_MAX: none */
    uint32_t generation;
    int main_tid;
};

/* The process's link. Its fields do not change once link_welcome has returned 0. */
extern struct link link_here;

/* Connects to `dir`/agent.sock and says HELLO. 0 or -errno. Only the main thread calls it, once. */
int link_hello(const char *dir, uint32_t worker, uint32_t role, const char *node_version);

/* Takes the WELCOME that answers link_hello(), waiting at most 5 s. 0 or -errno; -EPROTO: the
 * other side is not this version's supervisor. */
int link_welcome(void);

/* Starts the agent thread: 0 or -errno. `tick_ms` > 0: link_tick is called that often. */
int link_start(int tick_ms, void (*tick)(void));

/* False in a child that was forked without exec, and before link_welcome. */
bool link_alive(void);

/* Asks the supervisor to listen. 0: the same thread has to call link_answer() next; others that ask
 * wait until it has. Else -errno: there is no supervisor. */
int link_ask(const struct wire_listen *ask);

/* Waits for its answer. 0: it is in *a (a->error may be set). -ETIMEDOUT after 10 s. */
int link_answer(struct wire_listening *a);

/* READY, UNLISTEN, CLUSTER, IDLE. Lost if the supervisor does not read. */
void link_note(uint32_t type, uint32_t listener, uint32_t kind, uint32_t value);

/* Sends at most WIRE_STACK_MAX bytes of text. */
void link_stack_text(const char *text, uint32_t len);
