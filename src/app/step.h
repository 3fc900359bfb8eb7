/* app/step.h -- the steps of something that takes time, on a terminal
 *
 * A line each on standard error; dim where colours may be shown (base/log.h). What is no terminal
 * gets none: a script wants the result.
 */
#pragma once

#include "base/str.h"

/* Whether there is anybody to show it to. */
bool step_is_shown(bool json);

/* «shop: worker 2: process 4711 is ready»; worker 0: without it. */
void step_line(struct str name, u32 worker, struct str text);
