/* admin/stack_fetch.h -- the stack of a blocked loop by its inspector, where V8 cannot be asked
 *
 * `fettle __stack PID`, a process of its own, opens the inspector, halts what runs, tells its stack
 * on its standard output and closes the inspector again. One at once, as inspectors that open by a
 * signal want the same port; of a process once in FETCH_PAUSE_NS. It ends by itself, and closes
 * what it opened also when the monitor dies.
 */
#pragma once

#include "base/str.h"
#include "io/loop.h"
#include "shm/blocked.h"

/* Of what it writes, in one piece, so that a pipe takes it as one: a word on a line, "stack",
 * "returned" (enum shm_blocked_how) or "none", then the stack, or why there is none. */
enum { STACK_FETCH_BYTES_MAX = 4096 };

struct stack_wanted {
    u32 slot, generation, pid;
    u64 since_ns; /* the turn */
};

struct stack_fetch;
/* What has come: a record as an agent makes it. */
typedef void stack_fetch_fn(struct stack_fetch *f, const struct stack_wanted *of,
                            const struct shm_blocked *record, u32 len);

MUST_USE int stack_fetch_new(struct stack_fetch **out, struct loop *loop, stack_fetch_fn *fn,
                             void *arg);
/* Accepts NULL. */
void stack_fetch_free(struct stack_fetch *f);
void *stack_fetch_arg(const struct stack_fetch *f);

/* Begins, unless it is too early or another one runs. */
void stack_fetch_begin(struct stack_fetch *f, const struct stack_wanted *what, u64 now_ns);

/* What such a process wrote, as a record: its length. Pure. */
struct stack_fetched {
    struct shm_blocked record;
    char text[STACK_FETCH_BYTES_MAX];
};
u32 stack_fetch_read(struct stack_fetched *out, struct str text, u64 since_ns);
