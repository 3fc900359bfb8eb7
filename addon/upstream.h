/* addon/upstream.h -- the connections that the proxy makes to this process
 *
 * What shm/peers.h and shm.route_of say of them. Process-wide; any thread may call.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/peers.h"

/* What the proxy's end of a connection is called (shm/wire.h). */
struct upstream_name {
    uint32_t number;     /* 0: it has none, and `text` says who the client is */
    uint32_t connection; /* wire_connection */
    char text[108];
};

/* The name of the other end of `fd`. False: it is not the proxy's. */
bool upstream_name_get(int fd, struct upstream_name *out);

/* The client of the request that is being served, when Node has read `bytes` bytes of the
 * connection: "<remote address> <port> <local address> <port>", without a NUL. The text's length;
 * 0: nobody knows (any more). */
size_t upstream_peer(uint32_t number, uint32_t connection, uint64_t bytes,
                     char out[SHM_PEER_TEXT_MAX]);

/* Its trace, and its span in the proxy, the parent of spans that this process adds. False: it is
 * not traced, or nobody knows. */
bool upstream_trace(uint32_t number, uint32_t connection, uint64_t bytes,
                    struct shm_trace_context *out);

/* "00-<trace>-<span>-<flags>", without a NUL; returns its length. */
size_t upstream_traceparent(const struct shm_trace_context *trace, char out[64]);

/* The number of a route: the one that it got first, else a new one. 0: it is empty, or there are
 * none left. What is not visible ASCII becomes _. */
uint32_t upstream_route_number(const char *text);

/* The process is a new user of its slot. */
void upstream_init(void);
