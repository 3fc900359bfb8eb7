/* worker/operator.h -- the supervisor's end of the control socket: what is asked, and who answers
 *
 * Questions (ps, describe, env) are answered at once; what takes time is an operation.
 */
#pragma once

#include "worker/control.h"
#include "worker/operation.h"

struct operator
{
    struct control control;
    struct operations operations;
};

/* Listens. That it cannot is logged and no more: the apps run without it. */
void operator_init(struct operator* o, struct crew *crew);
/* Answers what is still open and closes. */
void operator_done(struct operator* o);
