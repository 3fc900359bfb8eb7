/* worker/output.c -- what workers write, passed on line by line */
#include "worker/output.h"

#include "base/log.h"
#include "io/sock.h"
#include "worker/jsonline.h"

#include <fcntl.h>
#include <sys/stat.h>

enum {
    SPOOL_BYTES = 4 * 1024 * 1024,
    READ_BYTES = 64 * 1024,
    READS_PER_WAKE = 4,
    READS_AT_END = 64, /* what a pipe may still hold, several times over */
};
#define IDLE_NS (100 * NS_PER_MS)
#define PAUSE_NS (10 * NS_PER_MS)

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

static void time_add(struct buf *b)
{
    u64 ms = clock_wall_ms();
    time_t s = (time_t)(ms / 1000);
    struct tm tm;
    char when[32];

    gmtime_r(&s, &tm);
    strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
    buf_addf(b, "%s.%03uZ", when, (u32)(ms % 1000));
}

static void line_json(struct buf *b, const struct output_stream *s, struct str line)
{
    buf_add(b, STR("{\"time\":\""));
    time_add(b);
    buf_addc(b, '"');
    if (s->output->app) {
        buf_add(b, STR(",\"app\":\""));
        buf_add_json(b, str_of(s->output->app));
        buf_addc(b, '"');
    }
    buf_addf(b, ",\"worker\":%u,\"pid\":%u,\"stream\":\"%s\",", s->output->worker, s->output->pid,
             s->index ? "stderr" : "stdout");
    if (jsonline_is_object(line)) {
        buf_add(b, STR("\"json\":"));
        buf_add(b, line);
    } else {
        buf_add(b, STR("\"text\":\""));
        buf_add_json(b, line);
        buf_addc(b, '"');
    }
    buf_add(b, STR("}\n"));
}

static void line_text(struct buf *b, const struct output_stream *s, struct str line)
{
    static const u8 colours[] = { 36, 35, 33, 32, 34, 96, 95, 93, 92, 94 };
    const char *app = s->output->app ? s->output->app : "", *space = s->output->app ? " " : "";
    u32 worker = s->output->worker;

    if (s->output->sink->colours[s->index])
        buf_addf(b, "\033[%um%s%s%u |\033[0m ", colours[worker % ARRAY_LEN(colours)], app, space,
                 worker);
    else
        buf_addf(b, "%s%s%u | ", app, space, worker);
    buf_add(b, line);
    buf_addc(b, '\n');
}

static void line_emit(struct output_stream *s, struct str line)
{
    struct output *o = s->output;
    AUTO(buf_done) struct buf b = { 0 };

    str_to_cstr(line, o->tail[o->lines++ % OUTPUT_TAIL], OUTPUT_TAIL_BYTES);
    (o->sink->json ? line_json : line_text)(&b, s, line);
    if (!b.failed)
        spool_write(o->sink->spool[s->index], buf_str(&b));
}

static void partial_emit(struct output_stream *s)
{
    if (s->partial.len > 0)
        line_emit(s, buf_str(&s->partial));
    buf_clear(&s->partial);
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
            line_emit(s, str_sub(bytes, 0, len));
        } else {
            buf_add(&s->partial, str_sub(bytes, 0, len));
            if (whole && s->partial.len == 0)
                line_emit(s, (struct str){ 0 });
            else if (whole || s->partial.len >= OUTPUT_LINE_MAX || s->partial.failed)
                partial_emit(s);
            s->partial.failed = false;
        }
        bytes = str_sub(bytes, len + whole, bytes.len);
    }
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
}

/* Reads at most `reads` pieces; closes the stream at its end. */
static void stream_read(struct output_stream *s, int reads)
{
    char bytes[READ_BYTES];

    while (reads-- > 0 && s->fd >= 0) {
        ssize_t n = read(s->fd, bytes, sizeof(bytes));

        if (n > 0) {
            bytes_take(s, str_make(bytes, (size_t)n));
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

static void readable(struct watch *w, u32 events)
{
    struct output_stream *s = container_of(w, struct output_stream, watch);
    struct output *o = s->output;
    u64 now_ns = loop_now_ns(o->loop);

    (void)events;
    if (spool_congested(o->sink->spool[s->index], now_ns)) {
        loop_unwatch(w);
        loop_timer(o->loop, &s->pause, now_ns + PAUSE_NS, pause_over);
        return;
    }
    stream_read(s, READS_PER_WAKE);
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

int output_init(struct output *o, struct output_sink *sink, struct loop *loop, u32 worker,
                int write_fds[2])
{
    int r = 0;

    *o = (struct output){ .sink = sink, .loop = loop, .worker = worker };
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
