/* app/path.h -- paths, and what kind of file they lead to */
#pragma once

#include "base/strings.h"

/* "/a" of "/a/b"; "/" of "/". */
struct str path_folder(struct str path);
/* "b" of "/a/b". */
struct str path_base(struct str path);

/* Sets `out` to folder/name, or to an absolute name as it is, and returns it: NUL-terminated, the
 * NUL not counted. "" when out of memory, which shows in out->failed. */
const char *path_join(struct buf *out, struct str folder, struct str name);

/* Whether it is there and of this kind (S_IFREG, S_IFDIR), links followed. */
bool path_is(const char *path, u32 kind);
/* Whether `path` (from path_join), or it with an ending of JavaScript, is a file; that ending has
 * been added then. */
bool path_find_js(struct buf *path);
/* Whether the name ends as JavaScript or TypeScript does. False: *typescript unchanged. */
bool path_is_js(struct str path, bool *typescript);

/* Adds the words after "#!" of a file; none when there are none. */
void path_shebang(const char *path, struct strings *words);
/* Whether these words run node; then *flags is the number of the first word after it. */
bool path_shebang_is_node(const struct strings *words, u32 *flags);
