/* addon/value.h -- JavaScript's values and C's, for what agent.node lets be called
 *
 * Nothing here throws: what cannot be made is NULL (undefined), what is missing or of another type
 * reads as 0 and "".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <node_api.h>

static inline napi_value value_number(napi_env env, double n)
{
    napi_value v = NULL;

    napi_create_double(env, n, &v);
    return v;
}

static inline napi_value value_boolean(napi_env env, bool b)
{
    napi_value v = NULL;

    napi_get_boolean(env, b, &v);
    return v;
}

static inline napi_value value_string(napi_env env, const char *text)
{
    napi_value v = NULL;

    napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &v);
    return v;
}

/* The arguments; missing ones are undefined, which reads as 0 and "". */
static inline void args_get(napi_env env, napi_callback_info info, napi_value *args, size_t count)
{
    napi_get_cb_info(env, info, &count, args, NULL, NULL);
}

static inline uint32_t arg_u32(napi_env env, napi_value v)
{
    double n = 0;

    napi_get_value_double(env, v, &n);
    return n >= 0 && n <= UINT32_MAX ? (uint32_t)n : 0;
}

static inline void arg_text(napi_env env, napi_value v, char *out, size_t max)
{
    size_t n = 0;

    out[0] = 0;
    if (napi_get_value_string_utf8(env, v, out, max, &n) != napi_ok)
        out[0] = 0;
}

static inline napi_status value_constant(napi_env env, napi_value object, const char *name,
                                         double value)
{
    return napi_set_named_property(env, object, name, value_number(env, value));
}

struct value_call {
    const char *name;
    napi_callback call;
};

static inline void value_calls(napi_env env, napi_value object, const struct value_call *calls,
                               size_t count)
{
    for (size_t i = 0; i < count; i++) {
        napi_value fn = NULL;
        napi_create_function(env, calls[i].name, NAPI_AUTO_LENGTH, calls[i].call, NULL, &fn);
        napi_set_named_property(env, object, calls[i].name, fn);
    }
}
