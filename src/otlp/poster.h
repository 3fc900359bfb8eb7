/* otlp/poster.h -- one HTTP POST at a time, through libcurl
 *
 * libcurl is loaded when the first poster is made, so that only a monitor that has something to
 * send pays for it: TLS, HTTPS_PROXY and NO_PROXY, DNS come from there. A poster belongs to one
 * thread, which waits for it. Redirects are not followed: the fields would go to somebody else.
 */
#pragma once

#include "base/buf.h"
#include "base/clock.h"
#include "base/problem.h"
#include "otlp/retry.h"

struct poster_conf {
    struct str url;
    struct str headers;     /* "name=value,…", values percent-encoded: secrets */
    struct str certificate; /* a file; empty: the system's */
    u64 timeout_ns;
};

/* What a peer may say to a request before it is cut off. */
enum { POSTER_ANSWER_MAX = 65536 };

struct poster;

/* -ENOTSUP with *p: there is no libcurl. -EINVAL with *p, -ENOMEM. */
MUST_USE int poster_new(struct poster **out, const struct poster_conf *conf, struct problem *p);
/* Accepts NULL. */
void poster_free(struct poster *s);

/* Sends `body` and waits for what comes of it. `why` (a text of libcurl's) is set when status is 0;
 * it has nothing of the request in it. `answer` gets the body, as much of it as there may be. */
void poster_post(struct poster *s, struct str body, bool is_gzip, struct retry_answer *out,
                 struct buf *answer, const char **why);

/* Makes a post that waits in another thread end soon. */
void poster_stop(struct poster *s);
