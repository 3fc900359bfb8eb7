/* logs/logtail.h -- a log file and its older ones, read as one: line by line, from a time or from
 * the last lines, and on as it grows
 *
 * The older ones are those that fettle rotated away (logs/archive.h), plain or compressed, and what
 * logrotate makes: app.log.1, app.log-20261126.gz. While it is followed, the file may be rotated,
 * moved, truncated and made again: every line is given once.
 */
#pragma once

#include "logs/logline.h"

struct logtail;

/* Which lines count for logtail_from_last; embedded in its owner. */
struct logtail_filter {
    bool (*wants)(struct logtail_filter *filter, struct str line, const struct logline *parsed);
};

/* Finds the files. Nothing there yet is no error. -ENOMEM, or -EINVAL for no path of a file. It
 * begins with the oldest line. */
MUST_USE int logtail_open(struct logtail **out, const char *path);
void logtail_free(struct logtail *t);
/* Whether there is any file. */
MUST_USE bool logtail_is_there(const struct logtail *t);

/* Goes to the first line that is not older. Plain files are searched by halves. */
void logtail_from_time(struct logtail *t, u64 at_ms);
/* Goes to where at least the last `n` lines that the filter wants begin, or all of them. */
void logtail_from_last(struct logtail *t, u64 n, struct logtail_filter *filter);

/* The next line, without its newline; a view until the next call. False: there is none now. */
MUST_USE bool logtail_next(struct logtail *t, struct str *line);
/* After that: looks whether the file was rotated, moved or truncated. */
void logtail_look(struct logtail *t, u64 now_ns);
