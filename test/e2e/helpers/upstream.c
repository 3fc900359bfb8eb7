/* test/e2e/helpers/upstream.c -- upstream.node: what the proxy does on its end of a connection to a
 * worker and JavaScript cannot, for tests of the agent without the proxy
 *
 *     connect(path, random, seq, text)   a connection whose own end has the name of shm/wire.h: its
 *                                        descriptor, or -errno
 *     open(file, number, random, seq)    the connection's place in the peers, whose memory is
 * `file` peer(file, number, at, text)       who the client is of the request that begins at byte
 * `at` route(file, slot, number)          the route of the request on it, in the shared memory
 * `file`
 */
#define NAPI_VERSION 8
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <node_api.h>

#include "shm/peers.h"
#include "shm/wire.h"

struct args {
    napi_value v[4];
};

static struct args args_of(napi_env env, napi_callback_info info)
{
    struct args a = { { NULL } };
    size_t n = 4;

    napi_get_cb_info(env, info, &n, a.v, NULL, NULL);
    return a;
}

static double number_of(napi_env env, napi_value v)
{
    double n = 0;

    napi_get_value_double(env, v, &n);
    return n;
}

static size_t text_of(napi_env env, napi_value v, char out[256])
{
    size_t n = 0;

    napi_get_value_string_utf8(env, v, out, 256, &n);
    return n;
}

static void *memory_of(napi_env env, napi_value file, size_t bytes)
{
    char name[256];
    int fd;
    void *p;

    text_of(env, file, name);
    fd = open(name, O_RDWR | O_CLOEXEC);
    p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (p == MAP_FAILED)
        napi_throw_error(env, NULL, "no such memory");
    return p;
}

static napi_value connect_call(napi_env env, napi_callback_info info)
{
    struct args a = args_of(env, info);
    struct sockaddr_un to = { .sun_family = AF_UNIX }, own = { .sun_family = AF_UNIX };
    char path[256], text[256];
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), n;
    napi_value v;

    text_of(env, a.v[0], path);
    text_of(env, a.v[3], text);
    snprintf(to.sun_path, sizeof to.sun_path, "%.100s", path);
    n = snprintf(own.sun_path + 1, sizeof own.sun_path - 1, "fettle/%08x/%x/%.60s",
                 (unsigned)number_of(env, a.v[1]), (unsigned)number_of(env, a.v[2]), text);
    if (bind(fd, (struct sockaddr *)&own,
             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)) != 0 ||
        connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        n = -errno;
        close(fd);
        fd = n;
    }
    napi_create_int32(env, fd, &v);
    return v;
}

static napi_value open_call(napi_env env, napi_callback_info info)
{
    struct args a = args_of(env, info);
    struct shm_peers *peers = memory_of(env, a.v[0], sizeof *peers);

    if (peers == MAP_FAILED)
        return NULL;
    shm_peer_open(
        &peers->peer[(uint32_t)number_of(env, a.v[1])],
        wire_connection((uint32_t)number_of(env, a.v[2]), (uint64_t)number_of(env, a.v[3])));
    munmap(peers, sizeof *peers);
    return NULL;
}

static napi_value peer_call(napi_env env, napi_callback_info info)
{
    struct args a = args_of(env, info);
    struct shm_peers *peers = memory_of(env, a.v[0], sizeof *peers);
    char text[256];
    size_t len = text_of(env, a.v[3], text);

    if (peers == MAP_FAILED)
        return NULL;
    shm_peer_put(&peers->peer[(uint32_t)number_of(env, a.v[1])], (uint64_t)number_of(env, a.v[2]),
                 text, len, NULL);
    munmap(peers, sizeof *peers);
    return NULL;
}

static napi_value route_call(napi_env env, napi_callback_info info)
{
    struct args a = args_of(env, info);
    struct shm *shm = memory_of(env, a.v[0], sizeof *shm);
    struct shm_routes *routes;
    uint32_t n;
    napi_value v;

    napi_get_null(env, &v);
    if (shm == MAP_FAILED)
        return v;
    routes = &shm->routes[(uint32_t)number_of(env, a.v[1])];
    n = shm->route_of[(uint32_t)number_of(env, a.v[2])];
    if (n && n < routes->count)
        napi_create_string_latin1(env, routes->route[n].text, routes->route[n].len, &v);
    munmap(shm, sizeof *shm);
    return v;
}

NAPI_MODULE_INIT()
{
    static const struct {
        const char *name;
        napi_callback call;
    } calls[] = { { "connect", connect_call },
                  { "open", open_call },
                  { "peer", peer_call },
                  { "route", route_call } };

    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        napi_value fn = NULL;
        napi_create_function(env, calls[i].name, NAPI_AUTO_LENGTH, calls[i].call, NULL, &fn);
        napi_set_named_property(env, exports, calls[i].name, fn);
    }
    return exports;
}
