/* worker/verdict.h -- the supervisor's decisions, as functions of plain values
 *
 * Nothing here reads a clock, a process or shared memory; everything is tested alone.
 */
#pragma once

#include "base/clock.h"
#include "io/child.h"

/* What the end of a worker's process means. */
enum verdict_end {
    VERDICT_FINISHED, /* a script that has run to its end */
    VERDICT_OUTSIDE,  /* somebody else's signal: kill, the OOM killer */
    VERDICT_FAILED,
    VERDICT_STOPPED, /* it failed, and is not to be started again */
};
/* When an end is the end. All zero but `restarts`: the usual. */
struct verdict_rules {
    bool restarts;      /* what ends is started again */
    u64 final_codes[4]; /* bit n: what ends with exit code n has finished */
};
/* Takes exit codes with commas between, such as "0,143". False: the text is no list of them. */
MUST_USE bool verdict_codes_read(struct verdict_rules *rules, struct str text);
/* `ours`: fettle sent the signal, because it had failed to start. `listened`: something of the app
 * has listened at some time. */
enum verdict_end verdict_end(const struct child_end *end, const struct verdict_rules *rules,
                             bool ours, bool listened);

/* It has failed `failures` times in a row: is that more than it may be started again? 0: never. */
bool verdict_is_last(u32 max_restarts, u32 failures);

/* Nothing was ever ready: is it time to give up?. */
bool verdict_gives_up(u32 workers, u32 workers_failed, u32 failures);

/* How long a loop has been running without a wait, from what its process wrote: a time in the
 * future (a worker may write anything) is none. */
u64 verdict_blocked_ns(u64 busy_since_ns, u64 now_ns);

/* What to do about one loop at a tick. */
enum verdict_loop { VERDICT_LOOP_FINE, VERDICT_LOOP_WARN, VERDICT_LOOP_REPLACE };
struct verdict_loop_limits {
    u64 warn_ns, max_ns; /* 0: none */
};
/* `warned_since_ns` is the busy_since_ns of the period that was warned about, `warned_ns` when. */
enum verdict_loop verdict_loop(const struct verdict_loop_limits *limits, u64 busy_since_ns,
                               u64 warned_since_ns, u64 warned_ns, u64 now_ns);

/* Whether a replacement may take over. `old_bits` and `new_bits` are what they listen on. */
struct verdict_heir {
    bool ready;
    u64 ready_for_ns;
    u32 old_bits, new_bits;
};
bool verdict_takes_over(const struct verdict_heir *h);

/* How many workers may be replaced at the same time for their memory. */
u32 verdict_replacements_max(u32 workers);
