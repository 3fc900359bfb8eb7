/* addon/agent.c -- agent.node: what agent.js may call
 *
 * Plain C over Node-API 8, so one binary serves Node 18 and later. The link to the supervisor is
 * the process's (link.h); the main environment alone owns loop, stack and statistics. Worker
 * threads load the same object and share the link: they only listen.
 */
#define NAPI_VERSION 8
#include <dlfcn.h>
#include <errno.h>
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
#include "requests_node.h"
#include "served.h"
#include "spans.h"
#include "spans_node.h"
#include "stack.h"
#include "statistics_node.h"
#include "stats.h"
#include "upstream.h"
#include "value.h"

struct uv_loop_s;

/* Of one environment. */
struct room {
    bool owner;         /* the main environment, connected */
    uint32_t listeners; /* bit i: a server of this environment has listener i */
};
_Static_assert(SHM_LISTENERS_MAX <= 32, "a bit for each listener");

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
        return value_number(env, EALREADY);
    arg_text(env, args[0], dir, sizeof dir);
    arg_text(env, args[3], version, sizeof version);
    return value_number(env,
                        -link_hello(dir, arg_u32(env, args[1]), arg_u32(env, args[2]), version));
}

/* welcome(): 0, or an errno */
static napi_value welcome_call(napi_env env, napi_callback_info info)
{
    struct room *room = room_of(env);
    bool ticks = false;
    int err = room ? link_welcome() : -ENOMEM;

    (void)info;
    if (err)
        return value_number(env, -err);
    journal_init();
    served_init();
    upstream_init();
    stack_init(env);
    if (link_here.slot) {
        atomic_store(&link_here.slot->inspected_since_ns, 0);
        ticks = loop_watch(env);
    }
    room->owner = true;
    return value_number(env, -link_start(ticks ? IDLE_TICK_MS : 0, idle_tick));
}

/* connected(): whether this process has a link, be it another thread that opened it */
static napi_value connected_call(napi_env env, napi_callback_info info)
{
    (void)info;
    return value_boolean(env, link_alive());
}

static napi_value answer_new(napi_env env, const struct wire_listening *a)
{
    napi_value o = NULL;

    napi_create_object(env, &o);
    napi_set_named_property(env, o, "listener", value_number(env, a->listener));
    napi_set_named_property(env, o, "family", value_number(env, a->family));
    napi_set_named_property(env, o, "port", value_number(env, a->port));
    napi_set_named_property(env, o, "host", value_string(env, a->host));
    napi_set_named_property(env, o, "path", value_string(env, a->path));
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
    return value_boolean(env, link_ask(&ask) == 0);
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
        return value_number(env, -err);
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
    return value_boolean(env, !stats_init(&link_here.slot->agent, stack_isolate(),
                                          &link_here.slot->loop.busy_since_ns));
}

static void room_free(napi_env env, void *data, void *hint)
{
    (void)env;
    (void)hint;
    free(data);
}

/* statistics(), calls(), allocations(), spans(): what statistics.js, trace.js, allocations.js,
 * trace_spans.js call */
static napi_value statistics_call(napi_env env, napi_callback_info info)
{
    (void)info;
    return statistics_node(env);
}

static napi_value calls_call(napi_env env, napi_callback_info info)
{
    (void)info;
    return calls_node(env);
}

static napi_value allocations_call(napi_env env, napi_callback_info info)
{
    (void)info;
    return allocated_node(env);
}

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
    return value_boolean(env, app < SHM_APPS_MAX && (link_here.shm->app[app].watch_requests > 0 ||
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
    return value_number(env, link_alive() ? link_here.memory_fd : -1);
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
    static const struct value_call calls[] = {
        { "connect", connect_call },     { "welcome", welcome_call },
        { "connected", connected_call }, { "ask", ask_call },
        { "answer", answer_call },       { "ready", ready_call },
        { "unlisten", unlisten_call },   { "cluster", cluster_call },
        { "idle", idle_call },           { "part", part_call },
        { "watch", watch_call },         { "watches", watches_call },
        { "inspected", inspected_call }, { "statistics", statistics_call },
        { "calls", calls_call },         { "allocations", allocations_call },
        { "spans", spans_node_call },    { "memory", memory_call },
    };
    struct room *room = calloc(1, sizeof *room);

    if (!room || napi_set_instance_data(env, room, room_free, NULL) != napi_ok) {
        free(room);
        napi_throw_error(env, NULL, "fettle: out of memory");
        return NULL;
    }
    napi_add_env_cleanup_hook(env, room_done, room);
    value_calls(env, exports, calls, sizeof calls / sizeof *calls);
    requests_node(env, exports);
    napi_set_named_property(env, exports, "MAIN_THREAD", value_boolean(env, gettid() == getpid()));
    return exports;
}
