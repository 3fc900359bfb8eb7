/* shm/region.h -- making and mapping the memory of shm/layout.h and of shm/peers.h
 *
 * The memfds are sealed against shrinking and growing, so that no process that
 * holds one can make the others fault. Every function returns 0 or -errno.
 */
#pragma once

#include "base/str.h"
#include "shm/layout.h"
#include "shm/peers.h"

/* A fresh region, all zero but for magic, version, size, start time
 * and the calling process as supervisor. The caller owns *fd (close-on-exec) and the mapping. */
MUST_USE int region_create(struct shm **out, int *fd);

/* Maps what another process made; `fd` may be closed afterwards. -EPROTO: not fettle's memory, or
 * of another version; -EPERM: not sealed. */
MUST_USE int region_map(int fd, struct shm **out);

/* Accepts NULL. */
void region_unmap(struct shm *shm);

/* The memory of shm/peers.h. *fd is the proxy's, *read_fd the workers': it cannot be written
 * through, and no other user can open it anew for that. Both are the caller's, close-on-exec. */
MUST_USE int region_peers_create(int *fd, int *read_fd);
/* Maps it for writing; as region_map. */
MUST_USE int region_peers_map(int fd, struct shm_peers **out);
