/* worker/slots.h -- who has which slot of the shared memory
 *
 * The supervisor is the only writer of these fields, and keeps its own copy of what matters:
 * workers map the same memory and may write anything.
 */
#pragma once

#include "base/clock.h"
#include "base/str.h"
#include "shm/layout.h"
#include "worker/procfs.h"

struct slots {
    struct shm *shm;
    struct {
        enum shm_state state;
        u32 generation;
        u64 dead_ns;
    } own[SHM_SLOTS_MAX];
};

struct slots_user {
    u32 app, worker, pid, restarts;
    bool is_main;
    const char *node_version; /* at most 15 bytes are kept */
    u64 started_ns;
};

void slots_init(struct slots *s, struct shm *shm);

/* A free slot, zeroed, in state STARTING and with the next generation. Its index, or -ENOSPC. */
MUST_USE int slots_take(struct slots *s, const struct slots_user *user);

void slots_state(struct slots *s, u32 slot, enum shm_state state);
void slots_listening(struct slots *s, u32 slot, u32 bits);
void slots_main(struct slots *s, u32 slot, bool is_main);

/* Its process is gone: DEAD, and free again when the proxy has let go of it. */
void slots_leave(struct slots *s, u32 slot, u64 now_ns);
/* Frees dead ones. */
void slots_tick(struct slots *s, u64 now_ns);

/* Requests and streams that the proxy has in it. */
u32 slots_in_flight(const struct slots *s, u32 slot);
u64 slots_busy_since_ns(const struct slots *s, u32 slot);

/* Publishes what /proc says; the descriptors are counted when with_fds is set. -errno: the
 * process is gone. *rss_bytes is set when 0 is returned. */
MUST_USE int slots_sample(struct slots *s, u32 slot, u32 pid, bool with_fds, u64 *rss_bytes);
