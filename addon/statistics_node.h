/* addon/statistics_node.h -- the figures of a worker that only JavaScript knows */
#pragma once

#include <node_api.h>

/* A new object of what may be called. */
napi_value statistics_node(napi_env env);
