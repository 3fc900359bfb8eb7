/* inspect/outfile.h -- a file that is there when it is complete, or not at all
 *
 * Written under another name beside it, and given its own at the end. "-" is the standard output. A
 * name that ends in .gz or .zst is compressed. Only its user may read it: it holds what the process
 * had in memory.
 */
#pragma once

#include "base/problem.h"

struct outfile;

/* -EINVAL with *p; -ENOMEM. */
MUST_USE int outfile_open(struct outfile **out, const char *path, struct problem *p);
/* One without a name, in memory: what is written there is read by whoever takes the descriptor.
 * -errno. */
MUST_USE int outfile_open_memory(struct outfile **out);
/* Its descriptor, the caller's from now on; frees `f`. */
int outfile_take_fd(struct outfile *f);
/* -errno. */
MUST_USE int outfile_write(struct outfile *f, struct str bytes);
/* Bytes that were written, before compression. */
u64 outfile_bytes(const struct outfile *f);
/* Gives it its name. -EINVAL with *p: it is not there. Frees `f`. */
MUST_USE int outfile_commit(struct outfile *f, struct problem *p);
/* Removes what has been written. Accepts NULL. */
void outfile_drop(struct outfile *f);

/* Whether a file of that name is compressed. */
bool outfile_compresses(const char *path);

/* What the file's file system has free for us; UINT64_MAX: not known, or no file. */
u64 outfile_free_bytes(const char *path);
