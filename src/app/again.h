/* app/again.h -- this fettle's command line, to be started with it again
 *
 * Once for reading the settings anew (worker/reread.h), once for a fettle that takes over
 * (worker/successor.h). Both get the words, the folder and the environment of the start; secrets go
 * from the words into the environment, where nobody else sees them.
 */
#pragma once

#include "app/start.h"

/* Before anything of the words or the environment is changed. -ENOMEM. */
MUST_USE int again_keep(struct starts *all, int argc, char **argv);
