/* worker/hold.c -- a worker's process that gets nothing new for a while, to be looked into */
#include "worker/hold.h"

#include "base/json.h"
#include "base/log.h"
#include "worker/control.h"
#include "worker/crew.h"
#include "worker/workers.h"

#include <stdarg.h>

#define LOOK_NS (20 * NS_PER_MS)
#define DRAIN_LEAST_NS (50 * NS_PER_MS) /* until every thread of the proxy has seen the state */
#define STREAMS_NS (2 * NS_PER_S)       /* a stream that has not ended by then will not */
#define TELL_NS (NS_PER_S / 2)
#define OTHER_NS (120 * NS_PER_S) /* for one more worker to be ready */
#define MEMORY_NS (60 * NS_PER_S) /* until its memory counts again */

enum hold_step {
    HOLD_OTHER, /* one more worker is on its way */
    HOLD_DRAIN,
    HOLD_HELD,
};

struct hold {
    struct list link;
    struct app *app;
    struct control_talk *talk;
    enum hold_step step;
    u32 worker;
    u32 other;   /* the worker that serves meanwhile; 0: none was started */
    pid_t pid;   /* of the process that is held */
    u64 wait_ns; /* for what is inside it */
    u64 since_ns;
    u32 told;    /* requests in it, as they were told last, */
    u64 told_ns; /* and when */
};

/* What is in it. */
struct hold_inside {
    u32 requests, streams;
};

/* The process that is meant, as long as it is the worker's. */
static struct process *process_of(const struct hold *h)
{
    struct worker *w = h->worker <= h->app->workers ? &h->app->worker[h->worker] : NULL;

    return w && w->current && w->current->pid == h->pid && !w->current->reaped &&
                   w->current->state == PROCESS_READY
               ? w->current
               : NULL;
}

static void publish(struct process *p)
{
    list_each (link, &p->agents)
        agent_publish(container_of(link, struct agent, link));
    crew_changed(p->crew);
}

/* All is as it was. */
static void release(struct hold *h)
{
    struct process *p = process_of(h);

    if (p && TAKE(p->held, false)) {
        p->worker->replace_not_before_ns =
            max(p->worker->replace_not_before_ns, loop_now_ns(p->crew->loop) + MEMORY_NS);
        publish(p);
        log_info("%s (pid %d) serves again", p->worker->name, (int)p->pid);
    }
    /* Unless somebody has changed the number meanwhile. */
    if (h->other && h->app->workers == h->other)
        (void)!workers_set(h->app, h->other - 1);
    list_del(&h->link);
    free(h);
}

static void failed(struct hold *h, const char *fmt, ...) PRINTF(2, 3);
static void failed(struct hold *h, const char *fmt, ...)
{
    char text[512];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    control_fail(h->talk, "%s", text);
    release(h);
}

/* `inside` NULL: not held yet. */
static void tell(const struct hold *h, const struct hold_inside *inside, const char *text)
{
    AUTO(buf_done) struct buf line = { 0 };

    buf_addc(&line, '{');
    json_key(&line, "app");
    json_text(&line, str_of(h->app->conf->name));
    json_key(&line, "worker");
    json_u64(&line, h->worker);
    json_key(&line, "text");
    json_text(&line, str_of(text));
    if (inside) {
        json_key(&line, "held");
        json_bool(&line, true);
        json_key(&line, "pid");
        json_u64(&line, (u64)h->pid);
        json_key(&line, "requests");
        json_u64(&line, inside->requests);
        json_key(&line, "streams");
        json_u64(&line, inside->streams);
    }
    buf_addc(&line, '}');
    if (!line.failed)
        control_say(h->talk, buf_str(&line));
}

static struct hold_inside inside_of(const struct process *p)
{
    const struct shm *shm = p->crew->shm;
    struct hold_inside in = { 0 };

    list_each (link, &p->agents) {
        const struct agent *a = container_of(link, struct agent, link);

        if (a->slot < 0)
            continue;
        in.requests += shm->slot[a->slot].in_flight;
        in.streams += shm->slot[a->slot].streams;
    }
    return in;
}

/* Whether somebody else takes the app's connections. */
static bool others_serve(const struct hold *h)
{
    for (u32 i = 1; i <= h->app->workers; i++) {
        const struct process *p = h->app->worker[i].current;

        if (i != h->worker && p && p->state == PROCESS_READY && !p->held && process_listening(p))
            return true;
    }
    return false;
}

static void drain_begin(struct hold *h, struct process *p)
{
    h->step = HOLD_DRAIN;
    h->since_ns = loop_now_ns(p->crew->loop);
    p->held = true;
    publish(p);
    log_info("%s (pid %d) gets no new requests while it is being looked into", p->worker->name,
             (int)p->pid);
}

static void other_look(struct hold *h, struct process *p, u64 now_ns)
{
    if (others_serve(h))
        drain_begin(h, p);
    else if (now_ns - h->since_ns >= OTHER_NS || h->app->workers != h->other)
        failed(h, "the worker that was started to serve meanwhile has not become ready");
}

static void drain_look(struct hold *h, struct process *p, u64 now_ns)
{
    struct hold_inside in = inside_of(p);
    u64 for_ns = now_ns - h->since_ns;
    char text[96] = "nothing is in it";

    if (in.requests && in.requests != h->told && for_ns >= DRAIN_LEAST_NS &&
        now_ns - h->told_ns >= TELL_NS) {
        snprintf(text, sizeof(text), "%u request%s in it still", in.requests,
                 in.requests == 1 ? " is" : "s are");
        tell(h, NULL, text);
        h->told = in.requests;
        h->told_ns = now_ns;
    }
    if (for_ns < DRAIN_LEAST_NS || (in.requests && for_ns < h->wait_ns) ||
        (in.streams && for_ns < min(h->wait_ns, STREAMS_NS)))
        return;
    h->step = HOLD_HELD;
    if (in.requests || in.streams)
        snprintf(text, sizeof(text), "%u requests and %u streams are in it still", in.requests,
                 in.streams);
    tell(h, &in, text);
}

static void look_at(struct hold *h, u64 now_ns)
{
    struct process *p = process_of(h);

    if (h->app->crew->draining)
        failed(h, "fettle is ending");
    else if (!p)
        failed(h, "the process of worker %u has ended, or is being replaced", h->worker);
    else if (h->step == HOLD_OTHER)
        other_look(h, p, now_ns);
    else if (h->step == HOLD_DRAIN)
        drain_look(h, p, now_ns);
}

static void look(struct timer *t)
{
    struct holds *hs = container_of(t, struct holds, look);
    u64 now_ns = loop_now_ns(hs->crew->loop);

    list_each_safe (link, &hs->list)
        look_at(container_of(link, struct hold, link), now_ns);
    if (!list_empty(&hs->list))
        loop_timer(hs->crew->loop, t, now_ns + LOOK_NS, look);
}

/* One more, where nobody else would serve. False: it has been answered. */
static bool other_start(struct hold *h)
{
    int r = workers_set(h->app, h->app->workers + 1);

    if (r < 0) {
        failed(h, "no other worker would serve meanwhile, and %s",
               r == -ERANGE ? "there are as many as there may be" : "one more cannot be started");
        return false;
    }
    h->other = h->app->workers;
    log_info("%sworker %u is started, to serve while worker %u is being looked into", h->app->lead,
             h->other, h->worker);
    tell(h, NULL, "no other worker serves: one more is being started");
    return true;
}

/* NULL, or why it cannot be. */
static const char *mistake(const struct hold *h)
{
    const struct worker *w = h->worker <= h->app->workers ? &h->app->worker[h->worker] : NULL;

    if (h->app->crew->draining)
        return "fettle is ending";
    if (h->worker == 0)
        return "which \"worker\" is meant?";
    if (!w)
        return "there is no such worker";
    if (h->app->is_cluster)
        return "it uses cluster itself: which of its processes gets a request is its own affair";
    if (!w->current || w->current->state != PROCESS_READY)
        return "that worker is not ready";
    if (w->successor)
        return "that worker is being replaced";
    if (w->current->held)
        return "that worker is being looked into already";
    return NULL;
}

void hold_begin(struct holds *hs, struct app *app, const struct order *order,
                struct control_talk *talk)
{
    struct hold *h = calloc(1, sizeof(*h));
    const char *why;

    if (!h) {
        control_fail(talk, "out of memory");
        return;
    }
    *h = (struct hold){ .app = app, .talk = talk, .worker = order->worker };
    h->wait_ns = order->wait_ms ? order->wait_ms * NS_PER_MS : app->conf->drain_ns;
    h->since_ns = loop_now_ns(hs->crew->loop);
    list_init(&h->link);
    list_add(&hs->list, &h->link);
    why = mistake(h);
    if (why) {
        failed(h, "%s", why);
        return;
    }
    h->pid = app->worker[h->worker].current->pid;
    /* One that takes no connections is missed by nobody. */
    if (process_listening(app->worker[h->worker].current) && !others_serve(h)) {
        if (!other_start(h))
            return;
    } else {
        drain_begin(h, app->worker[h->worker].current);
    }
    loop_timer(hs->crew->loop, &hs->look, loop_now_ns(hs->crew->loop) + LOOK_NS, look);
}

void hold_forget(struct holds *hs, struct control_talk *talk)
{
    list_each_safe (link, &hs->list) {
        struct hold *h = container_of(link, struct hold, link);

        if (h->talk == talk)
            release(h);
    }
}

void holds_init(struct holds *hs, struct crew *crew)
{
    hs->crew = crew;
    list_init(&hs->list);
}

void holds_done(struct holds *hs)
{
    if (!hs->crew)
        return;
    loop_timer_stop(&hs->look);
    list_each_safe (link, &hs->list)
        failed(container_of(link, struct hold, link), "fettle has ended");
}
