/* conf/cgroup.h -- the control groups that this process is in (cgroups(7), version 1 and 2)
 *
 * A limit of a group holds for those below it too, so the groups above are looked at as well, as
 * far as they are mounted here.
 */
#pragma once

#include "base/buf.h"

enum { CGROUP_FILE_BYTES_MAX = 1 << 20 };

/* `folder` is a group's, without a NUL; valid during the call. */
typedef void cgroup_fn(const struct buf *folder, bool v2, void *arg);

/* Calls `fn` for the group and those above it, in the hierarchy of version 1 that has the
 * controller ("cpu") and in that of version 2. proc and sys are read below `root` ("" is the real
 * one; tests make their own). What cannot be read is passed over. */
void cgroup_walk(const char *root, const char *controller, cgroup_fn *fn, void *arg);

/* The same for the groups of another process, as far as they are seen from here; 0: our own. */
void cgroup_walk_of(const char *root, u32 pid, const char *controller, cgroup_fn *fn, void *arg);

/* The file `name` ("/cpu.max") of a folder, instead of what `out` holds. False: it cannot be read.
 */
MUST_USE bool cgroup_file(const struct buf *folder, const char *name, struct buf *out);
