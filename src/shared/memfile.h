/* shared/memfile.h -- memory of several processes, in which each thing has a region by its name
 *
 * A file without a disk: a memfd that somebody hands on, or a named one that all processes of a
 * user find. In its first page is a directory of regions. A region is made by whoever asks for it
 * first; who asks for the same name in another shape (a reload has brought other options) gets
 * another one. A region whose users have all ended is given to the next who needs one.
 *
 * The file grows and never shrinks, and takes memory only where it was written. Nobody but its
 * user can open it. Any thread; every function returns 0 or -errno.
 */
#pragma once

#include "base/str.h"
#include "shared/owner.h"

enum { MEMFILE_REGIONS_MAX = 256, MEMFILE_NAME_MAX = 63, MEMFILE_USERS_MAX = 64 };

struct memfile;

/* An empty one, which nobody finds: a memfd that cannot be shrunk. The caller's, close-on-exec. */
MUST_USE int memfile_create(int *fd);

/* The one of this name, in a folder of the user's own (/dev/shm/fettle-UID, mode 0700), empty if
 * no process that lives has it. Letters, digits, '.', '_' and '-', at most MEMFILE_NAME_MAX; does
 * not begin with a dot. -EINVAL: the name; -EPERM: the folder is not the user's alone. */
MUST_USE int memfile_named(struct str name, int *fd);

/* Takes the descriptor. -EPROTO: it is no memory of this version. Lives as long as the process. */
MUST_USE int memfile_open(struct memfile **out, int fd);

/* What is in a region, so that no two kinds share one. */
enum memfile_kind { MEMFILE_KVSTORE = 1, MEMFILE_QUOTA, MEMFILE_CIRCUIT, MEMFILE_SERIES };

struct memfile_want {
    enum memfile_kind kind;
    struct str name;
    u64 bytes;    /* a multiple of 4096 */
    u64 shape[2]; /* whatever else has to be the same */
    /* Makes something of memory that is all zero, at `at` in the file; nobody else sees it yet. 0
     * or -errno. */
    int (*make)(struct memfile *m, void *memory, u64 at, const void *context);
    const void *context;
};

/* A region, mapped: it stays so as long as the process lives. */
struct memfile_region {
    void *memory;
    u64 at, bytes; /* in the file */
};

/* -ENOSPC: there are MEMFILE_REGIONS_MAX of them, all in use; -EINVAL: the name is too long. */
MUST_USE int memfile_region(struct memfile *m, const struct memfile_want *want,
                            struct memfile_region *out);

/* From byte `at` of a region on so many bytes are about to be used: there is memory for them.
 * -ENOSPC: there is not. */
MUST_USE int memfile_reserve(struct memfile *m, u64 at, u64 bytes);

/* Part of a region once more, at an address of its own. NULL: no. For munmap(). */
void *memfile_map_again(struct memfile *m, u64 at, u64 bytes);
