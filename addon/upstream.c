/* addon/upstream.c -- the connections that the proxy makes to this process */
#include "upstream.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "link.h"

static pthread_mutex_t routes_lock = PTHREAD_MUTEX_INITIALIZER;

bool upstream_name_get(int fd, struct upstream_name *out)
{
    struct sockaddr_un peer = { 0 };
    socklen_t bytes = sizeof peer;
    const size_t head = offsetof(struct sockaddr_un, sun_path);
    char name[sizeof peer.sun_path + 1] = "", *end;
    uint64_t seq;
    uint32_t random;

    *out = (struct upstream_name){ 0 };
    if (getpeername(fd, (struct sockaddr *)&peer, &bytes) != 0 || bytes <= head + 1 ||
        bytes > sizeof peer || peer.sun_family != AF_UNIX || peer.sun_path[0])
        return false;
    memcpy(name, peer.sun_path + 1, bytes - head - 1);
    if (strncmp(name, "fettle/", 7) != 0)
        return false;
    random = (uint32_t)strtoul(name + 7, &end, 16);
    if (*end != '/')
        return false;
    seq = strtoull(end + 1, &end, 16);
    if (*end != '/')
        return false;
    out->connection = wire_connection(random, seq);
    if (end[1] == '@') {
        unsigned long number = strtoul(end + 2, NULL, 10);
        out->number = number < SHM_CONNECTIONS_MAX ? (uint32_t)number : 0;
    }
    strcpy(out->text, end + 1);
    return true;
}

size_t upstream_peer(uint32_t number, uint32_t connection, uint64_t bytes,
                     char out[SHM_PEER_TEXT_MAX])
{
    if (!link_here.peers || number == 0 || number >= SHM_CONNECTIONS_MAX)
        return 0;
    return shm_peer_get(&link_here.peers->peer[number], connection, bytes, out);
}

bool upstream_trace(uint32_t number, uint32_t connection, uint64_t bytes,
                    struct shm_trace_context *out)
{
    return link_here.peers && number > 0 && number < SHM_CONNECTIONS_MAX &&
           shm_peer_trace(&link_here.peers->peer[number], connection, bytes, out);
}

size_t upstream_traceparent(const struct shm_trace_context *trace, char out[64])
{
    size_t len = 3;

    memcpy(out, "00-", 4);
    for (int i = 0; i < 16; i++)
        len += (size_t)snprintf(out + len, 64 - len, "%02x", trace->trace[i]);
    out[len++] = '-';
    for (int i = 0; i < 8; i++)
        len += (size_t)snprintf(out + len, 64 - len, "%02x", trace->span[i]);
    return len + (size_t)snprintf(out + len, 64 - len, "-%02x", trace->flags);
}

void upstream_init(void)
{
    if (link_here.slot)
        atomic_store(&link_here.shm->routes[link_here.index].count, 1);
}

uint32_t upstream_route_number(const char *text)
{
    struct shm_routes *routes = link_here.slot ? &link_here.shm->routes[link_here.index] : NULL;
    struct shm_route route = { 0 };
    uint32_t n, count;

    for (bool odd = false; *text && route.len < SHM_ROUTE_MAX; text++) {
        bool was_odd = odd;
        odd = *text <= ' ' || *text > '~';
        if (!odd || !was_odd) /* a row of them becomes one */
            route.text[route.len++] = odd ? '_' : *text;
    }
    if (!routes || route.len == 0)
        return 0;
    pthread_mutex_lock(&routes_lock);
    count = atomic_load(&routes->count);
    for (n = 1; n < count; n++)
        if (memcmp(&routes->route[n], &route, sizeof route) == 0)
            break;
    if (n == count && n < SHM_ROUTES_MAX) {
        routes->route[n] = route;
        atomic_store(&routes->count, n + 1);
    }
    pthread_mutex_unlock(&routes_lock);
    return n < SHM_ROUTES_MAX ? n : 0;
}
