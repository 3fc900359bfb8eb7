/* app/node.h -- the node program: where it is, and which */
#pragma once

#include "base/buf.h"
#include "base/problem.h"

enum { NODE_MAJOR_LEAST = 18 };

/* Sets `path` to the absolute path, NUL-terminated, of `name`: a path with a slash, or a program in
 * the colon-separated `search` (PATH). -ENOENT with *p when there is none; -ENOMEM. */
MUST_USE int node_find(struct str name, struct str search, struct buf *path, struct problem *p);

struct node_version {
    u32 major, minor, patch;
};
/* "v20.20.2" with or without what follows. False: not a version. */
MUST_USE bool node_version_parse(struct str text, struct node_version *out);

/* Runs `path --version`, for at most 5 s. -errno, -EPROTO when it says something else. */
MUST_USE int node_version_of(const char *path, struct node_version *out);

/* Whether this node runs .ts files: 0 no, 1 yes, 2 with --experimental-strip-types. */
enum node_typescript { NODE_TS_NO, NODE_TS_YES, NODE_TS_FLAG };
enum node_typescript node_typescript(struct node_version v);

/* Whether these flags for node bring a loader for TypeScript: --import tsx, -r ts-node/register …
 */
bool node_has_loader(struct str node_args);
