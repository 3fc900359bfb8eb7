/* npm/native/shared_node.c -- the package's addon: what its JavaScript may call
 *
 * Plain C over Node-API 8: one binary for Node 18 and later, in as many contexts and threads as
 * load it.
 */
#define NAPI_VERSION 8
#include <node_api.h>

#include "cache_node.h"
#include "memory.h"

/* memory(fd, name): 0 or a negative errno; as memory_choose */
static napi_value memory_call(napi_env env, napi_callback_info info)
{
    napi_value args[2] = { 0 }, result = NULL;
    char name[MEMFILE_NAME_MAX + 2] = "";
    size_t count = 2, n = 0;
    int fd = -1;

    napi_get_cb_info(env, info, &count, args, NULL, NULL);
    napi_get_value_int32(env, args[0], &fd);
    napi_get_value_string_utf8(env, args[1], name, sizeof(name), &n);
    napi_create_int32(env, memory_choose(fd, str_make(name, n)), &result);
    return result;
}

NAPI_MODULE_INIT()
{
    napi_value fn = NULL;

    napi_create_function(env, "memory", NAPI_AUTO_LENGTH, memory_call, NULL, &fn);
    napi_set_named_property(env, exports, "memory", fn);
    napi_create_function(env, "store", NAPI_AUTO_LENGTH, cache_node_store, NULL, &fn);
    napi_set_named_property(env, exports, "store", fn);
    return exports;
}
