/* worker/reread.h -- the settings read again, by a process of its own
 *
 * Files of settings may be programs, and reading them takes as long as it takes: so fettle starts
 * itself with the words with which it was started, has that process read everything and print what
 * it found, and takes over what can be taken over. The supervisor never waits for it; one that
 * takes longer than 30 s is ended. What is wrong with the settings is what that process says on its
 * standard error, and then nothing changes.
 */
#pragma once

#include "base/buf.h"
#include "base/strings.h"
#include "io/child.h"
#include "io/loop.h"

struct crew;

struct reread_stream {
    struct watch watch;
    int fd; /* -1: at its end */
    struct buf text;
};

struct reread {
    struct crew *crew;
    struct reread_stream out, err;
    struct timer deadline;
    pid_t pid;             /* 0: none runs */
    u32 started, finished; /* how often, ever */
    bool again;            /* asked for once more while one ran */
    bool late;             /* it was ended for that */
    bool reload_all;       /* at its end, when it went well: SIGHUP */

    /* Of the newest one that has finished */
    bool ok;
    struct buf said;      /* what is wrong: lines */
    struct strings notes; /* what has changed, and what only a start can change */
};

void reread_init(struct reread *r, struct crew *crew);
void reread_done(struct reread *r);

/* Begins; what is asked for now is done when `finished` has reached the number that is returned. */
u32 reread_begin(struct reread *r);

/* If `end` is of its process, deals with it. */
MUST_USE bool reread_reaped(struct reread *r, const struct child_end *end);
