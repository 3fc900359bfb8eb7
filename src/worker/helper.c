/* worker/helper.c -- fettle's own children: the proxy and the monitor */
#include "worker/helper.h"

#include "base/log.h"
#include "io/sock.h"

#include <signal.h>

#define GOOD_LIFE_NS (2 * NS_PER_S)

static void pending_send(struct helper *h);

/* environ with FETTLE_DIR=<dir>; a shallow copy, the caller frees the array and the last text. */
static char **env_new(const char *dir, char **own)
{
    size_t n = 0, kept = 0;
    char **env;

    *own = NULL;
    while (environ && environ[n])
        n++;
    env = calloc(n + 2, sizeof(*env));
    if (!env || asprintf(own, "FETTLE_DIR=%s", dir) < 0) {
        free(env);
        *own = NULL;
        return NULL;
    }
    for (size_t i = 0; i < n; i++)
        if (!str_starts(str_of(environ[i]), STR("FETTLE_DIR=")))
            env[kept++] = environ[i];
    env[kept] = *own;
    return env;
}

static void drained_tell(struct helper *h)
{
    if (h->drained)
        return;
    h->drained = true;
    h->conf.drained(h);
}

static void socket_close(struct helper *h)
{
    int fd = h->watch.fd;

    if (!h->watch.loop)
        return;
    loop_unwatch(&h->watch);
    close(fd);
}

static void control_event(struct watch *w, u32 events)
{
    struct helper *h = container_of(w, struct helper, watch);
    struct wire_note note;
    u32 fds_n;

    if (events & EPOLLOUT)
        pending_send(h);
    for (int i = 0; i < 16; i++) {
        ssize_t n = sock_recv_msg(w->fd, &note, sizeof(note), NULL, 0, &fds_n);

        if (n == -EAGAIN || n == -EMSGSIZE)
            return;
        if (n <= 0) {
            /* Without its socket it is of no use, and it may be just dying. */
            socket_close(h);
            if (h->pid && !h->stopping)
                kill(h->pid, SIGKILL);
            return;
        }
        if (n == sizeof(note) && note.type == WIRE_UNLISTENED && h->stopping && h->conf.unlistened)
            h->conf.unlistened(h);
        if (n == sizeof(note) && note.type == WIRE_STACK && h->conf.stack)
            h->conf.stack(h, &note);
        if (n == sizeof(note) && note.type == WIRE_DRAINED && h->stopping)
            drained_tell(h);
    }
}

static void everything_is_news(struct helper *h)
{
    h->tell_settings = false; /* its command line has them */
    h->tell_gone = h->tell_listeners = 0;
    for (u32 i = 0; h->conf.listeners && i < SHM_LISTENERS_MAX; i++)
        if (h->conf.listeners->listener[i].open)
            h->tell_listeners |= BIT(i);
    h->tell_changed = h->conf.listeners != NULL;
}

static int start(struct helper *h)
{
    AUTO(freep) char *own = NULL;
    AUTO(freep) char **env = env_new(h->conf.dir, &own);
    AUTO(fd_closep) int ours = -1, theirs = -1;
    /* Terminals and service managers signal whole groups: these are for the supervisor alone. */
    static const int ignored[] = { SIGINT, SIGHUP, SIGTERM, SIGUSR2, 0 };
    int pair[2], r;

    if (!env)
        return -ENOMEM;
    r = sock_pair(pair);
    if (r < 0)
        return r;
    ours = pair[0];
    theirs = pair[1];
    struct child_conf child = {
        .file = "/proc/self/exe",
        .argv = h->conf.argv,
        .envp = env,
        .fds = { -1, STDOUT_FILENO, STDERR_FILENO, h->conf.shm_fd, theirs, h->conf.wake_fd,
                 h->conf.peers_fd },
        .fds_n = 7,
        .death_signal = SIGKILL,
        .ignored = ignored,
    };
    static_assert(WIRE_SHM_FD == 3 && WIRE_PROXY_FD == 4 && WIRE_WAKE_FD == 5 && WIRE_PEERS_FD == 6,
                  "the order above");
    r = child_start(&child, &h->pid, NULL);
    if (r < 0)
        return r;
    h->started_ns = clock_now_ns();
    *h->conf.pid = (u32)h->pid;
    r = loop_watch(h->conf.loop, &h->watch, ours, EPOLLIN, control_event);
    if (r < 0) {
        kill(h->pid, SIGKILL);
        return r;
    }
    ours = -1; /* the watch's */
    everything_is_news(h);
    pending_send(h);
    return 0;
}

int helper_init(struct helper *h, const struct helper_conf *conf, bool holds)
{
    *h = (struct helper){ .conf = *conf, .holds = holds };
    return conf->argv ? start(h) : 0;
}

static void restart_due(struct timer *t)
{
    struct helper *h = container_of(t, struct helper, restart);
    int r;

    if (h->stopping || h->pid)
        return;
    ++*h->conf.restarts;
    r = start(h);
    if (r < 0) {
        log_error("the %s cannot be started: %s; trying again in a second", h->conf.name,
                  strerror(-r));
        if (!h->pid)
            loop_timer(h->conf.loop, t, clock_now_ns() + NS_PER_S, restart_due);
    }
}

static void died(struct helper *h, const struct child_end *end)
{
    u64 now_ns = clock_now_ns(), lived_ns = now_ns - h->started_ns, within_ns, pause_ns;
    char why[CHILD_END_TEXT_MAX];

    h->has_lived |= lived_ns >= GOOD_LIFE_NS;
    child_end_text(end, why);
    pause_ns = backoff_failed(&h->backoff, lived_ns,
                              &(struct backoff_pace){ .max_ns = h->conf.pause_max_ns }, now_ns);
    if (!h->has_lived && h->backoff.failures >= BACKOFF_LOOP && h->conf.hopeless) {
        log_error("the %s has failed %u times and never worked (%s)", h->conf.name,
                  h->backoff.failures, why);
        h->conf.hopeless(h);
        return;
    }
    if (!h->backoff.named)
        log_warn("the %s (pid %d) has ended: %s; starting it again", h->conf.name, (int)end->pid,
                 why);
    if (backoff_is_loop(&h->backoff, now_ns, &within_ns))
        log_error("the %s has failed %u times in %.1f s (%s); it will be tried every %.1f s",
                  h->conf.name, h->backoff.failures, (double)within_ns / NS_PER_S, why,
                  (double)h->conf.pause_max_ns / NS_PER_S);
    loop_timer(h->conf.loop, &h->restart, now_ns + pause_ns, restart_due);
}

bool helper_reaped(struct helper *h, const struct child_end *end)
{
    if (!h->pid || end->pid != h->pid)
        return false;
    h->pid = 0;
    *h->conf.pid = 0;
    socket_close(h);
    if (h->stopping)
        drained_tell(h);
    else
        died(h, end);
    return true;
}

static int note_send(struct helper *h, enum wire_type type, u32 index, const int *fd)
{
    struct wire_note note = { .type = type, .listener = index };

    note.value = type == WIRE_DRAIN && h->succeeded;
    if (fd)
        note.kind = h->conf.listeners->listener[index].kind;
    return sock_send_msg(h->watch.fd, &note, sizeof(note), fd, fd ? 1 : 0);
}

int helper_send(struct helper *h, const void *message, size_t bytes)
{
    return h->watch.loop ? sock_send_msg(h->watch.fd, message, bytes, NULL, 0) : -ENOTCONN;
}

/* Sends from the lowest bit on; the bits that could not be sent. */
static u32 bits_send(struct helper *h, u32 bits, enum wire_type type, bool with_fd)
{
    while (bits) {
        u32 i = (u32)__builtin_ctz(bits);

        if (note_send(h, type, i, with_fd ? &h->conf.listeners->listener[i].fd : NULL) < 0)
            break;
        bits &= bits - 1;
    }
    return bits;
}

/* What follows the name of the command, as flags. False: not now. */
static bool settings_send(struct helper *h)
{
    struct wire_settings *m = calloc(1, sizeof(*m));
    bool fits = m != NULL;
    int r = -ENOMEM;

    for (u32 i = 2; fits && h->conf.argv[i]; i++) {
        size_t len = strlen(h->conf.argv[i]) + 1;

        fits = m->len + len <= sizeof(m->text);
        if (fits)
            memcpy(m->text + m->len, h->conf.argv[i], len);
        m->len += fits ? (u32)len : 0;
    }
    if (fits) {
        m->type = WIRE_SETTINGS;
        r = sock_send_msg(h->watch.fd, m, offsetof(struct wire_settings, text) + m->len, NULL, 0);
    } else {
        log_warn("the %s cannot be told of its new settings: they are too long", h->conf.name);
    }
    free(m);
    return r == 0 || !fits;
}

static void pending_send(struct helper *h)
{
    bool all;

    if (!h->watch.loop)
        return;
    /* Settings first: what is new to listen on leads where they say. */
    if (h->tell_settings)
        h->tell_settings = !settings_send(h);
    if (!h->tell_settings)
        h->tell_gone = bits_send(h, h->tell_gone, WIRE_LISTENER_GONE, false);
    if (!h->tell_settings && !h->tell_gone && !h->holds)
        h->tell_listeners = bits_send(h, h->tell_listeners, WIRE_LISTENER, true);
    all = !h->tell_settings && !h->tell_gone && (!h->tell_listeners || h->holds);
    if (all && h->tell_changed)
        h->tell_changed = note_send(h, WIRE_CHANGED, 0, NULL) < 0;
    if (all && !h->tell_changed && h->tell_drain)
        h->tell_drain = note_send(h, WIRE_DRAIN, 0, NULL) < 0;
    all = all && !h->tell_changed && !h->tell_drain;
    loop_watch_set(&h->watch, all ? EPOLLIN : EPOLLIN | EPOLLOUT);
}

void helper_changed(struct helper *h)
{
    h->tell_changed = true;
    pending_send(h);
}

void helper_settings(struct helper *h, char *const *argv, bool tell)
{
    h->conf.argv = argv;
    h->tell_settings |= tell && h->pid != 0;
    pending_send(h);
}

void helper_listener(struct helper *h, u32 index)
{
    h->tell_listeners |= BIT(index);
    pending_send(h);
}

void helper_listener_gone(struct helper *h, u32 index)
{
    h->tell_listeners &= ~BIT(index);
    h->tell_gone |= BIT(index);
    pending_send(h);
}

void helper_release(struct helper *h)
{
    h->holds = false;
    pending_send(h);
}

void helper_drain(struct helper *h, bool succeeded)
{
    h->succeeded = succeeded;
    h->stopping = true;
    loop_timer_stop(&h->restart);
    if (!h->pid) {
        drained_tell(h);
        return;
    }
    h->tell_drain = true;
    pending_send(h);
}

void helper_stop(struct helper *h)
{
    h->stopping = true;
    loop_timer_stop(&h->restart);
    socket_close(h);
}

void helper_resume(struct helper *h)
{
    h->stopping = h->drained = false;
    if (h->conf.argv && !h->pid) /* else it is started again when it has ended */
        loop_timer(h->conf.loop, &h->restart, loop_now_ns(h->conf.loop), restart_due);
}

void helper_done(struct helper *h)
{
    helper_stop(h);
    if (h->pid)
        kill(h->pid, SIGKILL);
}
