/* addon/allocated_node.h -- what allocations.js may call */
#pragma once

#include <node_api.h>

/* An object with the functions; null where nobody reads what is told. */
napi_value allocated_node(napi_env env);
