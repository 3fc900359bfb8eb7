/* worker/output.h -- what workers write, passed on line by line
 *
 * Where to: with a log file (struct output_app) to that, else to our own stdout and stderr.
 *
 * A line of worker 1 becomes "1 | line" (coloured by worker on a terminal), of one of several
 * apps "shop 1 | line". With --log json it is
 * one object a line: {"time", "app", "worker", "pid", "stream", "text"}; a line that already is a
 * JSON object is embedded as "json" in place of "text". In a file the line of worker 1 of the app
 * shop is "2026-11-26T04:02:26.123Z shop/1 | line", and with "!" instead of "|" from stderr. Lines
 * longer than 64 KB are split; a line without an end is passed on after 100 ms of silence and at
 * the worker's end. stdout goes to stdout and stderr to stderr, through spools: a reader that is
 * nearly as fast as the workers makes them wait as a pipe does; a slow or stuck one loses lines and
 * blocks nobody. The last 20 lines of each worker are kept for crash reports.
 *
 * A worker that writes line after line is read only some hundred times a second, many lines at
 * once: that is where the processor time of a log goes.
 */
#pragma once

#include "base/buf.h"
#include "io/loop.h"
#include "io/spool.h"
#include "logs/logfile.h"

enum { OUTPUT_TAIL = 20, OUTPUT_TAIL_BYTES = 400, OUTPUT_LINE_MAX = 64 * 1024 };

struct recent;

/* Where all workers' lines go. When stdout and stderr are the same file there is one spool, so
 * that the order is kept. */
struct output_sink {
    struct spool *spool[2]; /* stdout, stderr */
    bool json;
    bool colours[2];
    struct recent *recent; /* keeps those that go to no file; NULL: nobody does */
    u64 dropped_told;      /* of the drops, how many the user knows of */
    struct buf lines;      /* of the piece being read, so that they are passed on together */
};

/* Whose workers' lines these are. Owned by whoever calls output_init. */
struct output_app {
    const char *name;
    u32 index;               /* its number */
    const char *date_format; /* conf/dateform.h; NULL or empty: the usual one */
    bool is_named; /* there are several: the name stands before each line in a terminal, too */
    struct logfile *file[2]; /* for stdout and stderr, perhaps the same one; NULL: to the sink */
};

MUST_USE int output_sink_init(struct output_sink *sink, bool json);
/* Flushes for at most wait_ns. */
void output_sink_done(struct output_sink *sink, u64 wait_ns);
/* Lines dropped since this was last asked. */
u64 output_sink_dropped(struct output_sink *sink);

/* The present time as it stands in logs, "2026-11-26T04:02:26.123Z"; or another one. */
void output_time_add(struct buf *b);
void output_time_at(struct buf *b, u64 ms);
/* The same in another form. */
void output_time_as(struct buf *b, const char *date_format, u64 ms);

/* A line as it stands in a log file, without its newline. */
struct output_from {
    u64 at_ms;
    const char *app;
    const char *date_format; /* as in output_app */
    u32 worker, pid, index;  /* index: 0 stdout, 1 stderr */
};
void output_line(struct buf *out, const struct output_from *from, struct str line, bool json);

struct output;

/* One stream of one process. */
struct output_stream {
    struct output *output;
    struct watch watch;
    struct timer idle;
    struct timer pause; /* armed while nothing is read, and nothing watched */
    u64 read_ns;        /* when something was read last */
    u32 streak;         /* how often that was soon after the time before */
    bool is_wide;       /* its pipe has been made larger */
    int fd;             /* -1: at its end */
    u32 index;          /* 0 stdout, 1 stderr */
    struct buf partial;
    struct buf begin; /* what the lines of the present piece begin with; empty: not made yet */
};

/* One process. All zero is not started; embedded in its owner. */
struct output {
    struct output_sink *sink;
    const struct output_app *app;
    struct loop *loop;
    u32 worker, pid;
    struct output_stream stream[2];
    char tail[OUTPUT_TAIL][OUTPUT_TAIL_BYTES]; /* NUL-terminated */
    u32 lines;                                 /* counts all; line i is at i % OUTPUT_TAIL */
};

/* Makes the two pipes; write_fds are for the child and the caller closes them. */
MUST_USE int output_init(struct output *o, struct output_sink *sink, const struct output_app *app,
                         struct loop *loop, u32 worker, int write_fds[2]);
/* Reads what the process has written so far, for a report of its end. */
void output_settle(struct output *o);
/* Reads what is left, passes on unfinished lines, closes. */
void output_done(struct output *o);

/* The last lines, each on a line of its own and indented, in `out`. */
void output_tail(const struct output *o, struct buf *out);
