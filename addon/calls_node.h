/* addon/calls_node.h -- what trace.js may call */
#pragma once

#include <node_api.h>

/* An object with the functions of calls.h and its constants. NULL: an exception is pending. */
napi_value calls_node(napi_env env);
