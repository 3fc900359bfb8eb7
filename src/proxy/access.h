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

#include "conf/settings.h"
#include "logs/logfile.h"

struct exchange;
struct proxy;

/* What the settings say of log files. */
struct logfile_rules access_log_rules(const struct settings *s);

/* Opens the access log, if there is to be one. A file that cannot be opened is only warned about.
 */
MUST_USE int access_open(struct proxy *p);
/* Now and then: warns about what cannot be written, and counts it. */
void access_tick(struct proxy *p, u64 now_ns);
/* Writes what waits, within a second. */
void access_flush(struct proxy *p);

/* bytes: the request's head, or NULL when it is gone. */
void access_tell(struct exchange *x, const char *bytes, u64 now_ns);
