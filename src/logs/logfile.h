/* logs/logfile.h -- a log file: written by a thread of its own, rotated, reopened
 *
 * Nobody who logs ever waits for a disk: lines go into a ring of a few megabytes (io/spool.h), from
 * which one thread writes whole lines and does all that is done with the file:
 *
 *   - Rotation, when the next line would make the file larger than rotate_bytes, or when the hour
 * or day (local time) has changed since the last line. The file gets a name with the time
 *     (logs/archive.h), and a new one is made. Each line is whole and in one of the two.
 *   - What somebody else has done: a file that was moved or deleted is noticed within half a
 * second, or at once after logfile_reopen, and a new one is made; so is its folder. A file that was
 *     truncated (logrotate's copytruncate) is simply gone on with.
 *   - Trouble. A full disk, a folder that cannot be made again: lines wait in the ring, and are
 * lost and counted when that is full. It is tried again five times a second. A line that the disk
 *     had room for only half is taken back.
 *   - Compressing and deleting old files is left to a process of low priority (logs/tidy.h).
 *
 * Several writers may have the same file open, in several processes: each write is one system call
 * with whole lines, in append mode. Whoever rotates holds a lock on the first byte of the file,
 * each writer has one on the second; a file that somebody still writes to is not compressed.
 */
#pragma once

#include "base/buf.h"
#include "base/clock.h"

enum logfile_period { LOGFILE_PERIOD_OFF, LOGFILE_PERIOD_HOURLY, LOGFILE_PERIOD_DAILY };

struct logfile_rules {
    u64 rotate_bytes; /* 0: not by size */
    enum logfile_period period;
    u32 keep;    /* old files; 0: all */
    u64 keep_ns; /* their age; 0: any */
    bool compress;
    /* The program that tidies up, called with logs/tidy.h's arguments; NULL: old files stay. */
    const char *tidy_program;
};

struct logfile;

/* Opens the file, or tries to: what went wrong is told by logfile_error. `path` is copied. -ENOMEM
 * or -errno when there can be no thread. */
MUST_USE int logfile_new(struct logfile **out, const char *path, const struct logfile_rules *rules);
/* Writes what waits, for at most wait_ns; accepts NULL. */
void logfile_free(struct logfile *f, u64 wait_ns);

/* Puts whole lines, each with its newline; any thread. Returns how many were lost, for the ring is
 * full. Never blocks. */
u64 logfile_write(struct logfile *f, struct str lines);
/* Waits until all that was put is written. Accepts NULL. */
bool logfile_flush(struct logfile *f, u64 wait_ns);

/* The file may have been moved: look at once. Safe in a signal handler. */
void logfile_reopen(struct logfile *f);

/* Whether a writer that can wait a few milliseconds should; see spool_congested. */
MUST_USE bool logfile_congested(struct logfile *f, u64 now_ns);

const char *logfile_path(const struct logfile *f);
/* Lines lost so far. */
u64 logfile_lost(const struct logfile *f);
/* Why nothing can be written now (an errno), or 0. */
int logfile_error(const struct logfile *f);

/* Once in ten seconds at most, when lines were lost or nothing can be written: one line of text for
 * people, and true. One thread may ask. */
MUST_USE bool logfile_trouble(struct logfile *f, u64 now_ns, struct buf *text);
