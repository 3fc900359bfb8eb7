/* app/npm_env.h -- what npm gives a script of a package: its environment, and the programs of
 * packages
 *
 * Without npm running: scripts find what they look for all the same.
 */
#pragma once

#include "base/strings.h"
#include "conf/package_json.h"

struct npm_script {
    struct str folder; /* the package's, absolute */
    const struct package_json *pkg;
    struct str name, text;
    const char *here;      /* where fettle was started */
    const char *path;      /* PATH */
    const char *node_path; /* absolute */
};

/* Adds PATH as npm gives it: node_modules/.bin of `folder` and of all folders above, then `search`.
 */
void npm_env_path(struct strings *env, struct str folder, const char *search);
/* The same, and npm_lifecycle_event and its like. */
void npm_env_add(struct strings *env, const struct npm_script *s);

/* The JavaScript file behind `program` in a node_modules/.bin of the package or above. `flags` gets
 * what its first line gives to node. False: none, or not JavaScript (pnpm's are shell scripts). */
MUST_USE bool npm_env_bin(struct str folder, struct str program, struct buf *path,
                          struct strings *flags);
