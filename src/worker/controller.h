/* worker/controller.h -- the supervisor's end of the control socket: what is asked, and who answers
 *
 * Questions (ps, describe, env) are answered at once; what takes time is an operation, and a hold
 * lasts as long as its connection.
 */
#pragma once

#include "worker/control.h"
#include "worker/hold.h"
#include "worker/operation.h"

struct controller {
    struct control control;
    struct operations operations;
    struct holds holds;
};

/* Listens. That it cannot is logged and no more: the apps run without it. */
void controller_init(struct controller *o, struct crew *crew);
/* Answers what is still open and closes. */
void controller_done(struct controller *o);
