/* worker/logbook.h -- the log files that the supervisor writes: whose they are, and what is wrong
 *
 * Apps may have files of their own or share one; a path is opened once. What fettle itself has to
 * say goes to its standard error, and to the file of each app.
 */
#pragma once

#include "worker/output.h"

enum { LOGBOOK_FILES_MAX = 128 };

struct recent;

/* All zero: empty. */
struct logbook {
    struct logfile *file[LOGBOOK_FILES_MAX];
    bool is_own[LOGBOOK_FILES_MAX];             /* fettle's lines go there, too, … */
    const char *date_format[LOGBOOK_FILES_MAX]; /* … with the time in this form */
    u32 count;
    bool json;
    struct recent *recent; /* keeps fettle's own lines, too; may be NULL */
};

/* Where an app's lines go: out->file, which points into the logbook from then on. Paths are NULL or
 * empty for none. A file that cannot be opened is only warned about. 0, -ENOMEM, or -EMFILE for too
 * many files. */
MUST_USE int logbook_app(struct logbook *b, struct output_app *out, const char *log_file,
                         const char *error_file, const struct logfile_rules *rules);

/* A line of fettle's own, as base/log.h has made it; whether it tells of something wrong. */
void logbook_line(struct logbook *b, struct str line, bool is_error);

/* Now and then: warns about what cannot be written. */
void logbook_tick(struct logbook *b, u64 now_ns);
/* Somebody has moved the files. */
void logbook_reopen(struct logbook *b);
/* Writes what waits, for at most wait_ns in all. */
void logbook_done(struct logbook *b, u64 wait_ns);
