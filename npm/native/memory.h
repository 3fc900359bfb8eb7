/* npm/native/memory.h -- the memory of this process's caches and their like
 *
 * One for the process, whatever threads and contexts it has: the one that fettle hands down to
 * workers, a named one, or one of its own. What is opened in it stays open as long as the process
 * lives, and is everybody's.
 */
#pragma once

#include "shared/kvstore.h"
#include "shared/memfile.h"

/* Which memory it is to be, before any is used: `fd` ≥ 0 is another's, which stays his; else the
 * named one; else one of its own. -EALREADY: another one is in use. */
int memory_choose(int fd, struct str name);

/* The process's memory; chosen by now. 0 or -errno. */
int memory_get(struct memfile **out);

/* What is fallocate()d before use, where the kernel has a limit for all such files: a named one. */
bool memory_is_named(void);

/* A store that was opened, of everybody's. */
struct opened_store {
    struct opened_store *next;
    struct kvstore *store;
    struct memfile_region region;
    struct kvstore_shape shape;
    char name[MEMFILE_NAME_MAX + 1];
};
int memory_store(struct opened_store **out, struct str name, u64 bytes, u64 entries_max);
