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

enum { ACCESS_LOGS_MAX = 16 };

struct exchange;
struct proxy;
struct spool;

/* One of the access logs. */
struct access_log {
    char *path;
    struct spool *spool;  /* standard output, or … */
    struct logfile *file; /* … a file */
    u64 lost;             /* lines of that file which are counted */
};

/* What the settings say of log files. */
struct logfile_rules access_log_rules(const struct settings *s);

/* Makes room for the access logs. -ENOMEM. */
MUST_USE int access_init(struct proxy *p);
/* The number of the access log that these settings name, which is opened if it is a new one; it
 * stays open to the end. RULESET_NO_LOG: there is none. A file that cannot be opened is only warned
 * about. */
u32 access_find(struct proxy *p, const struct settings *s);
/* Now and then: warns about what cannot be written, and counts it. */
void access_tick(struct proxy *p, u64 now_ns);
/* Writes what waits, within a second. */
void access_flush(struct proxy *p);

/* From the worker getting the request to its loop taking it up; UINT64_MAX: not known. */
u64 access_loop_wait_ns(struct exchange *x);

/* bytes: the request's head, or NULL when it is gone. */
void access_tell(struct exchange *x, const char *bytes, u64 now_ns);
