/* addon/idle.h -- the loop's state without the preload, by asking libuv
 *
 * For processes in which LD_PRELOAD had no effect (a setuid node, a static one): the agent thread
 * reads uv_metrics_idle_time() every few milliseconds and writes slot->loop from the difference.
 * It knows no turns, and what it says is as old as its last look.
 */
#pragma once

#include <stdbool.h>

struct shm;
struct shm_slot;

enum { IDLE_TICK_MS = 5 };

/* On the main thread. False when libuv's function is not exported. */
bool idle_init(struct shm_slot *slot, struct shm *shm, int wake_fd, const void *uv_loop);
/* The loop ends: no tick looks at it any more. */
void idle_done(void);

/* On the agent thread. */
void idle_tick(void);
