/* app/control_client.h -- talking to the fettles of this user that run
 *
 * Root also talks to those of other users' services, in /run/fettle-NAME.
 * Found by looking through the places where runtime folders are (worker/rundir.h). What a dead one
 * has left is passed over; one that does not answer is named and delays nobody.
 */
#pragma once

#include "app/control_options.h"
#include "conf/json_value.h"
#include "worker/rundir.h"

enum { CONTROL_PEERS_MAX = 64 };

/* One supervisor. */
struct control_peer {
    struct rundir_found found;
    int fd;
    struct buf in;           /* what came after the newest line */
    struct json_value *said; /* its answer to "ps"; owned */
};

struct control_peers {
    struct control_peer peer[CONTROL_PEERS_MAX];
    u32 count;
    u32 mute; /* of those that run, how many did not answer; in front of `count` there are none */
    /* Services of other users that we may not look into: how many, and one of them. */
    u32 refused;
    struct rundir_found refused_at;
};

/* An app of one of them. */
struct control_app {
    struct control_peer *peer;
    const struct json_value *row; /* of the answer to "ps" */
    struct str name;
    u32 worker; /* 0: none was named */
};

/* Finds all and asks for their apps. Out of memory shows as fewer. control_peers_done in any case.
 */
void control_peers_open(struct control_peers *out, const struct control_options *o);
void control_peers_done(struct control_peers *ps);

/* "; one of the user www-data may run …", when a service of another user may not be looked into. */
void control_peers_refused(const struct control_peers *ps, struct buf *out);

/* Walks all apps: *at is 0 at first. False: there are no more. */
bool control_peers_each(struct control_peers *ps, u32 *at, struct control_app *out);

/* The app that `word` names, as in "shop" or "shop/2"; NULL: the only one. -ENOENT or -EINVAL
 * with *p, which lists the right names. */
MUST_USE int control_peers_app(struct control_peers *ps, const struct control_options *o,
                               const char *word, struct control_app *out, struct problem *p);

/* Connects anew: a supervisor does not keep one for long that asks for nothing. -errno. */
MUST_USE int control_peer_again(struct control_peer *peer);
/* Sends one line, without its end. -errno. */
MUST_USE int control_peer_ask(struct control_peer *peer, struct str line);
/* The next line of the answer, the caller's. -ETIMEDOUT at `until_ns`, -EPIPE when it has gone
 * away, -EPROTO for what is no JSON. */
MUST_USE int control_peer_hear(struct control_peer *peer, u64 until_ns, struct json_value **out);
