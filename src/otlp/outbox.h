/* otlp/outbox.h -- what waits to be sent to a back end, and the thread that sends it
 *
 * Batches in order, bounded by their bytes: while the back end is down or slow, what is new is
 * dropped and counted, and nobody waits. One for each signal, so that metrics do not wait behind
 * traces. A thread of its own sends, tries again (otlp/retry.h), halves what is too large. What
 * goes wrong is said once, and once more when it is right again; never what was sent, nor an
 * answer.
 */
#pragma once

#include "otlp/batch.h"
#include "otlp/poster.h"

#include <stdatomic.h>

struct outbox_conf {
    const char *what; /* "spans", "data points": what the batches' weight counts */
    struct poster_conf poster;
    bool gzip;
};

enum { OUTBOX_BYTES_MAX = 16 << 20 };

/* In batch_weight()'s unit, but for the last three. */
struct outbox_counts {
    _Atomic u64 sent;
    _Atomic u64 dropped;  /* no room, or no answer for too long */
    _Atomic u64 rejected; /* the back end has refused them */
    _Atomic u64 requests; /* POSTs that got an answer */
    _Atomic u64 failures; /* POSTs that got none, or one to try again */
    _Atomic u64 bytes;    /* that wait now */
};

struct outbox;

/* Starts the thread. As poster_new, or -errno of the thread. */
MUST_USE int outbox_new(struct outbox **out, const struct outbox_conf *conf, struct problem *p);
/* Gives what waits `grace_ns` to be sent, then ends the thread. Accepts NULL. */
void outbox_free(struct outbox *o, u64 grace_ns);

/* Takes the batch in every case. */
void outbox_put(struct outbox *o, struct batch *b);
const struct outbox_counts *outbox_counts(const struct outbox *o);
