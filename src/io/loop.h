/* io/loop.h -- an event loop: descriptors, timers, and work for the end of a turn
 *
 * One thread owns a loop and all that is in it; only loop_wake may come from
 * another. Watches, timers and tasks are embedded in their owners (no void *).
 * A callback may end any object, its own included: loop_unwatch makes sure that
 * no event of this turn reaches it any more, and what must outlive the turn is
 * handed to loop_bury.
 */
#pragma once

#include "base/clock.h"
#include "base/list.h"

#include <sys/epoll.h>

struct loop;
struct watch;
struct timer;
struct task;

typedef void watch_fn(struct watch *w, u32 events); /* EPOLLIN | EPOLLOUT | EPOLLHUP … */
typedef void timer_fn(struct timer *t);
typedef void task_fn(struct task *t);

/* A descriptor of somebody else's that is watched. All zero: not watched. */
struct watch {
    struct loop *loop;
    int fd;
    u32 events; /* as asked for, EPOLLET and EPOLLEXCLUSIVE included */
    watch_fn *fn;
};

/* Coarse: fires up to TIMER_SLACK_NS late, never early; arming and stopping are O(1), so a
 * time-out may be moved with each request. All zero: not armed. */
struct timer {
    struct list link;
    u64 at_ns;
    u64 tick; /* private: when the loop looks at it next, no later than at_ns */
    timer_fn *fn;
};
#define TIMER_SLACK_NS (10 * NS_PER_MS)

/* Work to be done once before the loop waits again. All zero: not asked for. */
struct task {
    struct list link;
    task_fn *fn;
};

MUST_USE int loop_new(struct loop **out);
void loop_free(struct loop *loop);

/* Runs until loop_stop. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);
/* One turn, waiting at most wait_ms (-1: until something happens). For tests. */
void loop_turn(struct loop *loop, int wait_ms);

/* The time at which this turn began: cheap, and the same for all of one turn. */
u64 loop_now_ns(const struct loop *loop);

/* Makes the loop turn once; from any thread. */
void loop_wake(struct loop *loop);

/* -errno of epoll_ctl. `fn` gets the events; the caller keeps owning fd, and unwatches before it
 * closes it. */
MUST_USE int loop_watch(struct loop *loop, struct watch *w, int fd, u32 events, watch_fn *fn);
/* Changes what is waited for; no system call when nothing changes. */
void loop_watch_set(struct watch *w, u32 events);
/* Accepts what is not watched. */
void loop_unwatch(struct watch *w);

/* (Re-)arms; a time in the past fires in the next turn. */
void loop_timer(struct loop *loop, struct timer *t, u64 at_ns, timer_fn *fn);
/* Accepts what is not armed. */
void loop_timer_stop(struct timer *t);
static inline bool loop_timer_armed(const struct timer *t)
{
    return t->link.next && t->link.next != &t->link;
}

/* Runs `fn` before the loop waits again; asking twice runs it once. */
void loop_task(struct loop *loop, struct task *t, task_fn *fn);
void loop_task_stop(struct task *t);

/* Runs `fn` (which frees) when no event of this turn can point to the owner any more. */
void loop_bury(struct loop *loop, struct task *grave, task_fn *fn);
