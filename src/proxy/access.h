/* proxy/access.h -- the access log, and warnings about slow requests
 *
 * A line a request, text or JSON, collected per thread and handed to a spool at
 * the end of the turn. Times are milliseconds: total = from the first byte of
 * the request's head to the last byte of the response handed to the kernel;
 * queue = in the central queue; loop = from the worker getting the request to
 * its loop taking it up; upstream = from the worker getting it to the response's
 * head (loop included). A time that is not known is left out ("-" in text).
 */
#pragma once

#include "base/base.h"

struct exchange;

/* bytes: the request's head, or NULL when it is gone. */
void access_tell(struct exchange *x, const char *bytes, u64 now_ns);
