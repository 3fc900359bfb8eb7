/* app/recording.h -- profiles of one process or of all workers of an app, over a time
 *
 * They stay in traffic: a profile costs a few percent. Ctrl-C ends it earlier, with what there is;
 * so does the end of a process, which waits for us.
 */
#pragma once

#include "app/inspect_options.h"
#include "inspect/capture.h"

/* From TARGET to the files; returns the exit code. */
int recording_run(const struct inspect_options *o, const struct capture_conf *conf,
                  const char *target);
