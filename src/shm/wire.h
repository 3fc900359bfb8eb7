/* shm/wire.h -- the messages between fettle's own processes
 *
 * Unix SOCK_SEQPACKET sockets, one struct a message, native byte order (one
 * machine, one build; WIRE_VERSION is checked in the first message). Like
 * layout.h this file is plain C11 and the addon includes it. A receiver checks
 * the length and every field: a worker may send anything.
 *
 * worker ↔ supervisor: the agent in each Node process connects to
 * <runtime dir>/agent.sock (environment FETTLE_DIR, FETTLE_WORKER):
 *     → HELLO                  once, at load (main process of a worker, or a child of its cluster)
 *     ← WELCOME + memfd, wake eventfd, memfd of the peers (read-only), memory that the app's
 *                              processes share among each other (shared/memfile.h); that one alone
 *                              for a process without a slot
 *     → LISTEN                 synchronous: net.Server.listen waits for the answer
 *     ← LISTENING              errno, or the address bound and the path to listen on instead
 *     → READY / UNLISTEN       the unix socket accepts / was closed
 *     ← STACK                  asks a blocked loop for its stack; → STACK_TEXT, or with value 1 a
 *                              record of the journal (shm/blocked.h)
 *     → CLUSTER                the app calls cluster.fork itself
 *     → IDLE                   the main script has run and the loop has begun (for workers that
 * never listen) The end of the connection is the end of the process: the supervisor gone, the agent
 * ends its process with SIGKILL, blocked or not.
 *
 * supervisor ↔ proxy: a socketpair, fd WIRE_PROXY_FD in the proxy:
 *     ← LISTENER + the listening socket   at the start of a proxy for each, and when one is new
 *     ← LISTENER_GONE
 *     ← CHANGED                           slots changed their state: look again
 *     ← DRAIN                             accept nothing, finish what runs, then exit 0; with value
 *                                         1 connections that stay (WebSockets) are waited for
 *     ← PURGE                             of the cache of responses
 *     → UNLISTENED                        after DRAIN: nothing is accepted any more
 *     → DRAINED                           nothing runs any more
 *
 * supervisor ↔ monitor: likewise:
 *     → STACK                             passes WIRE_STACK on to the agent of a slot (`listener`)
 *                                         in that generation (`kind`), with value 1
 */
#pragma once

#include <stdint.h>

enum {
    WIRE_VERSION = 2,
    WIRE_SHM_FD = 3,
    WIRE_PROXY_FD = 4,
    WIRE_WAKE_FD = 5,
    WIRE_PEERS_FD = 6,
};

/* A worker's number over all apps. */
enum { WIRE_WORKERS_MAX = 256 };
static inline uint32_t wire_worker(uint32_t app, uint32_t number)
{
    return app * WIRE_WORKERS_MAX + number;
}

enum wire_type {
    WIRE_HELLO = 1,
    WIRE_WELCOME,
    WIRE_LISTEN,
    WIRE_LISTENING,
    WIRE_READY,
    WIRE_UNLISTEN,
    WIRE_STACK,
    WIRE_STACK_TEXT,
    WIRE_CLUSTER,
    WIRE_IDLE,
    WIRE_LISTENER = 32,
    WIRE_LISTENER_GONE,
    WIRE_CHANGED,
    WIRE_DRAIN,
    WIRE_DRAINED,
    WIRE_SETTINGS,
    WIRE_UNLISTENED,
    WIRE_PURGE,
};

enum wire_kind { WIRE_HTTP, WIRE_STREAM };
enum wire_role { WIRE_MAIN, WIRE_CLUSTER_CHILD, WIRE_DESCENDANT };

struct wire_hello {
    uint32_t type, version;
    uint32_t pid;    /* checked against SO_PEERCRED */
    uint32_t worker; /* FETTLE_WORKER: wire_worker() */
    uint32_t role;   /* enum wire_role */
    char node_version[16];
};

/* slot UINT32_MAX: no slot for this process (too many): it runs unwatched. */
struct wire_welcome {
    uint32_t type, version;
    uint32_t slot, generation;
    uint64_t shm_bytes;
};

struct wire_listen {
    uint32_t type;
    uint32_t kind;   /* enum wire_kind */
    uint32_t family; /* AF_INET, AF_INET6, AF_UNIX; 0: no host given (try ::, else 0.0.0.0) */
    uint32_t port;   /* 0: any free one */
    uint32_t backlog;
    uint32_t index; /* the how-manieth listen with port 0 of this process, so workers share them */
    uint32_t v6only;
    char host[64];  /* an IP in text; empty with family 0 */
    char path[108]; /* AF_UNIX */
};

struct wire_listening {
    uint32_t type;
    uint32_t error; /* errno, 0: fine */
    uint32_t listener;
    uint32_t family, port;
    char host[64];  /* as bound: what server.address() answers */
    char path[108]; /* the unix socket that the server listens on instead */
};

/* READY, UNLISTEN, STACK, CLUSTER, IDLE, CHANGED, DRAIN, DRAINED, LISTENER, LISTENER_GONE. */
struct wire_note {
    uint32_t type;
    uint32_t listener;
    uint32_t kind;
    uint32_t value; /* CLUSTER: children forked so far; DRAIN: 1 when another fettle goes on */
};

enum { WIRE_STACK_MAX = 16384 };
struct wire_stack_text {
    uint32_t type;
    uint32_t len;
    char text[WIRE_STACK_MAX]; /* as Error.stack prints frames, a line each; the message may be
                                  shorter */
};

/* Settings that are to be in force from now on: all that are not the default, as flags, each with
 * its NUL. */
enum { WIRE_SETTINGS_MAX = 131072 };
struct wire_settings {
    uint32_t type;
    uint32_t len;
    char text[WIRE_SETTINGS_MAX]; /* the message may be shorter */
};

/* To the proxy: what is stored of an app and fits is no longer sent. A path may end with a *; a
 * length of 0: any. */
struct wire_purge {
    uint32_t type;
    uint32_t app;
    uint32_t path_len, tag_len;
    char path[2048];
    char tag[256];
};

/* The unix socket of listener L in slot S, generation G: <runtime dir>/S.G.L (%s/%u.%u.%u). */

/* The name that the proxy binds its end of a connection to a worker to, abstract, so that the
 * accepting process can read it by getpeername:
 *     \0fettle/<random, 8 hex digits>/<seq, hex>/<text>
 * HTTP: the text is @<number>: the connection's place in peers.h and in shm.route_of, which is its
 * own while shm_peer.connection is random + seq (wire_connection). When there are no numbers left,
 * the text says who the client is, as for raw streams, and the connection carries one request:
 *     <remote address> <remote port> <local address> <local port> */
static inline uint32_t wire_connection(uint32_t random, uint64_t seq)
{
    uint32_t connection = random + (uint32_t)seq;

    return connection ? connection : 1;
}
