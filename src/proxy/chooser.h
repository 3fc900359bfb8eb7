/* proxy/chooser.h -- a worker for a ticket, claimed, with a place in its ceiling
 *
 * How the workers look in shared memory goes to balance/pick.h, which says who it is. Any thread,
 * with or without the queue's lock: whoever is first has it.
 */
#pragma once

#include "balance/pick.h"
#include "proxy/queue.h"

enum chooser_verdict {
    CHOOSER_CLAIMED,
    CHOOSER_NONE,     /* no loop is free */
    CHOOSER_CEILING,  /* its ceiling is reached */
    CHOOSER_ITS_FULL, /* the one that it sticks to has as many as it may */
};

/* CLAIMED: ticket->claim is it. */
enum chooser_verdict chooser_claim(struct thread *t, struct ticket *ticket, enum pick_lane lane);

/* Whether it must have a certain worker. */
bool chooser_sticks(const struct ticket *ticket);

/* Whether lanes are of any meaning for it. */
bool chooser_has_lanes(const struct thread *t, const struct ticket *ticket);
