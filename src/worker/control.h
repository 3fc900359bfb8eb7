/* worker/control.h -- the control socket: a line in, one or several lines out
 *
 * <runtime folder>/control.sock, which only its user may open: the folder is 0700, the socket
 * 0600, and the kernel is asked who connected. Each request is a line (worker/order.h); each line
 * of the answer is a JSON object. Those before the last tell how far it is:
 *     {"app":"shop","worker":2,"text":"process 4711 is ready"}
 * and the last one has `ok`:
 *     {"ok":true,…}      {"ok":false,"error":"there is no app \"shpo\"",…}
 * Requests of one connection are answered one after the other.
 *
 * Nobody who connects can hold up or fill up the supervisor: connections, the bytes of a line, the
 * bytes of an answer that wait to be read, and the time for all of that are bounded. When there are
 * too many connections, the oldest one that waits for no answer gives way.
 */
#pragma once

#include "base/buf.h"
#include "io/loop.h"
#include "worker/frame.h"

enum { CONTROL_TALKS_MAX = 32, CONTROL_OUT_MAX = 4 << 20 };
#define CONTROL_ASK_NS (10 * NS_PER_S)  /* for a request to come in */
#define CONTROL_READ_NS (10 * NS_PER_S) /* for the client to take what waits for it */

struct control;

/* One connection. */
struct control_talk {
    struct list link; /* in control.talks, the newest last */
    struct control *control;
    struct watch watch;
    struct timer timer;
    struct task again;
    struct task grave;
    struct buf out;
    size_t sent; /* of out */
    bool busy;   /* it has asked for something that is not answered yet */
    bool at_end; /* nothing more will come from it: closed when all is sent */
    struct frame in;
};

/* `order` is to be answered, now or later, with control_say and control_end. */
typedef void control_ask_fn(struct control_talk *talk, const struct order *order);
/* A connection with a request that is not answered yet is gone: nobody may use it any more. */
typedef void control_gone_fn(struct control_talk *talk);

struct control_conf {
    struct loop *loop;
    const char *dir; /* the runtime folder */
    control_ask_fn *ask;
    control_gone_fn *gone;
};

/* All zero: not open. */
struct control {
    struct control_conf conf;
    struct watch watch;
    struct list talks;
    u32 count;
};

/* Listens. -errno. */
MUST_USE int control_init(struct control *c, const struct control_conf *conf);
void control_done(struct control *c);

/* One line of an answer, without its end. */
void control_say(struct control_talk *talk, struct str line);
/* … which is the last one. */
void control_end(struct control_talk *talk, struct str line);
/* {"ok":false,"error":…} as the last line. */
void control_fail(struct control_talk *talk, const char *fmt, ...) PRINTF(2, 3);
