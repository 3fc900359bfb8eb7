/* worker/control.c -- the control socket: a line in, one or several lines out */
#include "worker/control.h"

#include "io/sock.h"

#include <stdarg.h>
#include <sys/socket.h>

enum { BACKLOG = 16, ACCEPTS_PER_WAKE = 8 };

static void buried(struct task *t)
{
    struct control_talk *talk = container_of(t, struct control_talk, grave);

    buf_done(&talk->out);
    free(talk);
}

static void talk_close(struct control_talk *t)
{
    struct control *c = t->control;
    int fd = t->watch.fd;

    if (!t->watch.loop)
        return;
    loop_timer_stop(&t->timer);
    loop_task_stop(&t->again);
    loop_unwatch(&t->watch);
    close(fd);
    list_del(&t->link);
    c->count--;
    if (TAKE(t->busy, false))
        c->conf.gone(t);
    loop_bury(c->conf.loop, &t->grave, buried);
}

static void time_over(struct timer *t)
{
    talk_close(container_of(t, struct control_talk, timer));
}

static void timer_start(struct control_talk *t, u64 ns)
{
    loop_timer(t->control->conf.loop, &t->timer, loop_now_ns(t->control->conf.loop) + ns,
               time_over);
}

/* What is waited for: room to send, the next request, or (while one is answered) only its end. */
static void watch_choose(struct control_talk *t)
{
    bool waits = t->sent < t->out.len;

    loop_watch_set(&t->watch, waits ? EPOLLOUT : t->busy ? 0 : EPOLLIN);
    if (!waits && t->busy)
        loop_timer_stop(&t->timer);
}

/* False: it is closed. */
static bool out_send(struct control_talk *t)
{
    bool some = false;

    if (t->out.failed) { /* more than anybody may leave unread */
        talk_close(t);
        return false;
    }
    while (t->sent < t->out.len) {
        ssize_t n = send(t->watch.fd, t->out.ptr + t->sent, t->out.len - t->sent, MSG_NOSIGNAL);

        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0) {
            talk_close(t);
            return false;
        }
        t->sent += (size_t)n;
        some = true;
    }
    if (t->sent == t->out.len) {
        buf_clear(&t->out);
        t->sent = 0;
        if (!t->busy)
            timer_start(t, CONTROL_ASK_NS);
    } else if (some || !loop_timer_armed(&t->timer)) {
        timer_start(t, CONTROL_READ_NS);
    }
    watch_choose(t);
    return true;
}

/* All that it asked for has been answered and taken. */
static bool is_over(const struct control_talk *t)
{
    return t->at_end && !t->busy && t->out.len == 0;
}

static void line_add(struct control_talk *t, struct str line)
{
    if (!t->watch.loop)
        return;
    buf_add(&t->out, line);
    buf_addc(&t->out, '\n');
}

static void lines_take(struct control_talk *t);

static void again(struct task *task)
{
    struct control_talk *t = container_of(task, struct control_talk, again);

    if (out_send(t))
        lines_take(t);
}

void control_say(struct control_talk *t, struct str line)
{
    line_add(t, line);
    if (t->watch.loop)
        loop_task(t->control->conf.loop, &t->again, again);
}

void control_end(struct control_talk *t, struct str line)
{
    t->busy = false;
    control_say(t, line);
}

void control_fail(struct control_talk *t, const char *fmt, ...)
{
    AUTO(buf_done) struct buf line = { 0 };
    char text[1024];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    buf_add(&line, STR("{\"ok\":false,\"error\":\""));
    buf_add_json(&line, str_of(text));
    buf_add(&line, STR("\"}"));
    t->out.failed |= line.failed;
    control_end(t, buf_str(&line));
}

static void ask(struct control_talk *t, struct str line)
{
    struct problem p;
    struct order o;
    int err = order_read(&o, line, &p);

    t->busy = true;
    loop_timer_stop(&t->timer);
    if (err)
        control_fail(t, "%s", err == -ENOMEM ? "out of memory" : p.text);
    else
        t->control->conf.ask(t, &o);
}

/* The next whole line, if nothing is being answered. */
static void lines_take(struct control_talk *t)
{
    char bytes[FRAME_BYTES];
    struct str line;

    if (t->busy || t->out.len > 0) {
        watch_choose(t);
        return;
    }
    switch (frame_next(&t->in, bytes, &line)) {
    case FRAME_LINE:
        ask(t, line);
        if (t->watch.loop)
            watch_choose(t);
        break;
    case FRAME_TOO_LONG:
        t->at_end = true;
        control_fail(t, "a request is longer than %d bytes", ORDER_BYTES_MAX);
        break;
    case FRAME_MORE:
        if (is_over(t))
            talk_close(t);
        else
            watch_choose(t);
        break;
    }
}

static void talk_event(struct watch *w, u32 events)
{
    struct control_talk *t = container_of(w, struct control_talk, watch);
    bool gone = events & (EPOLLHUP | EPOLLERR);
    u32 room;
    char *to = frame_room(&t->in, &room);
    ssize_t n;

    if (gone && (t->busy || t->out.len > 0)) {
        talk_close(t);
        return;
    }
    if (t->sent < t->out.len) {
        if (out_send(t))
            lines_take(t);
        return;
    }
    n = read(w->fd, to, room);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n < 0 || (n == 0 && (gone || t->in.len == 0))) {
        talk_close(t);
        return;
    }
    frame_added(&t->in, (u32)n);
    if (n == 0) { /* a last request without its end, of one that still listens */
        t->at_end = true;
        frame_end(&t->in);
    }
    lines_take(t);
}

/* One that waits for no answer gives way, the oldest first. */
static bool room_make(struct control *c)
{
    if (c->count < CONTROL_TALKS_MAX)
        return true;
    list_each (link, &c->talks) {
        struct control_talk *t = container_of(link, struct control_talk, link);

        if (!t->busy) {
            talk_close(t);
            return true;
        }
    }
    return false;
}

static void connected(struct control *c, int fd)
{
    struct sock_peer peer = { 0 };
    struct control_talk *t = NULL;

    if (sock_peer(fd, &peer) == 0 && (peer.uid == geteuid() || peer.uid == 0) && room_make(c))
        t = calloc(1, sizeof(*t));
    if (!t || loop_watch(c->conf.loop, &t->watch, fd, EPOLLIN, talk_event) < 0) {
        free(t);
        close(fd);
        return;
    }
    t->control = c;
    t->out.bytes_max = CONTROL_OUT_MAX;
    list_add(&c->talks, &t->link);
    c->count++;
    timer_start(t, CONTROL_ASK_NS);
}

static void acceptable(struct watch *w, u32 events)
{
    struct control *c = container_of(w, struct control, watch);

    (void)events;
    for (int i = 0; i < ACCEPTS_PER_WAKE; i++) {
        int fd = sock_accept(w->fd);

        if (fd < 0)
            return;
        connected(c, fd);
    }
}

int control_init(struct control *c, const struct control_conf *conf)
{
    char path[128];
    int fd, r;

    *c = (struct control){ .conf = *conf };
    list_init(&c->talks);
    snprintf(path, sizeof(path), "%s/control.sock", conf->dir);
    fd = sock_listen_unix(path, SOCK_STREAM, BACKLOG, 0600);
    if (fd < 0)
        return fd;
    r = loop_watch(conf->loop, &c->watch, fd, EPOLLIN, acceptable);
    if (r < 0)
        close(fd);
    return r;
}

void control_done(struct control *c)
{
    int fd = c->watch.fd;

    if (!c->watch.loop)
        return;
    loop_unwatch(&c->watch);
    close(fd);
    while (!list_empty(&c->talks)) {
        struct control_talk *t = list_first(&c->talks, struct control_talk, link);

        if (t->out.len && !t->out.failed) /* that it is over, to who asked for it */
            (void)!send(t->watch.fd, t->out.ptr + t->sent, t->out.len - t->sent, MSG_NOSIGNAL);
        talk_close(t);
    }
}
