/* app/holder.c -- who asks the supervisor to keep a worker out of traffic */
#include "app/holder.h"

#include "app/row.h"

#define DESCRIBE_NS (5 * NS_PER_S)
#define LOOK_NS (50 * NS_PER_MS)
#define MORE_NS (150 * NS_PER_S) /* beyond the wait: for another worker to be started */

/* "APP", the connection made anew: a supervisor does not keep one for long that asks nothing. */
static int ask(struct control_peer *peer, struct str order)
{
    int err = control_peer_again(peer);

    return err ? err : control_peer_ask(peer, order);
}

static int describe(const struct control_app *app, struct json_value **out)
{
    AUTO(buf_done) struct buf order = { 0 };
    int err;

    buf_add(&order, STR("{\"do\":\"describe\",\"app\":\""));
    buf_add_json(&order, app->name);
    buf_add(&order, STR("\"}"));
    err = order.failed ? -ENOMEM : ask(app->peer, buf_str(&order));
    return err ? err : control_peer_hear(app->peer, clock_now_ns() + DESCRIBE_NS, out);
}

static struct holder_worker worker_of(const struct control_app *app, const struct json_value *row)
{
    struct holder_worker w = { .number = (u32)row_u64(row, "worker"),
                               .pid = (u32)row_u64(row, "node_pid"),
                               .heap_bytes = row_u64(row, "heap_used_bytes") };

    str_to_cstr(app->name, w.app, sizeof(w.app));
    return w;
}

static void take(struct holder *h, const struct holder_worker *w)
{
    memcpy(h->app, w->app, sizeof(h->app));
    h->peer = NULL;
    h->worker = w->number;
    h->pid = w->pid;
}

int holder_workers(struct holder *h, const struct control_options *o, const char *word,
                   struct holder_worker *out, u32 room, u32 *n, struct problem *p)
{
    AUTO(json_value_freep) struct json_value *said = NULL;
    const struct json_value *rows;
    struct control_app app;
    int err;

    *n = 0;
    control_peers_open(&h->peers, o);
    err = control_peers_app(&h->peers, o, word, &app, p);
    if (err)
        return err;
    err = describe(&app, &said);
    if (err) {
        problem_set(p, "%.*s: the fettle that runs it (pid %u) cannot be talked to: %s",
                    STR_ARG(app.name), app.peer->found.pid, strerror(-err));
        return err;
    }
    rows = json_value_member(json_value_member(said, "app"), "workers");
    for (u32 k = 0; k < json_value_count(rows) && *n < room; k++) {
        struct holder_worker w = worker_of(&app, json_value_at(rows, k));

        if (w.pid && (!app.worker || app.worker == w.number))
            out[(*n)++] = w;
    }
    if (*n)
        return 0;
    if (app.worker)
        return problem_set(p, "%.*s: there is no worker %u that runs", STR_ARG(app.name),
                           app.worker);
    return problem_set(p, "%.*s: none of its workers runs", STR_ARG(app.name));
}

int holder_find(struct holder *h, const struct control_options *o, const char *word,
                struct problem *p)
{
    AUTO(freep) struct holder_worker *w = calloc(ORDER_WORKERS_MAX, sizeof(*w));
    u32 n = 0, best = 0;
    int err = w ? holder_workers(h, o, word, w, ORDER_WORKERS_MAX, &n, p) : -ENOMEM;

    for (u32 k = 1; k < n; k++)
        if (w[k].heap_bytes > w[best].heap_bytes)
            best = k;
    if (!err)
        take(h, &w[best]);
    return err;
}

bool holder_find_pid(struct holder *h, const struct control_options *o, u32 pid)
{
    struct control_app app;
    u32 at = 0;

    control_peers_open(&h->peers, o);
    while (control_peers_each(&h->peers, &at, &app)) {
        AUTO(json_value_freep) struct json_value *said = NULL;
        const struct json_value *workers;

        if (describe(&app, &said))
            continue;
        workers = json_value_member(json_value_member(said, "app"), "workers");
        for (u32 k = 0; k < json_value_count(workers); k++) {
            struct holder_worker w = worker_of(&app, json_value_at(workers, k));

            if (w.pid != pid)
                continue;
            take(h, &w);
            return true;
        }
    }
    return false;
}

static struct control_peer *peer_of(struct holder *h)
{
    struct control_app app;
    u32 at = 0;

    while (control_peers_each(&h->peers, &at, &app))
        if (str_eq(app.name, str_of(h->app)))
            return app.peer;
    return NULL;
}

/* One line of the answer, however long that takes; -ECANCELED. */
static int hear(struct control_peer *peer, const struct wait *w, u64 until_ns,
                struct json_value **out)
{
    int err;

    do {
        err = control_peer_hear(peer, clock_now_ns() + LOOK_NS, out);
        if (err == -ETIMEDOUT && wait_for(w, -1, 0, 0) == -ECANCELED)
            return -ECANCELED;
    } while (err == -ETIMEDOUT && clock_now_ns() < until_ns);
    return err;
}

static int held(struct holder *h, const struct wait *w, u64 until_ns, bool shows, struct problem *p)
{
    for (;;) {
        AUTO(json_value_freep) struct json_value *said = NULL;
        int err = hear(h->peer, w, until_ns, &said);

        if (err) {
            problem_set(p, "%s/%u: the fettle that runs it does not answer: %s", h->app, h->worker,
                        strerror(-err));
            return err;
        }
        if (json_value_member(said, "ok"))
            return problem_set(p,
                               "%s/%u cannot be taken out of traffic: %.*s. --drain off leaves it "
                               "there, and requests wait meanwhile",
                               h->app, h->worker, STR_ARG(row_text(said, "error")));
        if (shows)
            fprintf(stderr, "%s/%u: %.*s\n", h->app, h->worker, STR_ARG(row_text(said, "text")));
        if (json_value_kind(json_value_member(said, "held")) != JSON_VALUE_TRUE)
            continue;
        h->requests = (u32)row_u64(said, "requests");
        h->streams = (u32)row_u64(said, "streams");
        return 0;
    }
}

int holder_begin(struct holder *h, const struct wait *w, u64 wait_ns, bool shows, struct problem *p)
{
    AUTO(buf_done) struct buf order = { 0 };
    int err;

    buf_add(&order, STR("{\"do\":\"hold\",\"app\":\""));
    buf_add_json(&order, str_of(h->app));
    buf_addf(&order, "\",\"worker\":%u,\"wait_ms\":%llu}", h->worker,
             (unsigned long long)max(wait_ns / NS_PER_MS, 1));
    h->peer = peer_of(h);
    err = !h->peer || order.failed ? -ENOMEM : ask(h->peer, buf_str(&order));
    if (err) {
        problem_set(p, "%s: the fettle that runs it cannot be talked to: %s", h->app,
                    strerror(-err));
        return err;
    }
    return held(h, w, clock_now_ns() + wait_ns + MORE_NS, shows, p);
}

void holder_end(struct holder *h)
{
    control_peers_done(&h->peers);
    h->peers.count = 0;
    h->peer = NULL;
}
