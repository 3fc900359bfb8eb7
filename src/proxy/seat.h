/* proxy/seat.h -- the numbers of a thread's connections to workers
 *
 * A number is the connection's place in shm/peers.h and in shm.route_of. One that was given back
 * rests until others have been too, so that a worker that has not yet seen the end of its
 * connection still finds its last client there, and not at once somebody else's connection (which
 * it would notice: shm_peer.connection).
 */
#pragma once

#include "base/base.h"
#include "shm/peers.h"

struct seats {
    /* private */
    struct shm_peers *peers;
    u32 first, end, unused; /* first … unused-1 have been given */
    u16 *next;              /* by number - first, of those that rest */
    u32 oldest, newest, resting;
};

/* Thread `index` of `threads` gets its share of all numbers. 0 or -ENOMEM. */
MUST_USE int seats_init(struct seats *s, struct shm_peers *peers, u32 index, u32 threads);
void seats_done(struct seats *s);

/* A number for a connection (wire_connection); 0: there is none left. */
MUST_USE u32 seats_take(struct seats *s, u32 connection);
/* Accepts 0. */
void seats_give(struct seats *s, u32 number);
