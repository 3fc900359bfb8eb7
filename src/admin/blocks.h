/* admin/blocks.h -- the monitor watches all event loops for turns that take too long
 *
 * The loops of workers that serve (SHM_READY: one that is being looked into by a snapshot is not)
 * are in shared memory; each is looked at when the turn that runs would be too long
 * (finding/blocking.h), so a worker has no work of it. The stack comes from its agent: by way of
 * the supervisor, which passes the question on, and back through the journal (shm/blocked.h). What
 * the turn was at is decided from up to six such samples (finding/cause.h) when it has ended, or
 * after a while; that reads source maps and sources, on a thread beside the loop (admin/blamer.h).
 * Nobody waits for the monitor: when it is dead, nothing is watched.
 */
#pragma once

#include "admin/journals.h"

struct blocks;

/* `supervisor_fd`: its socket. All outlive the blocks. -errno. */
MUST_USE int blocks_new(struct blocks **out, struct loop *loop, struct shm *shm,
                        struct found *found, int supervisor_fd);
void blocks_free(struct blocks *bs);
/* Whose records are waited for. */
void blocks_journals(struct blocks *bs, struct journals *js);

/* SHM_RECORD_BLOCKED */
void blocks_record(const struct journals_into *into, const struct journals_from *from,
                   const void *payload, u32 len);

/* Of an app, ever: turns that took too long, and how long they took. */
u64 blocks_count(const struct blocks *bs, u32 app);
u64 blocks_ns(const struct blocks *bs, u32 app);

/* The turns that take too long at this moment, in the slots from *slot on, which moves: 0 at first.
 * False: there are no more. */
struct blocks_now {
    u32 slot, app, worker, pid;
    u64 since_ns, took_ns;
    struct str text; /* the newest stack (blamer_show); may be empty */
};
bool blocks_each(const struct blocks *bs, u32 *slot, struct blocks_now *out);
