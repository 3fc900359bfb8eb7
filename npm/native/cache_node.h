/* npm/native/cache_node.h -- a store as cache.js sees it */
#pragma once

#define NAPI_VERSION 8
#include <node_api.h>

/* store(name, bytes, entriesMax): an object of functions and of `out`, the words that they answer
 * with (cache.js); a negative errno. */
napi_value cache_node_store(napi_env env, napi_callback_info info);
