/* load/channel.h -- one connection to the target, and the request on it
 *
 * Non-blocking and edge-triggered. A channel that is closed connects when it is
 * given a request. It closes itself whenever what came makes it useless, so its
 * owner only looks at what each call says.
 */
#pragma once

#include "base/list.h"
#include "load/answer.h"
#include "load/destination.h"
#include "load/echo.h"
#include "load/handshake.h"
#include "load/request.h"
#include "load/result.h"

enum channel_step {
    CHANNEL_WAIT,   /* under way */
    CHANNEL_READY,  /* open, and no request is under way */
    CHANNEL_DONE,   /* answered: `status` */
    CHANNEL_FAILED, /* closed without an answer: `failure` and `trouble` */
    CHANNEL_GONE,   /* closed while no request was under way */
    CHANNEL_LATER,  /* the server's queue is full: begin again after a moment */
};

/* What the channels of one thread share. */
struct channel_shared {
    int epoll_fd;
    const struct destination *destination;
    bool keep_alive;
    bool stamps;                    /* TCP: the kernel says when bytes came */
    const struct mix_kind *upgrade; /* a WebSocket's handshake has its fields */
    struct random random;           /* for keys and masks */
    char *rx;                       /* CHANNEL_RX_BYTES */
    u64 bytes_in, bytes_out;
};
enum { CHANNEL_RX_BYTES = 256 << 10 };

enum channel_state { CHANNEL_CLOSED, CHANNEL_CONNECTING, CHANNEL_UPGRADING, CHANNEL_OPEN };

/* channel_init before use. */
struct channel {
    struct list link; /* the owner's */
    u64 since_ns;     /* the owner's: when what is under way began */
    u64 again_ns;     /* the owner's: when a resting one goes on */
    u32 kind;         /* the owner's */
    u64 came_ns;      /* CLOCK_REALTIME: when the last bytes reached this machine; 0: not known */
    enum channel_state state;
    u32 status;
    enum result_failure failure;
    const char *trouble; /* until the next call */
    /* private */
    struct channel_shared *shared;
    int fd;
    u32 events;
    const struct request *request; /* under way, or NULL */
    struct str out;                /* not sent yet */
    struct answer answer;
    struct buf carry; /* received and not understood yet */
    /* of a WebSocket: */
    struct handshake handshake;
    struct echo echo;
    struct buf frames; /* `out` is the end of it */
};

void channel_init(struct channel *c, struct channel_shared *shared);
/* Closes. */
void channel_done(struct channel *c);

/* Connects without a request: WAIT, READY, FAILED or LATER. Only when closed. */
MUST_USE enum channel_step channel_open(struct channel *c);
/* Sends a request, connecting first if need be: WAIT, FAILED or LATER. It must live until the
 * channel has said DONE or FAILED, or is closed. */
MUST_USE enum channel_step channel_begin(struct channel *c, const struct request *r);
/* What epoll said. */
MUST_USE enum channel_step channel_event(struct channel *c, u32 events);
/* Whatever was under way is given up. */
void channel_close(struct channel *c);
static inline bool channel_busy(const struct channel *c)
{
    return c->request != NULL;
}
