/* io/errand.h -- work that takes too long for a loop, done one after the other on one thread beside
 * it
 *
 * The thread begins with the first errand, and gives way to everybody else's work. An errand is
 * embedded in its owner, who must not touch what `work` uses until `done` is called.
 */
#pragma once

#include "io/loop.h"

enum { ERRANDS_MAX = 64 }; /* that wait */

struct errand {
    void (*work)(struct errand *e);           /* on the thread */
    void (*done)(struct errand *e, bool was); /* on the loop's; false: it was given up before */
    /* private */
    struct errand *next;
};

struct errands;

/* The work of `idle` (which may be NULL, and is never added) is done when for `idle_ns` there was
 * nothing to do, and at the end: what is kept for the others may be forgotten. -errno. */
MUST_USE int errands_new(struct errands **out, struct loop *loop, struct errand *idle, u64 idle_ns);
/* Waits for the one that is being worked at; the others are given up. Before the loop's end. */
void errands_free(struct errands *es);

/* False: too many wait, or there can be no thread; then `done` is not called. */
MUST_USE bool errands_add(struct errands *es, struct errand *e);
