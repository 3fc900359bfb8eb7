/* compute.c -- an addon as they are: compute(MS) takes so much of a CPU and gives how many steps it
 * took */
#include <node_api.h>
#include <stdint.h>
#include <time.h>

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static napi_value compute(napi_env env, napi_callback_info info)
{
    size_t argc = 1;
    napi_value argument, result;
    int64_t ms = 0, steps = 0;

    if (napi_get_cb_info(env, info, &argc, &argument, NULL, NULL) != napi_ok ||
        napi_get_value_int64(env, argument, &ms) != napi_ok) {
        napi_throw_type_error(env, NULL, "compute() takes milliseconds");
        return NULL;
    }
    for (int64_t until = now_ms() + ms; now_ms() < until;)
        steps++;
    return napi_create_int64(env, steps, &result) == napi_ok ? result : NULL;
}

NAPI_MODULE_INIT()
{
    napi_value function;

    if (napi_create_function(env, "compute", NAPI_AUTO_LENGTH, compute, NULL, &function) !=
            napi_ok ||
        napi_set_named_property(env, exports, "compute", function) != napi_ok)
        return NULL;
    return exports;
}
