/* logs/tidy.h -- old log files are compressed and, when there are too many, deleted
 *
 * Done by a process of its own, `fettle __log-tidy`, at the lowest priority: it may take long, and
 * whatever goes wrong with it costs nobody anything. It may be killed at any time: a compressed
 * file gets its name when it is whole and on the disk, and then the plain one is deleted. One runs
 * at a time for a folder. What was not done is done the next time.
 */
#pragma once

#include "logs/logfile.h"

/* Starts it and does not wait for its end. Old files of `path` are treated by `rules`. */
void tidy_start(const char *path, const struct logfile_rules *rules);

/* Whether there is something to do for it. */
MUST_USE bool tidy_due(const char *path, const struct logfile_rules *rules, u64 now_ms);

/* What the process does: argv[1] … as tidy_start wrote them. Returns its exit code. */
int tidy_main(int argc, char **argv);
