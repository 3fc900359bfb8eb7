/* admin/leak_watch.h -- the monitor watches for sockets, timers, files and children that pile up
 *
 * Looks at each process about once a second and has finding/handle_leak.h decide. Once one is
 * suspected, the agent in that process, and no other, is asked who opens so many (shm/opened.h);
 * its answer comes through the journal. A leak that goes on is a finding, with the place that most
 * of what is left comes from. One thread; writes shm_slot.opened_wanted and nothing else of shared
 * memory.
 */
#pragma once

#include "admin/journals.h"

struct leak_watch;

/* `after_ns`: how long something has to grow; 0: nothing is watched. -ENOMEM. */
MUST_USE int leak_watch_new(struct leak_watch **out, u64 after_ns);
void leak_watch_free(struct leak_watch *w);

/* How often to look: a second, or less where a leak is to be seen sooner. */
u64 leak_watch_pause_ns(const struct leak_watch *w);
/* Looks at everything. Findings go to `into`. */
void leak_watch_tick(struct leak_watch *w, struct shm *shm, const struct journals_into *into,
                     u64 now_ns);

/* A record of the type SHM_RECORD_OPENED. */
void leak_watch_opened(const struct journals_into *into, const struct journals_from *from,
                       const void *payload, u32 len);
