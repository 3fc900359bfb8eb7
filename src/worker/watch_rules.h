/* worker/watch_rules.h -- whose changes restart an app that is watched
 *
 * Code and what is read like code: by its ending (.js, .ts, .json, .yml, .html, .env …), so that
 * an app that writes logs or uploads beside its code is not restarted by itself. Hidden files and
 * folders, node_modules and what editors leave behind never count.
 *
 * Patterns to ignore are as a shell's: «*.test.js» and «uploads» match a name anywhere, «src/gen»
 * a path from the watched folder, and all that is in it; two asterisks stand for folders of any
 * depth. Pure.
 */
#pragma once

#include "base/str.h"

struct watch_rules {
    struct str ignore; /* patterns, commas between */
};

/* Whether a folder is looked into; `path` is relative to the watched one. */
bool watch_rules_folder(const struct watch_rules *r, struct str path);
/* Whether a change of this file counts. */
bool watch_rules_file(const struct watch_rules *r, struct str path);

/* When a series of changes is over: `delay_ns` after the last one, but not for ever. */
u64 watch_rules_due_ns(u64 first_ns, u64 last_ns, u64 delay_ns);
