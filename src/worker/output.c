/* worker/output.c -- what workers write, passed on line by line */
#include "worker/output.h"

#include "base/log.h"
#include "conf/dateform.h"
#include "io/sock.h"
#include "worker/jsonline.h"
#include "worker/recent.h"

#include <fcntl.h>
#include <sys/stat.h>

enum {
    SPOOL_BYTES = 4 * 1024 * 1024,
    READ_BYTES = 64 * 1024,
    READS_PER_WAKE = 4,
    LINES_KEPT_BYTES = 256 * 1024,
    WIDE_PIPE_BYTES = 256 * 1024,
    BUSY_STREAK = 16,
    READS_AT_END = 64, /* what a pipe may still hold, several times over */
};
#define IDLE_NS (100 * NS_PER_MS)
#define PAUSE_NS (10 * NS_PER_MS)
/* One who has written again within BUSY_NS, and that BUSY_STREAK times, is read again after
 * GATHER_NS (and the timer's slack). Fewer lines keep their order with those of the other stream.
 */
#define BUSY_NS (20 * NS_PER_MS)
#define GATHER_NS (1 * NS_PER_MS)

static bool same_file(int a, int b)
{
    struct stat sa, sb;

    return fstat(a, &sa) == 0 && fstat(b, &sb) == 0 && sa.st_dev == sb.st_dev &&
           sa.st_ino == sb.st_ino && sa.st_rdev == sb.st_rdev;
}

int output_sink_init(struct output_sink *sink, bool json)
{
    int r;

    *sink = (struct output_sink){ .json = json };
    sink->colours[0] = !json && log_colours(STDOUT_FILENO);
    sink->colours[1] = !json && log_colours(STDERR_FILENO);
    r = spool_new(&sink->spool[1], STDERR_FILENO, SPOOL_BYTES);
    if (r < 0)
        return r;
    if (same_file(STDOUT_FILENO, STDERR_FILENO)) {
        sink->spool[0] = sink->spool[1];
        return 0;
    }
    return spool_new(&sink->spool[0], STDOUT_FILENO, SPOOL_BYTES);
}

void output_sink_done(struct output_sink *sink, u64 wait_ns)
{
    if (sink->spool[0] != sink->spool[1])
        spool_free(sink->spool[0], wait_ns);
    spool_free(sink->spool[1], wait_ns);
    buf_done(&sink->lines);
    *sink = (struct output_sink){ 0 };
}

u64 output_sink_dropped(struct output_sink *sink)
{
    u64 all = spool_dropped(sink->spool[1]), fresh;

    if (sink->spool[0] != sink->spool[1])
        all += spool_dropped(sink->spool[0]);
    fresh = all - sink->dropped_told;
    sink->dropped_told = all;
    return fresh;
}

void output_time_at(struct buf *b, u64 ms)
{
    time_t s = (time_t)(ms / 1000);
    struct tm tm;
    char when[32];

    gmtime_r(&s, &tm);
    strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
    buf_addf(b, "%s.%03uZ", when, (u32)(ms % 1000));
}

void output_time_as(struct buf *b, const char *date_format, u64 ms)
{
    if (date_format && *date_format)
        dateform_add(b, str_of(date_format), ms);
    else
        output_time_at(b, ms);
}

void output_time_add(struct buf *b)
{
    output_time_at(b, clock_wall_ms());
}

static void from_json(struct buf *b, const struct output_from *from)
{
    buf_add(b, STR("{\"time\":\""));
    output_time_at(b, from->at_ms);
    buf_add(b, STR("\",\"app\":\""));
    buf_add_json(b, str_of(from->app));
    buf_addf(b, "\",\"worker\":%u,\"pid\":%u,\"stream\":\"%s\",", from->worker, from->pid,
             from->index ? "stderr" : "stdout");
}

static void from_text(struct buf *b, const struct output_from *from)
{
    output_time_as(b, from->date_format, from->at_ms);
    buf_addf(b, " %s/%u %c ", from->app, from->worker, from->index ? '!' : '|');
}

static struct output_from from_of(const struct output_stream *s)
{
    return (struct output_from){ .at_ms = clock_wall_ms(),
                                 .app = s->output->app->name,
                                 .date_format = s->output->app->date_format,
                                 .worker = s->output->worker,
                                 .pid = s->output->pid,
                                 .index = s->index };
}

/* What all lines of one piece begin with. */
static void begin_json(struct buf *b, const struct output_stream *s)
{
    struct output_from from = from_of(s);

    from_json(b, &from);
}

static void begin_text(struct buf *b, const struct output_stream *s)
{
    static const u8 colours[] = { 36, 35, 33, 32, 34, 96, 95, 93, 92, 94 };
    const struct output_app *app = s->output->app;
    const char *name = app->is_named ? app->name : "", *space = app->is_named ? " " : "";
    u32 worker = s->output->worker;

    if (app->file[s->index]) {
        struct output_from from = from_of(s);

        from_text(b, &from);
    } else if (s->output->sink->colours[s->index]) {
        buf_addf(b, "\033[%um%s%s%u |\033[0m ", colours[worker % ARRAY_LEN(colours)], name, space,
                 worker);
    } else {
        buf_addf(b, "%s%s%u | ", name, space, worker);
    }
}

static void line_end_json(struct buf *b, struct str line)
{
    if (jsonline_is_object(line)) {
        buf_add(b, STR("\"json\":"));
        buf_add(b, line);
    } else {
        buf_add(b, STR("\"text\":\""));
        buf_add_json(b, line);
        buf_addc(b, '"');
    }
    buf_addc(b, '}');
}

void output_line(struct buf *out, const struct output_from *from, struct str line, bool json)
{
    if (json) {
        from_json(out, from);
        line_end_json(out, line);
    } else {
        from_text(out, from);
        buf_add(out, line);
    }
}

/* Adds a line to those that are passed on together. */
static void line_add(struct output_stream *s, struct str line)
{
    struct output *o = s->output;
    struct buf *lines = &o->sink->lines;
    size_t before = lines->len;

    str_to_cstr(line, o->tail[o->lines++ % OUTPUT_TAIL], OUTPUT_TAIL_BYTES);
    if (s->begin.len == 0)
        (o->sink->json ? begin_json : begin_text)(&s->begin, s);
    buf_add(lines, buf_str(&s->begin));
    if (o->sink->json) {
        line_end_json(lines, line);
    } else {
        buf_add(lines, line);
    }
    buf_addc(lines, '\n');
    if (!o->app->file[s->index] && o->sink->recent) {
        struct recent_from from = { (u16)o->app->index, s->index > 0, o->worker, o->pid };

        recent_add(o->sink->recent, &from, line);
    }
    if (lines->failed || s->begin.failed)
        lines->len = before; /* out of memory: without this one */
    lines->failed = s->begin.failed = false;
}

/* Passes on what was added. */
static void lines_emit(struct output_stream *s)
{
    struct output_sink *sink = s->output->sink;
    struct logfile *file = s->output->app->file[s->index];
    struct str lines = buf_str(&sink->lines);

    if (file) {
        logfile_write(file, lines);
    } else if (lines.len && !spool_write_whole(sink->spool[s->index], lines)) {
        while (lines.len) { /* as many of them as there is room for */
            size_t len = (size_t)str_index(lines, '\n') + 1;

            spool_write(sink->spool[s->index], str_sub(lines, 0, len));
            lines = str_sub(lines, len, lines.len);
        }
    }
    buf_clear(&sink->lines);
    buf_clear(&s->begin);
    if (sink->lines.cap > LINES_KEPT_BYTES)
        buf_done(&sink->lines);
}

static void partial_add(struct output_stream *s)
{
    if (s->partial.len > 0)
        line_add(s, buf_str(&s->partial));
    buf_clear(&s->partial);
}

static void partial_emit(struct output_stream *s)
{
    partial_add(s);
    lines_emit(s);
}

static void idle_over(struct timer *t)
{
    partial_emit(container_of(t, struct output_stream, idle));
}

/* Cuts what was read into lines; what has no end yet is kept, up to the bound. */
static void bytes_take(struct output_stream *s, struct str bytes)
{
    while (bytes.len > 0) {
        ptrdiff_t end = str_index(bytes, '\n');
        size_t room = OUTPUT_LINE_MAX - s->partial.len;
        size_t len = end < 0 ? bytes.len : (size_t)end;
        bool whole = end >= 0 && len <= room;

        len = min(len, room);
        if (whole && s->partial.len == 0) {
            line_add(s, str_sub(bytes, 0, len));
        } else {
            buf_add(&s->partial, str_sub(bytes, 0, len));
            if (whole && s->partial.len == 0)
                line_add(s, (struct str){ 0 });
            else if (whole || s->partial.len >= OUTPUT_LINE_MAX || s->partial.failed)
                partial_add(s);
            s->partial.failed = false;
        }
        bytes = str_sub(bytes, len + whole, bytes.len);
    }
    lines_emit(s);
}

static void stream_close(struct output_stream *s)
{
    if (s->fd < 0)
        return;
    loop_timer_stop(&s->idle);
    loop_timer_stop(&s->pause);
    loop_unwatch(&s->watch);
    close(TAKE(s->fd, -1));
    partial_emit(s);
    buf_done(&s->partial);
    buf_done(&s->begin);
}

/* Reads at most `reads` pieces; closes the stream at its end. */
static void stream_read(struct output_stream *s, int reads)
{
    char bytes[READ_BYTES];

    while (reads-- > 0 && s->fd >= 0) {
        ssize_t n = read(s->fd, bytes, sizeof(bytes));

        if (n > 0) {
            bytes_take(s, str_make(bytes, (size_t)n));
            if ((size_t)n < sizeof(bytes))
                break; /* that was all */
        } else if (n == 0 || errno != EAGAIN) {
            stream_close(s);
            return;
        } else {
            break;
        }
    }
    if (s->partial.len > 0)
        loop_timer(s->output->loop, &s->idle, loop_now_ns(s->output->loop) + IDLE_NS, idle_over);
    else
        loop_timer_stop(&s->idle);
}

static void readable(struct watch *w, u32 events);

static void pause_over(struct timer *t)
{
    struct output_stream *s = container_of(t, struct output_stream, pause);

    if (loop_watch(s->output->loop, &s->watch, s->fd, EPOLLIN, readable) < 0)
        stream_close(s);
}

/* Nothing is read for a while. */
static void rest(struct output_stream *s, u64 for_ns)
{
    struct loop *loop = s->output->loop;

    loop_unwatch(&s->watch);
    loop_timer(loop, &s->pause, loop_now_ns(loop) + for_ns, pause_over);
}

static bool is_congested(const struct output_stream *s, u64 now_ns)
{
    struct logfile *file = s->output->app->file[s->index];

    return file ? logfile_congested(file, now_ns)
                : spool_congested(s->output->sink->spool[s->index], now_ns);
}

static void readable(struct watch *w, u32 events)
{
    struct output_stream *s = container_of(w, struct output_stream, watch);
    u64 now_ns = loop_now_ns(s->output->loop);

    (void)events;
    if (is_congested(s, now_ns)) {
        rest(s, PAUSE_NS);
        return;
    }
    stream_read(s, READS_PER_WAKE);
    s->streak = now_ns - s->read_ns < BUSY_NS ? s->streak + 1 : 0;
    if (s->fd >= 0 && s->streak >= BUSY_STREAK) {
        if (!s->is_wide) /* room for what it writes meanwhile; else the usual room */
            fcntl(s->fd, F_SETPIPE_SZ, WIDE_PIPE_BYTES);
        s->is_wide = true;
        rest(s, GATHER_NS);
    }
    s->read_ns = now_ns;
}

static int stream_init(struct output *o, u32 index, int *write_fd)
{
    struct output_stream *s = &o->stream[index];
    int fds[2], r;

    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    *write_fd = fds[1];
    s->fd = fds[0];
    s->output = o;
    s->index = index;
    r = sock_nonblock(s->fd); /* our end only: the worker's stays as Node expects it */
    return r < 0 ? r : loop_watch(o->loop, &s->watch, s->fd, EPOLLIN, readable);
}

int output_init(struct output *o, struct output_sink *sink, const struct output_app *app,
                struct loop *loop, u32 worker, int write_fds[2])
{
    int r = 0;

    *o = (struct output){ .sink = sink, .app = app, .loop = loop, .worker = worker };
    for (u32 i = 0; i < 2; i++) {
        o->stream[i].fd = -1;
        write_fds[i] = -1;
    }
    for (u32 i = 0; i < 2 && r == 0; i++)
        r = stream_init(o, i, &write_fds[i]);
    if (r == 0)
        return 0;
    for (u32 i = 0; i < 2; i++)
        fd_closep(&write_fds[i]);
    output_done(o);
    return r;
}

void output_settle(struct output *o)
{
    for (u32 i = 0; i < 2 && o->loop; i++) {
        if (o->stream[i].fd >= 0)
            stream_read(&o->stream[i], READS_AT_END);
        if (o->stream[i].fd >= 0)
            partial_emit(&o->stream[i]);
    }
}

void output_done(struct output *o)
{
    for (u32 i = 0; i < 2 && o->loop; i++) {
        if (o->stream[i].fd >= 0)
            stream_read(&o->stream[i], READS_AT_END);
        stream_close(&o->stream[i]);
    }
}

void output_tail(const struct output *o, struct buf *out)
{
    u32 from = o->lines > OUTPUT_TAIL ? o->lines - OUTPUT_TAIL : 0;

    for (u32 i = from; i < o->lines; i++)
        buf_addf(out, "\n    %s", o->tail[i % OUTPUT_TAIL]);
}
