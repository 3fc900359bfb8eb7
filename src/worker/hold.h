/* worker/hold.h -- a worker's process that gets nothing new for a while, to be looked into
 *
 * Asked for over the control socket, and in force as long as the connection that asked for it is
 * there: whoever takes a snapshot, and is killed while at it, leaves nothing behind. What is inside
 * the process when it begins is waited for. When no other worker of the app serves, one more is
 * started for as long as it lasts.
 *
 * A process that is held may block its loop and use more memory than it may: that is what it is
 * held for. One that ends, or is replaced by a reload, is not held any more.
 *     {"app":"shop","worker":2,"text":"3 requests are in it still"}
 *     {"app":"shop","worker":2,"text":"…","held":true,"pid":4711,"requests":0,"streams":0}
 */
#pragma once

#include "io/loop.h"
#include "worker/order.h"

struct app;
struct control_talk;
struct crew;

struct holds {
    struct crew *crew;
    struct list list;
    struct timer look;
};

void holds_init(struct holds *hs, struct crew *crew);
/* Answers those that wait. */
void holds_done(struct holds *hs);

/* Begins; answers `talk`, perhaps at once. */
void hold_begin(struct holds *hs, struct app *app, const struct order *order,
                struct control_talk *talk);
/* The connection is gone: the process serves again. */
void hold_forget(struct holds *hs, struct control_talk *talk);
