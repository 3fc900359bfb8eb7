/* proxy/line.h -- the lines of the queue, and what is counted of them
 *
 * All of it with the queue's lock held. A ticket's state says where it is: in the line of its
 * listener, lane and priority, parked at its ceiling, or in doubt. Loops and people are told how
 * many wait.
 */
#pragma once

#include "proxy/queue.h"

/* The line of its state. */
struct line *line_of(struct queue *q, const struct ticket *t);
/* The gauge that it is counted in while it waits. May be read without the lock. */
_Atomic u32 *line_gauge(struct queue *q, const struct ticket *t);

/* Into the line of its state, before `at`. */
void line_add(struct queue *q, struct shm *shm, struct ticket *t, struct list *at);
/* Out of where it waits. */
void line_del(struct queue *q, struct shm *shm, struct ticket *t);
/* From one to another, where the older come first. */
void line_move(struct queue *q, struct shm *shm, struct ticket *t, enum ticket_state state);
