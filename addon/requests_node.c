/* addon/requests_node.c -- what agent.js may ask about a request's connection, and say of its route
 */
#define NAPI_VERSION 8
#include "requests_node.h"

#include "link.h"
#include "upstream.h"
#include "value.h"

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
        return value_string(env, name.text);
    return value_number(env, (double)((uint64_t)name.number << 32 | name.connection));
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
    return value_number(env, upstream_route_number(text));
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

void requests_node(napi_env env, napi_value exports)
{
    static const struct value_call calls[] = {
        { "upstream", upstream_call },        { "peer", peer_call },
        { "traceparent", traceparent_call },  { "sampled", sampled_call },
        { "routeNumber", route_number_call }, { "routes", routes_call },
    };

    value_calls(env, exports, calls, sizeof calls / sizeof *calls);
}
