/* shm/region.h -- making and mapping the memory of shm/layout.h
 *
 * The memfd is sealed against shrinking and growing, so that no process that
 * holds it can make the others fault. Every function returns 0 or -errno.
 */
#pragma once

#include "base/str.h"
#include "shm/layout.h"

/* A fresh region, all zero but for magic, version, size, start time
 * and the calling process as supervisor. The caller owns *fd (close-on-exec) and the mapping. */
MUST_USE int region_create(struct shm **out, int *fd);

/* Maps what another process made; `fd` may be closed afterwards. -EPROTO: not fettle's memory, or
 * of another version; -EPERM: not sealed. */
MUST_USE int region_map(int fd, struct shm **out);

/* Accepts NULL. */
void region_unmap(struct shm *shm);
