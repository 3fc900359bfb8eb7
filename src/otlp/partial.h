/* otlp/partial.h -- what a back end says of a request that it has taken
 *
 * ExportTraceServiceResponse and ExportMetricsServiceResponse: how much of it has been refused.
 * Pure.
 */
#pragma once

#include "base/str.h"

/* 0: nothing, or the body is no such message. */
u64 partial_rejected(struct str body);
