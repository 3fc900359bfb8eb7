/* addon/agent.c -- agent.node: what agent.js may call
 *
 * Plain C over Node-API 8, so one binary serves Node 18 and later. The link to the supervisor is
 * the process's (link.h); the main environment alone owns loop, stack and statistics. Worker
 * threads load the same object and share the link: they only listen.
 */
#define NAPI_VERSION 8
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <node_api.h>

#include "allocated_node.h"
#include "calls_node.h"
#include "idle.h"
#include "journal.h"
#include "link.h"
#include "loop.h"
#include "measures.h"
#include "part.h"
#include "served.h"
#include "shm/opened.h"
#include "spans.h"
#include "spans_node.h"
#include "stack.h"
#include "stats.h"
#include "upstream.h"

struct uv_loop_s;

/* Of one environment. */
struct room {
    bool owner;         /* the main environment, connected */
    uint32_t listeners; /* bit i: a server of this environment has listener i */
};
_Static_assert(SHM_LISTENERS_MAX <= 32, "a bit for each listener");

static napi_value number(napi_env env, double n)
{
    napi_value v = NULL;

    napi_create_double(env, n, &v);
    return v;
}

static napi_value boolean(napi_env env, bool b)
{
    napi_value v = NULL;

    napi_get_boolean(env, b, &v);
    return v;
}

static napi_value string(napi_env env, const char *text)
{
    napi_value v = NULL;

    napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &v);
    return v;
}

/* The arguments; missing ones are undefined, which reads as 0 and "". */
static void args_get(napi_env env, napi_callback_info info, napi_value *args, size_t count)
{
    napi_get_cb_info(env, info, &count, args, NULL, NULL);
}

static uint32_t arg_u32(napi_env env, napi_value v)
{
    double n = 0;

    napi_get_value_double(env, v, &n);
    return n >= 0 && n <= UINT32_MAX ? (uint32_t)n : 0;
}

static void arg_text(napi_env env, napi_value v, char *out, size_t max)
{
    size_t n = 0;

    out[0] = 0;
    if (napi_get_value_string_utf8(env, v, out, max, &n) != napi_ok)
        out[0] = 0;
}

static int32_t loop_fd_find(napi_env env, struct uv_loop_s **loop)
{
    int (*backend_fd)(const struct uv_loop_s *);
    void *found = dlsym(RTLD_DEFAULT, "uv_backend_fd");

    *loop = NULL;
    if (napi_get_uv_event_loop(env, loop) != napi_ok || !found)
        return -1;
    memcpy(&backend_fd, &found, sizeof found);
    return backend_fd(*loop);
}

/* Makes somebody the writer of slot->loop: the preload, else the agent thread (true). */
static bool loop_watch(napi_env env)
{
    struct uv_loop_s *loop;
    int fd = loop_fd_find(env, &loop);
    void *found = dlsym(RTLD_DEFAULT, "fettle_loop_attach");
    fettle_loop_attach_fn *attach;

    memset(&link_here.slot->loop, 0, sizeof link_here.slot->loop);
    if (found && fd >= 0) {
        memcpy(&attach, &found, sizeof found);
        attach(link_here.slot, link_here.shm, link_here.wake_fd, fd);
        return false;
    }
    return loop && idle_init(link_here.slot, link_here.shm, link_here.wake_fd, loop);
}

static void listener_leave(struct room *room, uint32_t listener)
{
    if (listener >= SHM_LISTENERS_MAX || !(room->listeners & 1u << listener))
        return;
    room->listeners &= ~(1u << listener);
    served_remove(listener);
    link_note(WIRE_UNLISTEN, listener, 0, 0);
}

/* The environment ends: its servers go without close(), as when a worker thread is terminated. */
static void room_done(void *data)
{
    struct room *room = data;

    for (uint32_t i = 0; i < SHM_LISTENERS_MAX; i++)
        listener_leave(room, i);
    if (!room->owner)
        return;
    room->owner = false;
    spans_rows_take();
    stats_done();
    measures_done();
    stack_done();
    idle_done();
}

static struct room *room_of(napi_env env)
{
    struct room *room = NULL;

    napi_get_instance_data(env, (void **)&room);
    return room;
}

/* connect(dir, worker, role, version): 0, or an errno. welcome() takes the answer. */
static napi_value connect_call(napi_env env, napi_callback_info info)
{
    napi_value args[4];
    char dir[256], version[16];

    args_get(env, info, args, 4);
    if (link_alive())
        return number(env, EALREADY);
    arg_text(env, args[0], dir, sizeof dir);
    arg_text(env, args[3], version, sizeof version);
    return number(env, -link_hello(dir, arg_u32(env, args[1]), arg_u32(env, args[2]), version));
}

/* welcome(): 0, or an errno */
static napi_value welcome_call(napi_env env, napi_callback_info info)
{
    struct room *room = room_of(env);
    bool ticks = false;
    int err = room ? link_welcome() : -ENOMEM;

    (void)info;
    if (err)
        return number(env, -err);
    journal_init();
    served_init();
    upstream_init();
    stack_init(env);
    if (link_here.slot) {
        atomic_store(&link_here.slot->inspected_since_ns, 0);
        ticks = loop_watch(env);
    }
    room->owner = true;
    return number(env, -link_start(ticks ? IDLE_TICK_MS : 0, idle_tick));
}

/* connected(): whether this process has a link, be it another thread that opened it */
static napi_value connected_call(napi_env env, napi_callback_info info)
{
    (void)info;
    return boolean(env, link_alive());
}

static napi_value answer_new(napi_env env, const struct wire_listening *a)
{
    napi_value o = NULL;

    napi_create_object(env, &o);
    napi_set_named_property(env, o, "listener", number(env, a->listener));
    napi_set_named_property(env, o, "family", number(env, a->family));
    napi_set_named_property(env, o, "port", number(env, a->port));
    napi_set_named_property(env, o, "host", string(env, a->host));
    napi_set_named_property(env, o, "path", string(env, a->path));
    return o;
}

/* ask(kind, family, host, port, path, backlog, v6only): false when there is no supervisor; else
 * answer() has to be called, on the same thread: an errno, or the answer */
static napi_value ask_call(napi_env env, napi_callback_info info)
{
    struct wire_listen ask = { .type = WIRE_LISTEN };
    napi_value args[7];

    args_get(env, info, args, 7);
    ask.kind = arg_u32(env, args[0]);
    ask.family = arg_u32(env, args[1]);
    arg_text(env, args[2], ask.host, sizeof ask.host);
    ask.port = arg_u32(env, args[3]);
    arg_text(env, args[4], ask.path, sizeof ask.path);
    ask.backlog = arg_u32(env, args[5]);
    ask.v6only = arg_u32(env, args[6]);
    if (ask.family != AF_UNIX && ask.port == 0)
        ask.index = served_any_next();
    return boolean(env, link_ask(&ask) == 0);
}

static napi_value answer_call(napi_env env, napi_callback_info info)
{
    struct room *room = room_of(env);
    struct wire_listening answer;
    int err = link_answer(&answer);

    (void)info;
    if (!err)
        err = -(int)answer.error;
    if (!err && !served_add(answer.listener, answer.path))
        err = -EADDRINUSE; /* this process has it already */
    if (err)
        return number(env, -err);
    room->listeners |= 1u << answer.listener;
    unlink(answer.path); /* there is none, as there should be */
    return answer_new(env, &answer);
}

/* part(name): addon/<name>.js */
static napi_value part_call(napi_env env, napi_callback_info info)
{
    char name[32];
    const char *text;
    napi_value args[1], v = NULL;
    size_t len;

    args_get(env, info, args, 1);
    arg_text(env, args[0], name, sizeof name);
    text = part_text(name, &len);
    if (text)
        napi_create_string_latin1(env, text, len, &v);
    return v;
}

/* ready(listener), unlisten(listener) */
static napi_value ready_call(napi_env env, napi_callback_info info)
{
    napi_value args[1];

    args_get(env, info, args, 1);
    link_note(WIRE_READY, arg_u32(env, args[0]), 0, 0);
    return NULL;
}

static napi_value unlisten_call(napi_env env, napi_callback_info info)
{
    napi_value args[1];

    args_get(env, info, args, 1);
    listener_leave(room_of(env), arg_u32(env, args[0]));
    return NULL;
}

/* cluster(forked), idle() */
static napi_value cluster_call(napi_env env, napi_callback_info info)
{
    napi_value args[1];

    args_get(env, info, args, 1);
    link_note(WIRE_CLUSTER, 0, 0, arg_u32(env, args[0]));
    return NULL;
}

static napi_value idle_call(napi_env env, napi_callback_info info)
{
    (void)info;
    (void)env;
    link_note(WIRE_IDLE, 0, 0, 0);
    return NULL;
}

/* upstream(fd): null when its other end is not the proxy's; the text of its name when it has no
 * number; else number * 2^32 + connection */
static napi_value upstream_call(napi_env env, napi_callback_info info)
{
    struct upstream_name name;
    napi_value args[1], none = NULL;
    int32_t fd = -1;

    args_get(env, info, args, 1);
    napi_get_value_int32(env, args[0], &fd);
    napi_get_null(env, &none);
    if (!upstream_name_get(fd, &name))
        return none;
    if (!name.number)
        return string(env, name.text);
    return number(env, (double)((uint64_t)name.number << 32 | name.connection));
}

/* peer(number * 2^32 + connection, bytes read): the addresses, or null */
static napi_value peer_call(napi_env env, napi_callback_info info)
{
    char text[SHM_PEER_TEXT_MAX];
    napi_value args[2], v = NULL;
    double of = 0, bytes = 0;
    size_t len = 0;

    args_get(env, info, args, 2);
    napi_get_value_double(env, args[0], &of);
    napi_get_value_double(env, args[1], &bytes);
    if (of > 0 && of < 0x1p53 && bytes > 0 && bytes < 0x1p53)
        len = upstream_peer((uint32_t)((uint64_t)of >> 32), (uint32_t)(uint64_t)of, (uint64_t)bytes,
                            text);
    if (len)
        napi_create_string_latin1(env, text, len, &v);
    else
        napi_get_null(env, &v);
    return v;
}

/* traceparent(number * 2^32 + connection, bytes read): "00-<trace>-<span>-<flags>" of the request,
 * whose span is the proxy's; null: it is not traced */
static napi_value traceparent_call(napi_env env, napi_callback_info info)
{
    struct shm_trace_context trace;
    napi_value args[2], v = NULL;
    double of = 0, bytes = 0;
    char text[64];
    size_t len;

    args_get(env, info, args, 2);
    napi_get_value_double(env, args[0], &of);
    napi_get_value_double(env, args[1], &bytes);
    napi_get_null(env, &v);
    if (!(of > 0 && of < 0x1p53 && bytes > 0 && bytes < 0x1p53) ||
        !upstream_trace((uint32_t)((uint64_t)of >> 32), (uint32_t)(uint64_t)of, (uint64_t)bytes,
                        &trace))
        return v;
    len = upstream_traceparent(&trace, text);
    napi_create_string_latin1(env, text, len, &v);
    return v;
}

/* sampled(): shm_peers.sampled as a Uint8Array that is only to be read; null when nobody writes
 * it */
static napi_value sampled_call(napi_env env, napi_callback_info info)
{
    napi_value buffer = NULL, array = NULL;

    (void)info;
    napi_get_null(env, &array);
    if (link_here.slot && link_here.peers &&
        napi_create_external_arraybuffer(env, (void *)(uintptr_t)link_here.peers->sampled,
                                         sizeof link_here.peers->sampled, NULL, NULL,
                                         &buffer) == napi_ok)
        napi_create_typedarray(env, napi_uint8_array, SHM_CONNECTIONS_MAX, buffer, 0, &array);
    return array;
}

/* routeNumber(text) */
static napi_value route_number_call(napi_env env, napi_callback_info info)
{
    char text[4 * SHM_ROUTE_MAX];
    napi_value args[1];

    args_get(env, info, args, 1);
    arg_text(env, args[0], text, sizeof text);
    return number(env, upstream_route_number(text));
}

/* routes(): shm.route_of as a Uint16Array; null when nobody reads it */
static napi_value routes_call(napi_env env, napi_callback_info info)
{
    napi_value buffer = NULL, array = NULL;

    (void)info;
    napi_get_null(env, &array);
    if (link_here.slot && napi_create_external_arraybuffer(env, (void *)link_here.shm->route_of,
                                                           sizeof link_here.shm->route_of, NULL,
                                                           NULL, &buffer) == napi_ok)
        napi_create_typedarray(env, napi_uint16_array, SHM_CONNECTIONS_MAX, buffer, 0, &array);
    return array;
}

/* watch(): null when nobody reads this process's memory figures; else whether JavaScript has to
 * time the collections */
static napi_value watch_call(napi_env env, napi_callback_info info)
{
    struct room *room = room_of(env);
    napi_value none = NULL;

    (void)info;
    napi_get_null(env, &none);
    if (!room || !room->owner || !link_here.slot)
        return none;
    measures_init(&link_here.shm->measures[link_here.index]);
    return boolean(env, !stats_init(&link_here.slot->agent, stack_isolate(),
                                    &link_here.slot->loop.busy_since_ns));
}

/* spaceName(i, name), resourceName(i, type, kind) */
static napi_value space_name_call(napi_env env, napi_callback_info info)
{
    napi_value args[2];
    char name[64];

    args_get(env, info, args, 2);
    arg_text(env, args[1], name, sizeof name);
    return boolean(env, stats_space_name(arg_u32(env, args[0]), name));
}

static napi_value resource_name_call(napi_env env, napi_callback_info info)
{
    napi_value args[3];
    char name[64];

    args_get(env, info, args, 3);
    arg_text(env, args[1], name, sizeof name);
    return boolean(env, stats_resource_name(arg_u32(env, args[0]), name, arg_u32(env, args[2])));
}

/* publish(Float64Array), enum stats_number: the word of shm/opened.h */
static napi_value publish_call(napi_env env, napi_callback_info info)
{
    napi_typedarray_type type;
    napi_value args[1];
    size_t length = 0;
    void *data = NULL;

    args_get(env, info, args, 1);
    if (napi_get_typedarray_info(env, args[0], &type, &length, &data, NULL, NULL) == napi_ok &&
        type == napi_float64_array && length == STATS_NUMBERS && data)
        stats_publish(data);
    return number(env, link_here.slot ? atomic_load_explicit(&link_here.slot->opened_wanted,
                                                             memory_order_relaxed)
                                      : 0);
}

/* opened(kind, seconds, count, text): what shm/opened.h says; false: nobody reads it */
static napi_value opened_call(napi_env env, napi_callback_info info)
{
    struct {
        struct shm_opened head;
        char text[SHM_OPENED_TEXT_MAX + 1];
    } record = { 0 };
    napi_value args[4];
    uint32_t len;

    args_get(env, info, args, 4);
    record.head.kind = arg_u32(env, args[0]);
    record.head.seconds = arg_u32(env, args[1]);
    record.head.opened = arg_u32(env, args[2]);
    arg_text(env, args[3], record.text, sizeof record.text);
    record.head.text_len = len = (uint32_t)strlen(record.text);
    return boolean(env, journal_put(SHM_RECORD_OPENED, &record, sizeof record.head + len));
}

/* collected(kind, ms): one collection that JavaScript has timed */
static napi_value collected_call(napi_env env, napi_callback_info info)
{
    napi_value args[2];
    double ms = 0;

    args_get(env, info, args, 2);
    napi_get_value_double(env, args[1], &ms);
    if (ms >= 0 && ms < 1e9)
        stats_gc_add(arg_u32(env, args[0]), (uint64_t)(ms * 1e6));
    return NULL;
}

/* measureNumber(kind, name), measured(number, ms) */
static napi_value measure_number_call(napi_env env, napi_callback_info info)
{
    napi_value args[2];
    char name[4 * SHM_MEASURE_NAME_MAX];
    uint32_t kind;

    args_get(env, info, args, 2);
    kind = arg_u32(env, args[0]);
    arg_text(env, args[1], name, sizeof name);
    if (kind >= SHM_MEASURE_KINDS)
        return NULL;
    return number(env, measures_number((enum shm_measure_kind)kind, name));
}

static napi_value measured_call(napi_env env, napi_callback_info info)
{
    napi_value args[2];
    double ms = 0;

    args_get(env, info, args, 2);
    napi_get_value_double(env, args[1], &ms);
    measures_add(arg_u32(env, args[0]), ms > 0 && ms < 1e12 ? (uint64_t)(ms * 1e6) : 0);
    return NULL;
}

static void room_free(napi_env env, void *data, void *hint)
{
    (void)env;
    (void)hint;
    free(data);
}

static napi_status constant(napi_env env, napi_value object, const char *name, double value)
{
    return napi_set_named_property(env, object, name, number(env, value));
}

struct call {
    const char *name;
    napi_callback call;
};

static void calls_add(napi_env env, napi_value object, const struct call *calls, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        napi_value fn = NULL;
        napi_create_function(env, calls[i].name, NAPI_AUTO_LENGTH, calls[i].call, NULL, &fn);
        napi_set_named_property(env, object, calls[i].name, fn);
    }
}

/* statistics(): what statistics.js calls */
static napi_value statistics_call(napi_env env, napi_callback_info info)
{
    static const struct call calls[] = {
        { "spaceName", space_name_call },
        { "resourceName", resource_name_call },
        { "publish", publish_call },
        { "collected", collected_call },
        { "measureNumber", measure_number_call },
        { "measured", measured_call },
        { "opened", opened_call },
    };
    napi_value o = NULL;

    (void)info;
    napi_create_object(env, &o);
    calls_add(env, o, calls, sizeof calls / sizeof *calls);
    constant(env, o, "SPACES_MAX", SHM_SPACES_MAX);
    constant(env, o, "RESOURCES_MAX", SHM_RESOURCES_MAX);
    constant(env, o, "FIRST_SPACE", STATS_FIRST_SPACE);
    constant(env, o, "FIRST_RESOURCE", STATS_FIRST_RESOURCE);
    constant(env, o, "NUMBERS", STATS_NUMBERS);
    return o;
}

/* calls(): what trace.js calls */
static napi_value calls_call(napi_env env, napi_callback_info info)
{
    (void)info;
    return calls_node(env);
}

/* allocations(): what allocations.js calls */
static napi_value allocations_call(napi_env env, napi_callback_info info)
{
    (void)info;
    return allocated_node(env);
}

/* spans() */
static napi_value spans_node_call(napi_env env, napi_callback_info info)
{
    (void)info;
    return spans_node(env);
}

/* watches(): whether requests are to be watched for what they ask of others */
static napi_value watches_call(napi_env env, napi_callback_info info)
{
    uint32_t app = link_here.slot ? atomic_load(&link_here.slot->app) : SHM_APPS_MAX;

    (void)info;
    return boolean(env, app < SHM_APPS_MAX && (link_here.shm->app[app].watch_requests > 0 ||
                                               link_here.shm->app[app].traced));
}

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* memory(): the descriptor of what the app's processes share, which stays the agent's; -1: none */
static napi_value memory_call(napi_env env, napi_callback_info info)
{
    (void)info;
    return number(env, link_alive() ? link_here.memory_fd : -1);
}

/* inspected(begins): what the inspector is about to be asked for by fettle itself takes long, or is
 * over (inspect/capture.c) */
static napi_value inspected_call(napi_env env, napi_callback_info info)
{
    struct room *room = room_of(env);
    struct shm_slot *slot = link_here.slot;
    napi_value begins;
    uint64_t since;
    bool is = false;

    args_get(env, info, &begins, 1);
    napi_get_value_bool(env, begins, &is);
    if (!room || !room->owner || !slot)
        return NULL;
    since = atomic_load(&slot->inspected_since_ns);
    if (since)
        atomic_fetch_add(&slot->inspected_ns, now_ns() - since);
    atomic_store(&slot->inspected_since_ns, is ? now_ns() : 0);
    return NULL;
}

NAPI_MODULE_INIT()
{
    static const struct call calls[] = {
        { "connect", connect_call },     { "welcome", welcome_call },
        { "connected", connected_call }, { "ask", ask_call },
        { "answer", answer_call },       { "ready", ready_call },
        { "unlisten", unlisten_call },   { "cluster", cluster_call },
        { "idle", idle_call },           { "upstream", upstream_call },
        { "peer", peer_call },           { "routes", routes_call },
        { "part", part_call },           { "routeNumber", route_number_call },
        { "watch", watch_call },         { "statistics", statistics_call },
        { "sampled", sampled_call },     { "traceparent", traceparent_call },
        { "calls", calls_call },         { "watches", watches_call },
        { "inspected", inspected_call }, { "allocations", allocations_call },
        { "spans", spans_node_call },    { "memory", memory_call },
    };
    struct room *room = calloc(1, sizeof *room);

    if (!room || napi_set_instance_data(env, room, room_free, NULL) != napi_ok) {
        free(room);
        napi_throw_error(env, NULL, "fettle: out of memory");
        return NULL;
    }
    napi_add_env_cleanup_hook(env, room_done, room);
    calls_add(env, exports, calls, sizeof calls / sizeof *calls);
    napi_set_named_property(env, exports, "MAIN_THREAD", boolean(env, gettid() == getpid()));
    return exports;
}
