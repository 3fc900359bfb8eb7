/* addon/spans_node.h -- what trace_spans.js may call */
#pragma once

#include <node_api.h>

/* An object with the functions of spans.h, its limits and its rows. NULL: an exception is pending.
 */
napi_value spans_node(napi_env env);
