/* shm/allocated.h -- how many bytes requests have allocated, told to the monitor
 *
 * The payload of a record (journal.h) of the type SHM_RECORD_ALLOCATED, which the agent writes once
 * a second for each route of which it has measured requests meanwhile: the struct, and then the
 * method and what follows, without NULs.
 *
 * Plain C11 for the addon, like layout.h. The reader trusts nothing.
 */
#pragma once

#include <stdint.h>

enum { SHM_ALLOCATED_METHOD_MAX = 16, SHM_ALLOCATED_ROUTE_MAX = 512 };

struct shm_allocated {
    uint32_t requests;
    uint32_t is_path; /* 1: nobody has named the route: it is the path that was asked for */
    uint32_t method_len, route_len;
    uint64_t bytes; /* of all of them */
};

_Static_assert(sizeof(struct shm_allocated) == 24, "the same to every compiler");
