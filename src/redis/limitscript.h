/* redis/limitscript.h -- rate limits that many hosts share: one script, one decision
 *
 * All limits of a request in one call, atomically: each gives one of its budget, or none does. The
 * script decides as guard/gcra.h and guard/window.h do, to the nanosecond, by the clock of the
 * Redis (TIME), so that clocks of hosts do not matter. A budget is a key that expires when it is
 * whole again. Redis 5 or later, any Valkey. Bytes in and out; redis/redis.h sends them.
 */
#pragma once

#include "base/buf.h"
#include "guard/rate.h"
#include "redis/respreader.h"

enum { LIMITSCRIPT_RULES_MAX = 8, LIMITSCRIPT_SLOT_UNIT_NS = 1000 };

/* One limit and whose budget it is. */
struct limitscript_rule {
    bool is_window;
    u64 token_ns, depth_ns; /* of a bucket (struct gcra) */
    u64 slot_ns, most;      /* of a window (struct window): slot_ns of whole microseconds */
    struct str key;
};

struct str limitscript_text(void);

/* The command: EVALSHA by `sha`, or EVAL when that is empty. */
void limitscript_call(struct buf *out, struct str sha, const struct limitscript_rule *rules, u32 n);

struct limitscript_answer {
    u32 refused; /* which one has refused it; n: none */
    u32 known;   /* so many verdicts were given: up to the one that refuses */
    struct rate_verdict verdict[LIMITSCRIPT_RULES_MAX];
};
/* Of a reply to it. False: it is no answer of the script. */
MUST_USE bool limitscript_read(struct limitscript_answer *out, const struct reply *reply, u32 n);
