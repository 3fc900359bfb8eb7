/* balance/pathset.h -- the paths that stand for routes where an app names none
 *
 * A plain http app tells nobody its routes, so its requests are counted by their path, with
 * identifiers left out (kind_path). Paths are chosen by strangers: of each app so many are taken,
 * and where one place in a path has too many names, those that come later are one, "*": the
 * twenty-fifth name below "/files" makes "/files/…" a single one. What is in the set stays, so a
 * metric does not change its name.
 *
 * All threads may read and add at once: readers take no lock.
 */
#pragma once

#include "base/str.h"
#include "shm/layout.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    PATHSET_PATHS_MAX = 128, /* of an app */
    PATHSET_NODES_MAX = 384, /* parts of these; node 0 is the root */
    PATHSET_PART_MAX = 40,   /* longer ones are identifiers (kind.c) */
    PATHSET_CHILDREN_MAX = 24,
    PATHSET_ROOT_CHILDREN_MAX = 64,
};

struct pathset_node {
    u16 parent;
    u16 children;        /* written and read with the lock */
    _Atomic bool is_end; /* a path ends here */
    u8 len;
    char text[PATHSET_PART_MAX];
};

/* All zero, but for the lock, is empty. */
struct pathset {
    pthread_mutex_t lock; /* of writers */
    struct pathset_app {
        _Atomic u32 nodes; /* besides the root */
        u32 paths;
        struct pathset_node node[PATHSET_NODES_MAX];
    } app[SHM_APPS_MAX];
};

void pathset_init(struct pathset *s);

/* Under which name requests for `path`, of kind_path(), are counted: a view of `out`. Empty: it is
 * not in the set, and `admit` is false. "(other)": it should be, and there is no room. */
struct str pathset_find(struct pathset *s, u32 app, struct str path, bool admit,
                        char out[SHM_ROUTE_MAX]);
