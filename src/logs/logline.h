/* logs/logline.h -- what a line of a log file says of itself
 *
 * The forms are those that fettle writes (worker/output.h, base/log.h, proxy/access.h), as text or
 * as JSON; any other line is taken as it is, without a time. Nothing is copied.
 */
#pragma once

#include "base/str.h"

enum logline_kind {
    LOGLINE_OTHER,  /* only `text`, perhaps a time */
    LOGLINE_WORKER, /* what a worker has written */
    LOGLINE_FETTLE, /* fettle's own messages */
    LOGLINE_ACCESS, /* a request */
};

struct logline {
    enum logline_kind kind;
    u64 at_ms;       /* since 1970; 0: unknown */
    bool is_json;    /* the line is an object; `text` is then what follows its fixed members */
    bool is_error;   /* stderr, or a warning or error of fettle's */
    struct str time; /* as it is written */
    struct str app;  /* empty: unknown */
    u32 worker;      /* 0: unknown */
    struct str text;
};

/* `line` without its newline. */
void logline_parse(struct logline *out, struct str line);

/* "2026-11-26T04:02:26.123Z", and the same without the fraction or with an offset instead of Z;
 * also a date alone, which is its beginning in UTC. False: it is something else. */
MUST_USE bool logline_time(struct str text, u64 *at_ms);
