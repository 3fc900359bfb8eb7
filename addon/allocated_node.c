/* addon/allocated_node.c -- what allocations.js may call: one request at a time is measured */
#define NAPI_VERSION 8
#include "allocated_node.h"

#include <string.h>

#include "allocated.h"
#include "calls.h"
#include "link.h"
#include "shm/allocated.h"
#include "shm/journal.h"
#include "stack.h"

enum { ARGS_MAX = 5 };

/* The request that is measured. */
static struct {
    uint64_t turn_ns; /* the loop's turn in which it began; 0: not known */
    uint64_t bytes;
    bool alone; /* no other was in the process */
} measured;

static napi_value number(napi_env env, double n)
{
    napi_value v = NULL;

    napi_create_double(env, n, &v);
    return v;
}

static double arg_number(napi_env env, napi_value v)
{
    double n = 0;

    return napi_get_value_double(env, v, &n) == napi_ok && n >= 0 && n < 1e15 ? n : 0;
}

static uint64_t turn_ns(void)
{
    return atomic_load_explicit(&link_here.slot->loop.busy_since_ns, memory_order_relaxed);
}

/* ready(total, used, limit): whether the figures can be had; these are V8's own. */
static napi_value ready_call(napi_env env, napi_callback_info info)
{
    napi_value args[3], v = NULL;
    size_t count = 3;
    struct allocated_figures now;

    napi_get_cb_info(env, info, &count, args, NULL, NULL);
    now.heap_total_bytes = (uint64_t)arg_number(env, args[0]);
    now.heap_used_bytes = (uint64_t)arg_number(env, args[1]);
    now.heap_limit_bytes = (uint64_t)arg_number(env, args[2]);
    napi_get_boolean(env, allocated_init(stack_isolate(), &now), &v);
    return v;
}

/* begin() */
static napi_value begin_call(napi_env env, napi_callback_info info)
{
    bool unsure;

    (void)env;
    (void)info;
    measured.turn_ns = turn_ns();
    measured.alone = atomic_load_explicit(&link_here.slot->in_flight, memory_order_relaxed) <= 1;
    measured.bytes = allocated_bytes(&unsure);
    return NULL;
}

/* end(): the bytes; -1: others may have allocated some of them, or they cannot be told. */
static napi_value end_call(napi_env env, napi_callback_info info)
{
    bool unsure = false;
    uint64_t bytes = allocated_bytes(&unsure) - measured.bytes;
    bool same_turn = measured.turn_ns && measured.turn_ns == turn_ns();

    (void)info;
    return number(env, unsure || !(same_turn || measured.alone) ? -1.0 : (double)bytes);
}

/* tell(method, route, isPath, requests, bytes) */
static napi_value tell_call(napi_env env, napi_callback_info info)
{
    static char method[SHM_ALLOCATED_METHOD_MAX + 1], route[SHM_ALLOCATED_ROUTE_MAX + 1];
    napi_value args[ARGS_MAX];
    size_t count = ARGS_MAX, method_len = 0, route_len = 0;
    struct shm_allocated r = { 0 };

    napi_get_cb_info(env, info, &count, args, NULL, NULL);
    if (napi_get_value_string_utf8(env, args[0], method, sizeof method, &method_len) != napi_ok ||
        napi_get_value_string_utf8(env, args[1], route, sizeof route, &route_len) != napi_ok)
        return NULL;
    r.is_path = arg_number(env, args[2]) > 0;
    r.requests = (uint32_t)arg_number(env, args[3]);
    r.bytes = (uint64_t)arg_number(env, args[4]);
    r.method_len = (uint32_t)method_len;
    r.route_len = (uint32_t)route_len;
    calls_put(SHM_RECORD_ALLOCATED, &r, sizeof r,
              (struct calls_text[]){ { method, method_len }, { route, route_len } }, 2);
    return NULL;
}

napi_value allocated_node(napi_env env)
{
    static const struct {
        const char *name;
        napi_callback call;
    } calls[] = {
        { "ready", ready_call },
        { "begin", begin_call },
        { "end", end_call },
        { "tell", tell_call },
    };
    napi_value o = NULL, fn = NULL;

    if (!link_here.slot) {
        napi_get_null(env, &o);
        return o;
    }
    napi_create_object(env, &o);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        napi_create_function(env, calls[i].name, NAPI_AUTO_LENGTH, calls[i].call, NULL, &fn);
        napi_set_named_property(env, o, calls[i].name, fn);
    }
    return o;
}
