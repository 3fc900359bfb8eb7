/* redis/redis.c -- a connection to a Redis that may go away at any time */
#include "redis/redis.h"

#include "base/addr.h"
#include "io/errand.h"
#include "redis/resp.h"

#include <netdb.h>
#include <netinet/tcp.h>
#include <unistd.h>

/* How long a connection may take until it is READY, and may be LATE. */
#define GREET_NS (2 * NS_PER_S)
#define LATE_NS (1 * NS_PER_S)
#define PAUSE_LEAST_NS (100 * NS_PER_MS)
#define PAUSE_MOST_NS (5 * NS_PER_S)
enum { READ_BYTES = 65536, READS_PER_WAKE = 16, ADDRESSES_MAX = 8, WHY_MAX = 160 };

/* What is asked before it is READY. */
enum greeting { GREET_AUTH, GREET_SELECT, GREET_NAME, GREET_SCRIPT, GREETINGS };

struct redis {
    struct redis_conf conf;
    struct loop *loop;
    enum redis_state state;
    struct watch watch;
    struct timer timer; /* AWAY: when to try; GREETS: how long yet; else the oldest call's end */
    struct task flush;
    struct respreader *reader;
    struct buf out;
    size_t written; /* of out */
    bool blocked;   /* EPOLLOUT is asked for */
    /* Calls that were sent and not answered: numbers first … next-1; those before `due` are late
     * or were told. */
    struct slot {
        struct redis_call *call; /* NULL: nobody waits */
        u64 sent_ns;
    } slot[REDIS_CALLS_MAX];
    u64 first, due, next;
    u64 late_since_ns;
    u64 pause_ns, random;
    u32 greetings; /* bits that are still to be answered, the lowest first */
    char sha[REDIS_SHA_MAX];
    /* Where it is. */
    struct errands *errands;
    struct resolving {
        struct errand errand;
        struct redis *redis; /* NULL: it is gone */
        char host[REDISURL_NAME_MAX];
        u16 port;
        u32 n;
        struct sockaddr_storage address[ADDRESSES_MAX];
        socklen_t len[ADDRESSES_MAX];
    } * resolving;
    u32 tried; /* addresses so far */
};

#define COUNT(field, n) ((void)atomic_fetch_add_explicit(&(field), (n), memory_order_relaxed))

static void timer_event(struct timer *t);
static void socket_event(struct watch *w, u32 events);

/* ---- away ---- */

static void calls_fail(struct redis *r)
{
    while (r->first < r->next) {
        struct redis_call *c = r->slot[r->first++ % REDIS_CALLS_MAX].call;

        if (c) {
            c->redis = NULL;
            c->fn(c, NULL);
        }
    }
    r->due = r->first;
}

static void socket_close(struct redis *r)
{
    int fd = r->watch.fd;

    if (!r->watch.loop)
        return;
    loop_unwatch(&r->watch);
    close(fd);
}

/* A part of what it was, so that threads and hosts do not come back all at once. */
static u64 jittered(struct redis *r, u64 ns)
{
    r->random ^= r->random << 13;
    r->random ^= r->random >> 7;
    r->random ^= r->random << 17;
    return ns / 2 + r->random % (ns / 2 + 1);
}

static void away(struct redis *r, const char *why)
{
    bool was_ready = r->state == REDIS_READY || r->state == REDIS_LATE;

    socket_close(r);
    respreader_free(TAKE(r->reader, NULL));
    buf_clear(&r->out);
    r->written = 0;
    r->blocked = false;
    r->state = REDIS_AWAY;
    loop_task_stop(&r->flush);
    if (was_ready)
        atomic_fetch_sub(&r->conf.counted->ready, 1);
    COUNT(r->conf.counted->lost, 1);
    r->pause_ns = was_ready ? PAUSE_LEAST_NS : min(r->pause_ns * 2, PAUSE_MOST_NS);
    loop_timer(r->loop, &r->timer, loop_now_ns(r->loop) + jittered(r, r->pause_ns), timer_event);
    r->conf.told(r, false, why);
    calls_fail(r);
}

void redis_give_up(struct redis *r, const char *why)
{
    if (r->state != REDIS_AWAY)
        away(r, why);
}

/* ---- connecting ---- */

static void greet_send(struct redis *r)
{
    const struct redisurl *u = &r->conf.url;

    r->greetings = BIT(GREET_NAME);
    if (u->password[0]) {
        r->greetings |= BIT(GREET_AUTH);
        resp_begin(&r->out, u->user[0] ? 3 : 2);
        resp_word(&r->out, STR("AUTH"));
        if (u->user[0])
            resp_word(&r->out, str_of(u->user));
        resp_word(&r->out, str_of(u->password));
    }
    if (u->database) {
        r->greetings |= BIT(GREET_SELECT);
        resp_begin(&r->out, 2);
        resp_word(&r->out, STR("SELECT"));
        resp_number(&r->out, u->database);
    }
    resp_begin(&r->out, 3);
    resp_word(&r->out, STR("CLIENT"));
    resp_word(&r->out, STR("SETNAME"));
    resp_word(&r->out, STR("fettle"));
    r->sha[0] = '\0';
    if (r->conf.script.len) {
        r->greetings |= BIT(GREET_SCRIPT);
        resp_begin(&r->out, 3);
        resp_word(&r->out, STR("SCRIPT"));
        resp_word(&r->out, STR("LOAD"));
        resp_word(&r->out, r->conf.script);
    }
}

static int socket_open(struct redis *r, const struct sockaddr *sa, socklen_t len)
{
    int one = 1, err, fd = socket(sa->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    if (sa->sa_family != AF_UNIX)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(fd, sa, len) < 0 && errno != EINPROGRESS) {
        err = -errno;
        close(fd);
        return err;
    }
    err = loop_watch(r->loop, &r->watch, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP, socket_event);
    if (err)
        close(fd);
    return err;
}

/* How a connection begins, to this address. */
static void begin(struct redis *r, const struct sockaddr *sa, socklen_t len)
{
    struct problem p = { 0 };
    int err = respreader_new(&r->reader, r->conf.reply_bytes_max, &p);

    if (!err)
        err = socket_open(r, sa, len);
    if (err) {
        away(r, p.text[0] ? p.text : strerror(-err));
        return;
    }
    r->state = REDIS_GREETS;
    r->blocked = true;
    greet_send(r);
    loop_timer(r->loop, &r->timer, loop_now_ns(r->loop) + GREET_NS, timer_event);
}

static void resolve(struct errand *e)
{
    struct resolving *to = container_of(e, struct resolving, errand);
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
    struct addrinfo *all = NULL;
    char port[8];

    snprintf(port, sizeof(port), "%u", to->port);
    if (getaddrinfo(to->host, port, &hints, &all) != 0)
        return;
    for (struct addrinfo *a = all; a && to->n < ADDRESSES_MAX; a = a->ai_next) {
        if (a->ai_addrlen > sizeof(to->address[0]))
            continue;
        memcpy(&to->address[to->n], a->ai_addr, a->ai_addrlen);
        to->len[to->n++] = a->ai_addrlen;
    }
    freeaddrinfo(all);
}

static void resolved(struct errand *e, bool was)
{
    struct resolving *from = container_of(e, struct resolving, errand);
    struct redis *r = from->redis;
    u32 i;

    if (!r) {
        free(from);
        return;
    }
    r->resolving = NULL;
    i = from->n ? r->tried++ % from->n : 0;
    if (was && from->n)
        begin(r, (const struct sockaddr *)&from->address[i], from->len[i]);
    else
        away(r, "its host's name cannot be resolved");
    free(from);
}

static void resolve_start(struct redis *r)
{
    struct resolving *to = calloc(1, sizeof(*to));
    int err = to ? 0 : -ENOMEM;

    if (!err && !r->errands)
        err = errands_new(&r->errands, r->loop, NULL, 0);
    if (err) {
        free(to);
        away(r, strerror(-err));
        return;
    }
    *to = (struct resolving){ .errand = { .work = resolve, .done = resolved },
                              .redis = r,
                              .port = r->conf.url.port };
    str_to_cstr(str_of(r->conf.url.host), to->host, sizeof(to->host));
    r->resolving = to;
    r->state = REDIS_GREETS;
    if (errands_add(r->errands, &to->errand))
        return;
    r->resolving = NULL;
    free(to);
    away(r, "its host's name cannot be resolved now");
}

static void connect_start(struct redis *r)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    struct sockaddr_storage sa;
    struct addr a;

    if (r->conf.url.path[0]) {
        str_to_cstr(str_of(r->conf.url.path), un.sun_path, sizeof(un.sun_path));
        begin(r, (const struct sockaddr *)&un, sizeof(un));
    } else if (addr_parse_ip(str_of(r->conf.url.host), &a)) {
        socklen_t len;

        a.port = r->conf.url.port;
        len = addr_sockaddr(&a, &sa);
        begin(r, (const struct sockaddr *)&sa, len);
    } else {
        resolve_start(r);
    }
}

/* ---- calls ---- */

static void timer_set(struct redis *r)
{
    u64 at_ns = UINT64_MAX;

    if (r->state == REDIS_LATE)
        at_ns = r->late_since_ns + max(LATE_NS, 4 * r->conf.timeout_ns);
    else if (r->due < r->next && r->conf.timeout_ns)
        at_ns = r->slot[r->due % REDIS_CALLS_MAX].sent_ns + r->conf.timeout_ns;
    if (at_ns == UINT64_MAX)
        loop_timer_stop(&r->timer);
    else if (!loop_timer_armed(&r->timer) || r->timer.at_ns != at_ns)
        loop_timer(r->loop, &r->timer, at_ns, timer_event);
}

/* Those that are late are told so; from then on nobody waits for it, until it has answered them. */
static void calls_expire(struct redis *r, u64 now_ns)
{
    while (r->state >= REDIS_READY && r->due < r->next) {
        struct slot *s = &r->slot[r->due % REDIS_CALLS_MAX];
        struct redis_call *c = TAKE(s->call, NULL);

        if (r->state == REDIS_READY) {
            if (now_ns < s->sent_ns + r->conf.timeout_ns) {
                s->call = c;
                break;
            }
            r->state = REDIS_LATE;
            r->late_since_ns = now_ns;
        }
        r->due++; /* once one is late, those behind it will be */
        if (c) {
            COUNT(r->conf.counted->late, 1);
            c->redis = NULL;
            c->fn(c, NULL);
        }
    }
}

static void timer_event(struct timer *t)
{
    struct redis *r = container_of(t, struct redis, timer);
    u64 now_ns = clock_now_ns();

    switch (r->state) {
    case REDIS_AWAY:
        connect_start(r);
        return;
    case REDIS_GREETS:
        if (!r->resolving)
            away(r, "it accepts connections and does not answer");
        return;
    case REDIS_READY:
        calls_expire(r, now_ns);
        break;
    case REDIS_LATE:
        away(r, "it does not answer any more");
        return;
    }
    if (r->state >= REDIS_READY)
        timer_set(r);
}

static void out_write(struct redis *r)
{
    while (r->written < r->out.len) {
        ssize_t n = send(r->watch.fd, r->out.ptr + r->written, r->out.len - r->written,
                         MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN) {
            r->blocked = true;
            loop_watch_set(&r->watch, EPOLLIN | EPOLLOUT | EPOLLRDHUP);
            buf_drop(&r->out, TAKE(r->written, 0));
            return;
        }
        if (n < 0) {
            away(r, strerror(errno));
            return;
        }
        r->written += (size_t)n;
    }
    buf_clear(&r->out);
    r->written = 0;
    if (r->blocked)
        loop_watch_set(&r->watch, EPOLLIN | EPOLLRDHUP);
    r->blocked = false;
}

static void flush_event(struct task *t)
{
    struct redis *r = container_of(t, struct redis, flush);

    if (r->state >= REDIS_READY && !r->blocked)
        out_write(r);
}

static bool has_room(const struct redis *r, size_t bytes)
{
    return r->state == REDIS_READY && r->next - r->first < REDIS_CALLS_MAX &&
           r->out.len - r->written + bytes <= r->conf.out_bytes_max;
}

static int call_add(struct redis *r, struct redis_call *c, struct str command)
{
    if (!has_room(r, command.len)) {
        COUNT(r->conf.counted->refused, 1);
        return -EAGAIN;
    }
    buf_add(&r->out, command);
    if (r->out.failed) { /* half a command may be in there */
        COUNT(r->conf.counted->refused, 1);
        r->out.failed = false;
        loop_timer(r->loop, &r->timer, 0, timer_event);
        r->state = REDIS_LATE;
        return -EAGAIN;
    }
    COUNT(r->conf.counted->commands, 1);
    r->slot[r->next++ % REDIS_CALLS_MAX] = (struct slot){ c, clock_now_ns() };
    if (!r->blocked)
        loop_task(r->loop, &r->flush, flush_event);
    timer_set(r);
    return 0;
}

int redis_ask(struct redis *r, struct redis_call *c, struct str command, redis_call_fn *fn)
{
    u64 number = r->next;
    int err = call_add(r, c, command);

    if (!err)
        *c = (struct redis_call){ .fn = fn, .redis = r, .number = number };
    return err;
}

bool redis_tell(struct redis *r, struct str command)
{
    return call_add(r, NULL, command) == 0;
}

void redis_forget(struct redis_call *c)
{
    struct redis *r = TAKE(c->redis, NULL);

    if (r)
        r->slot[c->number % REDIS_CALLS_MAX].call = NULL;
}

/* ---- answers ---- */

/* Of a server's text what people may see: one line, and nothing that we have sent. */
static void why_of(const struct reply *reply, char out[WHY_MAX])
{
    size_t n = str_to_cstr(reply->text, out, WHY_MAX);

    for (size_t i = 0; i < n; i++)
        if (out[i] < ' ' || out[i] > '~')
            out[i] = '?';
}

static void greeted(struct redis *r, const struct reply *reply)
{
    u32 which = (u32)__builtin_ctz(r->greetings);
    char why[WHY_MAX];

    r->greetings &= r->greetings - 1;
    if (reply->kind == REPLY_ERROR &&
        (which == GREET_AUTH || which == GREET_SELECT || str_starts(reply->text, STR("NOAUTH")) ||
         str_starts(reply->text, STR("LOADING")) || str_starts(reply->text, STR("MASTERDOWN")))) {
        why_of(reply, why);
        away(r, why);
        return;
    }
    if (which == GREET_SCRIPT && reply->kind == REPLY_STRING)
        str_to_cstr(reply->text, r->sha, sizeof(r->sha));
    if (r->greetings)
        return;
    r->state = REDIS_READY;
    r->pause_ns = PAUSE_LEAST_NS / 2;
    r->first = r->due = r->next;
    loop_timer_stop(&r->timer);
    COUNT(r->conf.counted->connected, 1);
    atomic_fetch_add(&r->conf.counted->ready, 1);
    r->conf.told(r, true, "");
}

static void answered(struct redis *r, const struct reply *reply)
{
    struct slot *s = &r->slot[r->first % REDIS_CALLS_MAX];
    struct redis_call *c = TAKE(s->call, NULL);

    r->first++;
    if (r->due < r->first) {
        r->due = r->first;
        COUNT(r->conf.counted->answers, 1);
        COUNT(r->conf.counted->wait_ns, clock_now_ns() - s->sent_ns);
    }
    if (r->state == REDIS_LATE && r->first == r->next)
        r->state = REDIS_READY;
    COUNT(r->conf.counted->errors, reply->kind == REPLY_ERROR);
    if (c) {
        c->redis = NULL;
        c->fn(c, reply);
    }
}

/* All that has come as a whole. False: it is away now. */
static bool replies_take(struct redis *r)
{
    struct respreader *reader = r->reader;
    struct reply reply;
    int got;

    while ((got = respreader_next(reader, &reply)) == 1) {
        if (r->state == REDIS_GREETS)
            greeted(r, &reply);
        else if (r->first < r->next)
            answered(r, &reply);
        else
            got = -EPROTO;
        if (r->state == REDIS_AWAY)
            return false;
        if (got < 0)
            break;
    }
    if (got < 0)
        away(r, "what it answers is not Redis' protocol");
    return got >= 0;
}

static void in_read(struct redis *r)
{
    char bytes[READ_BYTES];

    for (u32 i = 0; i < READS_PER_WAKE; i++) {
        ssize_t n = recv(r->watch.fd, bytes, sizeof(bytes), MSG_DONTWAIT);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0) {
            away(r, n == 0 ? "it has closed the connection" : strerror(errno));
            return;
        }
        if (respreader_feed(r->reader, str_make(bytes, (size_t)n)) < 0) {
            away(r, "an answer is too large, or not Redis' protocol");
            return;
        }
        if (!replies_take(r))
            return;
        if ((size_t)n < sizeof(bytes))
            return;
    }
}

static void socket_event(struct watch *w, u32 events)
{
    struct redis *r = container_of(w, struct redis, watch);
    int err = 0;
    socklen_t len = sizeof(err);

    if (events & EPOLLERR && getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &err, &len) == 0 && err != 0) {
        away(r, strerror(err));
        return;
    }
    if (events & EPOLLOUT && r->blocked)
        out_write(r);
    if (r->state != REDIS_AWAY && events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP))
        in_read(r);
    if (r->state >= REDIS_READY)
        timer_set(r);
}

/* ---- life ---- */

int redis_new(struct redis **out, struct loop *loop, const struct redis_conf *conf,
              struct problem *p)
{
    struct respreader *reader = NULL;
    struct redis *r;
    int err = respreader_new(&reader, conf->reply_bytes_max, p); /* whether it is there at all */

    respreader_free(reader);
    if (err)
        return err;
    r = calloc(1, sizeof(*r));
    if (!r)
        return -ENOMEM;
    r->conf = *conf;
    r->loop = loop;
    r->pause_ns = PAUSE_LEAST_NS / 2;
    r->random = (clock_now_ns() ^ (u64)(uintptr_t)r) | 1;
    COUNT(conf->counted->wanted, 1);
    /* Not from in here: it may call `told`. */
    loop_timer(loop, &r->timer, 0, timer_event);
    *out = r;
    return 0;
}

void redis_free(struct redis *r)
{
    if (!r)
        return;
    for (u64 i = r->first; i < r->next; i++)
        if (r->slot[i % REDIS_CALLS_MAX].call)
            r->slot[i % REDIS_CALLS_MAX].call->redis = NULL;
    if (r->state >= REDIS_READY)
        atomic_fetch_sub(&r->conf.counted->ready, 1);
    atomic_fetch_sub(&r->conf.counted->wanted, 1);
    socket_close(r);
    loop_timer_stop(&r->timer);
    loop_task_stop(&r->flush);
    if (r->resolving)
        r->resolving->redis = NULL;
    errands_free(r->errands);
    respreader_free(r->reader);
    buf_done(&r->out);
    explicit_bzero(&r->conf, sizeof(r->conf));
    free(r);
}

enum redis_state redis_state(const struct redis *r)
{
    return r->state;
}

const struct redis_conf *redis_conf_of(const struct redis *r)
{
    return &r->conf;
}

struct str redis_script_sha(const struct redis *r)
{
    return str_of(r->sha);
}
