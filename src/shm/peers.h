/* shm/peers.h -- who the clients are of the requests between proxy and workers
 *
 * A memory of its own: the proxy writes it, and workers can only read it, so that none can forge
 * the clients of another's requests. A connection from the proxy to an HTTP server has a place
 * here, whose number stands in the name of the proxy's end (wire.h). The proxy writes before it
 * sends a head; the agent reads when the app asks for an address, which most requests never do: a
 * field in the head would cost each of them.
 *
 * A place remembers two requests, because the next one may come while the app still deals with the
 * end of the last. `at` is where in the bytes of the connection the request begins, so how much
 * Node has read says which one it is at. With it stands the trace that it belongs to (trace.h).
 *
 * Plain C11 for the addon, like layout.h; the reader trusts the proxy.
 */
#pragma once

#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "shm/layout.h"

enum { SHM_PEER_TEXT_MAX = 144 };

struct shm_peer_request {
    _Atomic uint64_t at; /* UINT64_MAX: none yet */
    _Atomic uint64_t len;
    _Atomic uint64_t trace[4]; /* struct shm_trace_context; all zero: it has none */
    /* "<remote address> <port> <local address> <port>", in words */
    _Atomic uint64_t text[SHM_PEER_TEXT_MAX / 8];
};

struct shm_peer {
    _Atomic uint32_t version;    /* odd: being written */
    _Atomic uint32_t connection; /* whose place this is: wire_connection; 0: nobody's yet */
    uint32_t requests;           /* written so far */
    uint32_t spare;
    struct shm_peer_request request[2];
};

struct shm_peers {
    struct shm_peer peer[SHM_CONNECTIONS_MAX];
    /* By connection: 1 while the request on it is one whose trace is sampled. Written before its
     * head is sent, so that a reader who has just seen that head finds what holds for it. */
    _Atomic uint8_t sampled[SHM_CONNECTIONS_MAX];
};

/* A sequence lock. What is written is ordered by release after the odd version and before the even
 * one, what is read by acquire. A writer that died in between has left it odd. */
static inline void shm_peer_begin(struct shm_peer *p)
{
    uint32_t version = atomic_load_explicit(&p->version, memory_order_relaxed);

    atomic_store_explicit(&p->version, version | 1, memory_order_relaxed);
}

static inline void shm_peer_end(struct shm_peer *p)
{
    uint32_t version = atomic_load_explicit(&p->version, memory_order_relaxed);

    atomic_store_explicit(&p->version, version + 1, memory_order_release);
}

/* Gives the place to a connection. It stays that one's until the next has it. */
static inline void shm_peer_open(struct shm_peer *p, uint32_t connection)
{
    shm_peer_begin(p);
    atomic_store_explicit(&p->request[0].at, UINT64_MAX, memory_order_release);
    atomic_store_explicit(&p->request[1].at, UINT64_MAX, memory_order_release);
    atomic_store_explicit(&p->connection, connection, memory_order_release);
    shm_peer_end(p);
}

/* The request whose head begins after `at` bytes of the connection. `trace`: its span in the proxy
 * and the trace of that; NULL: it is not traced. */
static inline void shm_peer_put(struct shm_peer *p, uint64_t at, const char *text, size_t len,
                                const struct shm_trace_context *trace)
{
    struct shm_peer_request *r = &p->request[p->requests++ % 2];
    size_t rest = len < SHM_PEER_TEXT_MAX ? len : SHM_PEER_TEXT_MAX;
    uint64_t ids[4] = { 0 };

    if (trace)
        memcpy(ids, trace, sizeof ids);
    shm_peer_begin(p);
    atomic_store_explicit(&r->at, at, memory_order_release);
    atomic_store_explicit(&r->len, rest, memory_order_release);
    for (int i = 0; i < 4; i++)
        atomic_store_explicit(&r->trace[i], ids[i], memory_order_release);
    for (size_t i = 0; rest > 0; i++) {
        size_t n = rest < 8 ? rest : 8;
        uint64_t word = 0;

        memcpy(&word, text + 8 * i, n);
        atomic_store_explicit(&r->text[i], word, memory_order_release);
        rest -= n;
    }
    shm_peer_end(p);
}

/* The request that a reader of `bytes` bytes is at; NULL: there has been none yet, or the place is
 * another connection's. Of one version: what comes of a torn one is thrown away. */
static inline const struct shm_peer_request *shm_peer_find(const struct shm_peer *p,
                                                           uint32_t connection, uint64_t bytes)
{
    uint64_t at[2];

    for (int i = 0; i < 2; i++)
        at[i] = atomic_load_explicit(&p->request[i].at, memory_order_acquire);
    if (atomic_load_explicit(&p->connection, memory_order_acquire) != connection ||
        (at[0] >= bytes && at[1] >= bytes))
        return NULL;
    return &p->request[at[0] >= bytes || (at[1] < bytes && at[1] > at[0])];
}

static inline size_t shm_peer_read(const struct shm_peer *p, uint32_t connection, uint64_t bytes,
                                   char out[SHM_PEER_TEXT_MAX])
{
    const struct shm_peer_request *r = shm_peer_find(p, connection, bytes);
    uint64_t len = r ? atomic_load_explicit(&r->len, memory_order_acquire) : 0;

    if (len > SHM_PEER_TEXT_MAX)
        return 0;
    for (size_t i = 0; i < (len + 7) / 8; i++) {
        uint64_t word = atomic_load_explicit(&r->text[i], memory_order_acquire);

        memcpy(out + 8 * i, &word, 8);
    }
    return len;
}

static inline bool shm_peer_trace_read(const struct shm_peer *p, uint32_t connection,
                                       uint64_t bytes, struct shm_trace_context *out)
{
    const struct shm_peer_request *r = shm_peer_find(p, connection, bytes);
    uint64_t ids[4];

    for (int i = 0; r && i < 4; i++)
        ids[i] = atomic_load_explicit(&r->trace[i], memory_order_acquire);
    if (!r || !(ids[0] | ids[1]))
        return false;
    memcpy(out, ids, sizeof ids);
    return true;
}

/* Whether `version` was even, and still is what it was: then what was read is of one piece. */
static inline bool shm_peer_same(const struct shm_peer *p, uint32_t version)
{
    return !(version & 1) && atomic_load_explicit(&p->version, memory_order_relaxed) == version;
}

/* The client of the request that a reader of `bytes` bytes is at: the length of what is put into
 * `out`. 0: there has been no request yet, or the place is another connection's. */
static inline size_t shm_peer_get(const struct shm_peer *p, uint32_t connection, uint64_t bytes,
                                  char out[SHM_PEER_TEXT_MAX])
{
    for (int tries = 0; tries < 1000; tries++, sched_yield()) {
        uint32_t version = atomic_load_explicit(&p->version, memory_order_acquire);
        size_t len = version & 1 ? 0 : shm_peer_read(p, connection, bytes, out);

        if (shm_peer_same(p, version))
            return len;
    }
    return 0; /* a proxy that died in there */
}

/* The trace of that request, and its span in the proxy, the parent of whatever a worker adds.
 * False: it is not traced. */
static inline bool shm_peer_trace(const struct shm_peer *p, uint32_t connection, uint64_t bytes,
                                  struct shm_trace_context *out)
{
    for (int tries = 0; tries < 1000; tries++, sched_yield()) {
        uint32_t version = atomic_load_explicit(&p->version, memory_order_acquire);
        bool is_traced = !(version & 1) && shm_peer_trace_read(p, connection, bytes, out);

        if (shm_peer_same(p, version))
            return is_traced;
    }
    return false;
}
