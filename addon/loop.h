/* addon/loop.h -- what fettle-loop.so offers to the addon
 *
 * fettle-loop.so is preloaded and wraps epoll_wait, epoll_pwait and epoll_pwait2.
 * Until the attach every call passes through. After it, calls on `loop_fd` (the
 * main thread's libuv loop) publish in slot->loop when the loop waits and since
 * when it runs; calls on other epoll descriptors still pass through.
 */
#pragma once

#include "shm/layout.h"

/* Called once, on the thread that runs the loop. `wake_fd` is an eventfd: it is
 * written when the loop begins to wait while shm->waiters is not 0. The memory
 * must stay mapped until the process ends. The descriptors are the caller's. */
void fettle_loop_attach(struct shm_slot *slot, struct shm *shm, int wake_fd, int loop_fd);

typedef void fettle_loop_attach_fn(struct shm_slot *, struct shm *, int, int);
