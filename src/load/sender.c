/* load/sender.c -- a thread of the load generator: its connections, its schedule, its counts
 *
 * A loop of its own and not io/loop.h: that one's timers are 10 ms coarse, and
 * here a request shall leave within microseconds of its time. An answer's time
 * is the clock right after epoll_pwait2; while several answers are worked off,
 * requests whose time comes are sent in between.
 */
#include "load/sender.h"

#include "base/clock.h"
#include "load/arrivals.h"
#include "load/backlog.h"
#include "load/channel.h"

#include <sched.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>

enum {
    EVENTS_MAX = 32,
    WARM_SHARE = 20 /* at most this part of a CPU is spent on being ready */
};
#define WAIT_MAX_NS (50 * NS_PER_MS) /* so that a stop is seen */
#define REST_NS (10 * NS_PER_MS)     /* after a failure in a closed loop */
#define SLICE_NS (100 * NS_PER_US)
#define LATE_MAX_NS (200 * NS_PER_US)
#define WARM_MAX_NS (50 * NS_PER_US)

struct sender {
    struct sender_shared *shared;
    const struct engine_conf *conf;
    struct channel_shared wire;
    struct channel *channels;
    u32 channels_n;
    struct list idle;    /* free, the longest first */
    struct list busy;    /* the oldest request (or connect) first */
    struct list resting; /* go on at again_ns, the earliest first */
    struct backlog backlog;
    struct arrivals arrivals;
    struct random random;
    u32 index;
    u64 now_ns;
    u64 real_ahead_ns;  /* CLOCK_REALTIME minus CLOCK_MONOTONIC, */
    u64 real_next_ns;   /* to be compared again then */
    u64 early_ns;       /* how late waits are expected to end */
    u64 warm_ns;        /* what a thread that has waited needs until it is fast again */
    u64 from_ns, to_ns; /* the measured time */
    bool opening, measuring, over;
    struct rusage usage;
    struct result result;
    int err;
};

void sender_shared_init(struct sender_shared *s, const struct engine_conf *conf)
{
    *s = (struct sender_shared){ .conf = conf };
}

/* A seed of its own for each use: streams of SplitMix64 must not be each other's continuation. */
static u64 seed_of(u64 seed, u32 number)
{
    struct random r = { seed };
    u64 own = random_u64(&r);

    while (number--)
        own = random_u64(&r);
    return own;
}

static u32 channels_of(const struct engine_conf *conf, u32 index)
{
    return conf->connections / conf->threads + (index < conf->connections % conf->threads);
}

int sender_new(struct sender **out, struct sender_shared *shared, u32 index)
{
    struct sender *s = calloc(1, sizeof(*s));
    const struct engine_conf *conf = shared->conf;
    int err;

    if (!s)
        return -ENOMEM;
    s->shared = shared;
    s->conf = conf;
    s->index = index;
    s->random.state = seed_of(conf->seed, 2 * index);
    list_init(&s->idle);
    list_init(&s->busy);
    list_init(&s->resting);
    s->channels_n = channels_of(conf, index);
    s->channels = calloc(s->channels_n, sizeof(*s->channels));
    s->wire = (struct channel_shared){
        .epoll_fd = epoll_create1(EPOLL_CLOEXEC),
        .destination = conf->destination,
        .keep_alive = conf->keep_alive,
        .stamps = conf->rate > 0 && conf->destination->addr.ss_family != AF_UNIX,
        .upgrade = &conf->mix->kinds[0],
        .random = { seed_of(conf->seed, 2 * shared->conf->threads + index) },
        .rx = malloc(CHANNEL_RX_BYTES)
    };
    err = s->wire.epoll_fd < 0 ? -errno : result_init(&s->result, conf->mix->count);
    if (!err && (!s->channels || !s->wire.rx))
        err = -ENOMEM;
    for (u32 i = 0; s->channels && i < s->channels_n; i++) {
        channel_init(&s->channels[i], &s->wire);
        list_add(&s->idle, &s->channels[i].link);
    }
    if (err)
        sender_free(s);
    else
        *out = s;
    return err;
}

void sender_free(struct sender *s)
{
    if (!s)
        return;
    for (u32 i = 0; s->channels && i < s->channels_n; i++)
        channel_done(&s->channels[i]);
    fd_closep(&s->wire.epoll_fd);
    free(s->wire.rx);
    free(s->channels);
    backlog_done(&s->backlog);
    result_done(&s->result);
    free(s);
}

static bool is_open_loop(const struct sender *s)
{
    return s->conf->rate > 0;
}

static bool is_in_time(const struct sender *s, u64 at_ns)
{
    return at_ns >= s->from_ns && at_ns < s->to_ns;
}

/* Whether a request belongs to the measured time. In a closed loop, one that was begun before it
 * and hangs would keep its connection from ever showing that: so it belongs to it, too. */
static bool is_measured(const struct sender *s, u64 meant_ns, u64 end_ns)
{
    return meant_ns < s->to_ns && (is_open_loop(s) ? meant_ns : end_ns) >= s->from_ns;
}

static void move_to(struct list *list, struct channel *c)
{
    list_del(&c->link);
    list_add(list, &c->link);
}

static void rest(struct sender *s, struct channel *c)
{
    c->again_ns = s->now_ns + REST_NS;
    move_to(&s->resting, c);
}

static void count_failure(struct sender *s, u64 meant_ns, u32 kind, enum result_failure why,
                          const char *trouble)
{
    result_trouble(&s->result, "%s", trouble);
    if (s->opening || !is_measured(s, meant_ns, s->now_ns))
        return;
    result_failure(&s->result, kind, why);
    s->shared->progress.failed++;
}

/* When the answer came. A stamp outside of what is possible is none: the wall clock was set. */
static u64 came_ns(const struct sender *s, const struct channel *c)
{
    u64 stamp_ns = c->came_ns - s->real_ahead_ns, now_ns = max(s->now_ns, c->since_ns);

    return c->came_ns && stamp_ns >= c->since_ns && stamp_ns < now_ns ? stamp_ns : now_ns;
}

static void count_answer(struct sender *s, const struct channel *c)
{
    u64 now_ns = came_ns(s, c);

    if (is_in_time(s, now_ns) && c->status < 400)
        s->result.in_time++;
    if (!is_measured(s, c->since_ns, now_ns))
        return;
    result_answer(&s->result, c->kind, c->status, now_ns - c->since_ns);
    s->shared->progress.answered++;
    if (c->status >= 400)
        s->shared->progress.failed++;
}

/* What the channel shall send now. False: nothing. */
static bool next_item(struct sender *s, struct backlog_item *item)
{
    if (s->opening)
        return false;
    if (is_open_loop(s)) {
        if (!backlog_first(&s->backlog))
            return false;
        *item = backlog_take(&s->backlog);
        return true;
    }
    *item = (struct backlog_item){ clock_now_ns(), mix_pick(s->conf->mix, &s->random) };
    return item->meant_ns < s->to_ns;
}

/* False: the channel is free again, since nothing could be sent. */
static bool under_way(struct sender *s, struct channel *c, enum channel_step step)
{
    switch (step) {
    case CHANNEL_WAIT:
        return true;
    case CHANNEL_LATER:
        rest(s, c);
        return true;
    case CHANNEL_FAILED:
        count_failure(s, c->since_ns, c->kind, c->failure, c->trouble);
        if (is_open_loop(s) || s->opening)
            return false;
        rest(s, c); /* else a target that refuses would be asked as fast as it can refuse */
        return true;
    case CHANNEL_DONE:
        count_answer(s, c);
        return false;
    case CHANNEL_READY:
    case CHANNEL_GONE:
        return false;
    }
    return false;
}

static bool begin(struct sender *s, struct channel *c, struct backlog_item item)
{
    c->since_ns = item.meant_ns;
    c->kind = item.kind;
    move_to(&s->busy, c);
    return under_way(s, c, channel_begin(c, &s->shared->requests[item.kind]));
}

/* The channel has nothing to do. */
static void release(struct sender *s, struct channel *c)
{
    struct backlog_item item;

    while (next_item(s, &item))
        if (begin(s, c, item))
            return;
    move_to(&s->idle, c);
}

static void event(struct sender *s, struct channel *c, u32 events)
{
    bool was_idle = c->state == CHANNEL_OPEN && !channel_busy(c);

    if (!under_way(s, c, channel_event(c, events)) && !was_idle)
        release(s, c);
}

/* Sends what is due, on the connection that has rested longest. */
static void dispatch(struct sender *s, u64 now_ns)
{
    u64 until_ns = min(now_ns + 1, s->to_ns);

    while (s->arrivals.next_ns < until_ns) {
        struct backlog_item item = { s->arrivals.next_ns, mix_pick(s->conf->mix, &s->random) };

        arrivals_step(&s->arrivals);
        if (!list_empty(&s->idle)) {
            struct channel *c = list_first(&s->idle, struct channel, link);

            if (!begin(s, c, item))
                move_to(&s->idle, c);
        } else if (!backlog_put(&s->backlog, item)) {
            count_failure(s, item.meant_ns, item.kind, RESULT_UNSENT, "the backlog is full");
        }
    }
}

static void time_out(struct sender *s)
{
    u64 timeout_ns = s->conf->timeout_ns;

    while (backlog_first(&s->backlog) &&
           backlog_first(&s->backlog)->meant_ns + timeout_ns <= s->now_ns) {
        struct backlog_item item = backlog_take(&s->backlog);

        count_failure(s, item.meant_ns, item.kind, RESULT_UNSENT,
                      "no connection was free within the time-out");
    }
    while (!list_empty(&s->busy)) {
        struct channel *c = list_first(&s->busy, struct channel, link);

        if (c->since_ns + timeout_ns > s->now_ns)
            break;
        channel_close(c);
        count_failure(s, c->since_ns, c->kind, RESULT_TIMEOUT, "no answer within the time-out");
        release(s, c);
    }
}

static void wake(struct sender *s)
{
    while (!list_empty(&s->resting)) {
        struct channel *c = list_first(&s->resting, struct channel, link);

        if (c->again_ns > s->now_ns)
            return;
        move_to(&s->busy, c);
        if (s->opening ? under_way(s, c, channel_open(c))
                       : channel_busy(c) && under_way(s, c, channel_begin(c, c->request)))
            continue;
        release(s, c);
    }
}

/* The wall clock is slewed, or set. */
static void clocks_compare(struct sender *s)
{
    struct timespec t;

    if (s->now_ns < s->real_next_ns)
        return;
    clock_gettime(CLOCK_REALTIME, &t);
    s->real_ahead_ns = (u64)t.tv_sec * NS_PER_S + (u64)t.tv_nsec - clock_now_ns();
    s->real_next_ns = s->now_ns + 100 * NS_PER_MS;
}

/* The beginning and the end of the measured time. */
static void marks(struct sender *s)
{
    bool stopping = s->shared->stopping;
    struct rusage u;

    if (!s->measuring && s->now_ns >= s->from_ns) {
        s->measuring = true;
        getrusage(RUSAGE_THREAD, &s->usage);
        s->wire.bytes_in = s->wire.bytes_out = 0;
    }
    if (s->over || !s->measuring || (s->now_ns < s->to_ns && !stopping))
        return;
    s->over = true;
    s->to_ns = min(s->to_ns, s->now_ns);
    getrusage(RUSAGE_THREAD, &u);
    timersub(&u.ru_utime, &s->usage.ru_utime, &u.ru_utime);
    timersub(&u.ru_stime, &s->usage.ru_stime, &u.ru_stime);
    s->result.cpu_user_us = (u64)u.ru_utime.tv_sec * 1000000 + (u64)u.ru_utime.tv_usec;
    s->result.cpu_system_us = (u64)u.ru_stime.tv_sec * 1000000 + (u64)u.ru_stime.tv_usec;
    s->result.measured_ns = s->to_ns - s->from_ns;
}

/* When something is to be done next, whatever comes in. */
static u64 next_ns(const struct sender *s)
{
    const struct backlog_item *waiting = backlog_first(&s->backlog);
    u64 next = s->now_ns + WAIT_MAX_NS;

    if (!list_empty(&s->busy))
        next =
            min(next, list_first(&s->busy, struct channel, link)->since_ns + s->conf->timeout_ns);
    if (!list_empty(&s->resting))
        next = min(next, list_first(&s->resting, struct channel, link)->again_ns);
    if (s->opening)
        return next;
    if (waiting)
        next = min(next, waiting->meant_ns + s->conf->timeout_ns);
    if (is_open_loop(s) && s->arrivals.next_ns < s->to_ns)
        next = min(next, s->arrivals.next_ns);
    if (!s->measuring)
        next = min(next, s->from_ns);
    return s->over ? next : min(next, s->to_ns);
}

/* To the nanosecond, where the kernel can (5.11). Else to the millisecond below, so that the last
 * part is spent in turns that do not wait. */
static int wait_ns(struct sender *s, struct epoll_event *events, u64 ns)
{
    struct timespec t = { (time_t)(ns / NS_PER_S), (long)(ns % NS_PER_S) };
    int n = epoll_pwait2(s->wire.epoll_fd, events, EVENTS_MAX, &t, NULL);

    if (n < 0 && errno == ENOSYS)
        n = epoll_wait(s->wire.epoll_fd, events, EVENTS_MAX, (int)(ns / NS_PER_MS));
    return n;
}

/* Waits end late, by a few microseconds or (in virtual machines) by a hundred, and the first send
 * of a CPU that has slept takes three times as long as the next: so the thread waits that much
 * less, and the rest in turns that do not wait. What is much later was not the timer, but others
 * that had the CPU. */
static int wait_events(struct sender *s, struct epoll_event *events, u64 until_ns)
{
    u64 now_ns = clock_now_ns(), aim_ns = until_ns - s->early_ns - s->warm_ns, late_ns;
    bool waits = aim_ns > now_ns;
    int n = wait_ns(s, events, waits ? aim_ns - now_ns : 0);

    s->now_ns = clock_now_ns();
    if (n != 0 || !waits || s->now_ns < aim_ns)
        return n;
    late_ns = s->now_ns - aim_ns;
    if (late_ns > s->early_ns && late_ns <= LATE_MAX_NS)
        s->early_ns += (late_ns - s->early_ns) / 4;
    else if (late_ns < s->early_ns)
        s->early_ns -= (s->early_ns - late_ns) / 32;
    return n;
}

static void turn(struct sender *s, u64 until_ns)
{
    struct epoll_event events[EVENTS_MAX];
    int n = wait_events(s, events, until_ns); /* sets now_ns */
    bool open_loop = is_open_loop(s) && !s->opening;

    clocks_compare(s);
    if (!s->opening)
        marks(s);
    if (open_loop)
        dispatch(s, s->now_ns);
    for (int i = 0; i < n; i++) {
        event(s, events[i].data.ptr, events[i].events);
        if (open_loop)
            dispatch(s, clock_now_ns());
    }
    wake(s);
    time_out(s);
}

/* Connections stand before the first request is due. What fails here is tried again by the request
 * that needs it. */
static void open_all(struct sender *s)
{
    s->opening = true;
    s->now_ns = clock_now_ns();
    for (u32 i = 0; i < s->channels_n && s->conf->keep_alive; i++) {
        struct channel *c = &s->channels[i];

        c->since_ns = s->now_ns;
        move_to(&s->busy, c);
        if (!under_way(s, c, channel_open(c)))
            release(s, c);
    }
    while ((!list_empty(&s->busy) || !list_empty(&s->resting)) && !s->shared->stopping)
        turn(s, next_ns(s));
}

/* All threads begin at the same time: a moment after the last one was ready. */
static void start_together(struct sender *s)
{
    const struct engine_conf *conf = s->conf;
    struct sender_shared *shared = s->shared;

    if (++shared->opened == conf->threads)
        shared->start_ns = clock_now_ns() + NS_PER_MS;
    while (!shared->start_ns && !shared->stopping)
        turn(s, clock_now_ns() + NS_PER_MS);
    s->opening = false;
    if (!shared->start_ns)
        return;
    s->from_ns = shared->start_ns + conf->warmup_ns;
    s->to_ns = s->from_ns + conf->duration_ns;
    shared->progress.measure_from_ns = s->from_ns;
    if (!is_open_loop(s))
        return;
    s->warm_ns =
        min(WARM_MAX_NS, (u64)(conf->threads * (double)NS_PER_S / conf->rate / WARM_SHARE));
    arrivals_init(&s->arrivals, conf->rate / conf->threads, conf->poisson,
                  shared->start_ns + (u64)(s->index * (double)NS_PER_S / conf->rate),
                  seed_of(conf->seed, 2 * s->index + 1));
}

static bool finished(const struct sender *s)
{
    return s->over && list_empty(&s->busy) && list_empty(&s->resting) && s->backlog.count == 0;
}

/* What an interruption leaves without an answer. */
static void count_unfinished(struct sender *s)
{
    for (u32 i = 0; i < s->channels_n; i++)
        s->result.unfinished +=
            channel_busy(&s->channels[i]) && is_measured(s, s->channels[i].since_ns, s->now_ns);
    while (backlog_first(&s->backlog))
        s->result.unfinished += is_measured(s, backlog_take(&s->backlog).meant_ns, s->now_ns);
}

/* Linux 6.12 and later give a thread that asks for a short slice the CPU sooner, though not more of
 * it. Without effect elsewhere. */
static void slice_shorten(void)
{
    struct {
        u32 size, policy;
        u64 flags;
        i64 nice_and_priority;
        u64 runtime_ns, deadline_ns, period_ns;
    } attr = { .size = sizeof(attr) };

    if (syscall(SYS_sched_getattr, 0, &attr, sizeof(attr), 0) < 0 || attr.policy != SCHED_OTHER)
        return;
    attr.runtime_ns = SLICE_NS;
    if (syscall(SYS_sched_setattr, 0, &attr, 0) < 0)
        return; /* an older kernel: the usual slice */
}

void sender_run(struct sender *s)
{
    slice_shorten();
    prctl(PR_SET_TIMERSLACK, 1); /* else waits may end 50 us late */
    open_all(s);
    start_together(s);
    s->now_ns = clock_now_ns();
    if (!is_open_loop(s) && !s->shared->stopping)
        for (u32 i = 0; i < s->channels_n; i++)
            release(s, &s->channels[i]);
    while (!finished(s) && !s->shared->stopping)
        turn(s, next_ns(s));
    s->now_ns = clock_now_ns();
    if (s->to_ns)
        marks(s);
    count_unfinished(s);
    s->result.bytes_in = s->wire.bytes_in;
    s->result.bytes_out = s->wire.bytes_out;
}

struct result *sender_result(struct sender *s)
{
    return &s->result;
}
