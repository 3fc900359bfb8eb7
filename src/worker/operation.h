/* worker/operation.h -- what is done with an app because somebody asked for it, until it is done
 *
 * Each belongs to the connection that asked (worker/control.h) and tells it how far it is. When
 * that goes away, what was begun goes on and nobody is told. Looked at 50 times a second, while
 * there is one.
 */
#pragma once

#include "io/loop.h"
#include "worker/order.h"

struct app;
struct control_talk;
struct crew;
struct operations;

/* One of them. */
struct operation {
    struct list link;
    struct operations *all;
    struct app *app;
    struct order order;
    struct control_talk *talk;
    u64 started_ns;
    u32 reading;         /* of reread.finished, what is waited for; 0: has begun */
    u32 failures;        /* app->failures_told at the start */
    u32 reloads_failed;  /* likewise */
    u32 at, done, ready; /* as they were told last */
    pid_t old_pid;       /* of the one worker that is meant */
    bool ends_all;       /* fettle ends with it */
};

struct operations {
    struct crew *crew;
    struct list list;
    struct timer look;
};

void operations_init(struct operations *ops, struct crew *crew);
/* Answers those that wait for the end of all with yes, the others with no. */
void operations_done(struct operations *ops);

/* Begins what is asked for; answers `talk`, perhaps at once. */
void operation_begin(struct operations *ops, struct app *app, const struct order *order,
                     struct control_talk *talk);
/* New processes get new settings: these are read first. */
bool operation_reads_settings(const struct operation *op);
/* The connection is gone. */
void operation_forget(struct operations *ops, struct control_talk *talk);
