/* worker/pidfile.h -- a file that tells which process fettle is
 *
 * It is written anew under another name and moved, so that nobody reads half of it; a fettle that
 * takes over writes it again. Removed at the end, if it still tells our process.
 */
#pragma once

#include "base/base.h"

struct crew;

/* Those of all apps; what cannot be written is warned about. */
void pidfile_write_all(const struct crew *c);
void pidfile_remove_all(const struct crew *c);

/* -errno. */
MUST_USE int pidfile_write(const char *path);
/* NULL or empty: none. */
void pidfile_remove(const char *path);
