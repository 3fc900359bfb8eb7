/* app/log_live.c -- the lines of an app without a log file, from the fettle that runs it */
#include "app/log_live.h"

#include "app/control_client.h"
#include "base/clock.h"

#define ANSWER_NS (5 * NS_PER_S)
/* For a fettle that is known to run; and for one that has closed the connection, perhaps since we
 * read nothing for long. */
#define SUCCESSOR_NS (30 * NS_PER_S)
#define AGAIN_NS (1 * NS_PER_S)

struct log_live {
    struct control_peer peer;
    struct control_options options;
    struct buf app; /* NUL-terminated */
    struct json_value *said;
    u64 at; /* where the next request goes on */
    bool follow, over, ended;
    bool caught_up; /* what comes is new */
};

static int ask(struct log_live *l)
{
    AUTO(buf_done) struct buf order = { 0 };

    buf_add(&order, STR("{\"do\":\"logs\",\"app\":\""));
    buf_add_json(&order, str_of(l->app.ptr));
    buf_addf(&order, "\",\"from\":%llu,\"follow\":%s}", (unsigned long long)l->at,
             l->follow ? "true" : "false");
    return order.failed ? -ENOMEM : control_peer_ask(&l->peer, buf_str(&order));
}

/* The fettle that runs the app now; with `pid`, that one. */
static int connect_to(struct log_live *l, u32 pid, struct problem *p)
{
    AUTO(control_peers_done) struct control_peers peers = { 0 };
    struct control_app app;
    int err;

    l->options.pid = pid;
    control_peers_open(&peers, &l->options);
    err = control_peers_app(&peers, &l->options, l->app.ptr, &app, p);
    if (err)
        return err;
    if (l->peer.found.pid != app.peer->found.pid)
        l->at = 0;
    l->caught_up = false;
    fd_closep(&l->peer.fd);
    buf_done(&l->peer.in);
    l->peer = (struct control_peer){ .found = app.peer->found, .fd = -1 };
    err = control_peer_again(&l->peer);
    return err ? err : ask(l);
}

int log_live_open(struct log_live **out, u32 pid, struct str app, struct str runtime_dir,
                  bool follow, struct problem *p)
{
    struct log_live *l = calloc(1, sizeof(*l));
    int err;

    if (!l)
        return -ENOMEM;
    l->peer.fd = -1;
    l->follow = follow;
    l->options.runtime_dir = runtime_dir;
    buf_add(&l->app, app);
    buf_addc(&l->app, 0);
    err = l->app.failed ? -ENOMEM : connect_to(l, pid, p);
    if (err) {
        log_live_free(l);
        return err;
    }
    *out = l;
    return 0;
}

void log_live_free(struct log_live *l)
{
    if (!l)
        return;
    fd_closep(&l->peer.fd);
    buf_done(&l->peer.in);
    buf_done(&l->app);
    json_value_free(l->said);
    free(l);
}

/* False: its app has ended. `said` is the last line; NULL: there was none. */
static bool again(struct log_live *l, const struct json_value *said)
{
    u64 pid = 0;
    bool goes_on = json_value_u64(json_value_member(said, "goes_on_pid"), &pid);
    u64 until_ns = clock_now_ns() + (goes_on ? SUCCESSOR_NS : AGAIN_NS);
    struct problem p;

    if (said && !goes_on) {
        l->over = l->ended = true;
        return false;
    }
    while (connect_to(l, (u32)pid, &p) != 0) {
        if (clock_now_ns() > until_ns) {
            l->over = l->ended = true;
            return false;
        }
        usleep(20000);
    }
    return true;
}

bool log_live_next(struct log_live *l, struct str *line)
{
    while (!l->over) {
        int err;
        u64 at;

        json_value_free(TAKE(l->said, NULL));
        /* All that there is; what is only about to come, with -f, is for the next time. */
        err = control_peer_hear(&l->peer, l->caught_up ? 0 : clock_now_ns() + ANSWER_NS, &l->said);
        if (err == -ETIMEDOUT)
            return false;
        l->caught_up |= json_value_member(l->said, "now") != NULL;
        if (err || json_value_member(l->said, "ok")) {
            l->over = !l->follow || !again(l, err ? NULL : l->said);
            continue;
        }
        if (json_value_u64(json_value_member(l->said, "at"), &at))
            l->at = at;
        *line = json_value_text(json_value_member(l->said, "line"));
        if (line->ptr && line->len)
            return true;
        if (json_value_member(l->said, "lost")) {
            *line = STR("fettle: warning: here lines are missing, which came faster than they were "
                        "read");
            return true;
        }
    }
    return false;
}

bool log_live_ended(const struct log_live *l)
{
    return l->ended;
}
