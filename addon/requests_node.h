/* addon/requests_node.h -- who the client of a connection is, whether its request is traced, and
 * what its route is called: upstream.h for JavaScript */
#pragma once

#include <node_api.h>

/* Adds upstream, peer, traceparent, sampled, routeNumber and routes. */
void requests_node(napi_env env, napi_value exports);
