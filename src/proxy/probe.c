/* proxy/probe.c -- health checks */
#include "proxy/probe.h"

#include "base/log.h"
#include "base/random.h"
#include "http/head.h"
#include "io/sock.h"
#include "proxy/thread.h"
#include "upstream/endpoint_health.h"

enum { ANSWER_MAX = 8192, FIELDS_MAX = 64, REQUEST_MAX = 1024, INTERIM_MAX = 8 };

/* What one endpoint is asked; as long as it is there and health-check is on. */
struct probe {
    struct thread *thread;
    struct host_group *group;
    struct upstream_endpoint *endpoint;
    u32 epoch;
    struct timer timer;    /* the next one begins, or the one that runs is too late */
    struct probe_run *run; /* NULL: none runs */
};

struct probe_run {
    struct probe *probe;
    struct watch watch;
    int fd;
    bool connected;
    u32 interim;
    u32 sent, request_len;
    u32 len;
    struct http_parser parser;
    struct http_field fields[FIELDS_MAX];
    char request[REQUEST_MAX];
    char answer[ANSWER_MAX];
};

/* The probes of a group, by place. */
struct probes {
    struct probe *at[ENDPOINTS_MAX];
};

static const struct http_limits limits = { ANSWER_MAX, ANSWER_MAX, FIELDS_MAX };

/* How the group is to be asked; NULL: not at all any more. */
static const struct ruleset_upstream *upstream_of(const struct probe *p)
{
    const struct ruleset *rules = atomic_load(&p->thread->proxy->rules);

    for (const struct ruleset_upstream *u = rules->upstreams; u; u = u->next)
        if (u->group == p->group)
            return u->is.health_check.len ? u : NULL;
    return NULL;
}

static void begin(struct timer *timer);

static void run_end(struct probe *p)
{
    struct probe_run *run = TAKE(p->run, NULL);

    if (!run)
        return;
    loop_unwatch(&run->watch);
    fd_closep(&run->fd);
    free(run);
}

static u64 interval_jittered(struct thread *t, u64 ns)
{
    struct random r = { .state = t->id_key ^ t->id_next++ };

    return ns - ns / 10 + random_u64(&r) % (ns / 5 + 1);
}

/* `status`: as it came, 0: none did. */
static void over(struct probe *p, enum shm_probe_result result, u32 status)
{
    const struct ruleset_upstream *u = upstream_of(p);
    struct thread *t = p->thread;
    u64 now_ns = clock_now_ns();

    run_end(p);
    if (!u) /* probe_look takes it away */
        return;
    hosts_change_log(t->proxy, p->group, p->endpoint,
                     endpoint_health_probe(&p->group->endpoints, p->endpoint, &u->endpoints, result,
                                           status, now_ns),
                     now_ns);
    loop_timer(t->loop, &p->timer, now_ns + interval_jittered(t, u->is.health_interval_ns), begin);
}

static void too_late(struct timer *timer)
{
    over(container_of(timer, struct probe, timer), SHM_PROBE_TIMEOUT, 0);
}

/* ---- HTTP ---- */

/* What the list calls the host. */
static struct str name_of(const struct probe *p, char text[ADDR_TEXT_MAX])
{
    for (u32 i = 0; i < p->group->list.n; i++)
        if (p->group->list.item[i].id == p->endpoint->item &&
            p->group->list.item[i].kind != UPSTREAMS_SERVICE)
            return p->group->list.item[i].text;
    return addr_text(&p->endpoint->addr, text);
}

static void request_write(struct probe_run *run, const struct ruleset_upstream *u)
{
    char text[ADDR_TEXT_MAX];
    struct str host = u->is.upstream_host.len ? u->is.upstream_host : name_of(run->probe, text);
    int len = snprintf(run->request, sizeof(run->request),
                       "GET %.*s HTTP/1.1\r\nhost: %.*s\r\nuser-agent: fettle-health-check\r\n"
                       "accept: */*\r\nconnection: close\r\n\r\n",
                       STR_ARG(u->is.health_check), STR_ARG(host));

    static_assert(REQUEST_MAX > 512 + 256 + 128, "the longest path and name fit");
    run->request_len = (u32)len;
}

/* The head of the final answer is there. */
static void answered(struct probe_run *run, const struct http_head *head)
{
    struct probe *p = run->probe;
    const struct ruleset_upstream *u = upstream_of(p);
    struct http_field *f = http_field_find((struct http_head *)head, HTTP_FETTLE_LOAD);
    struct load_report load;
    bool fits =
        u && head->status >= u->is.health_status.least && head->status <= u->is.health_status.most;

    if (f && load_report_parse(http_text(run->answer, f->value), &load))
        endpoints_reported(p->endpoint, &load, clock_now_ns());
    over(p, fits ? SHM_PROBE_OK : SHM_PROBE_STATUS, head->status);
}

/* False: it is over, `run` is gone. */
static bool answer_look(struct probe_run *run)
{
    struct http_head head;
    struct http_error error;

    for (;;) {
        switch (http_parse_head(&run->parser, run->answer, run->len, &head, &error)) {
        case HTTP_MORE:
            if (run->len < sizeof(run->answer))
                return true;
            over(run->probe, SHM_PROBE_RESET, 0);
            return false;
        case HTTP_BAD:
            over(run->probe, SHM_PROBE_RESET, 0);
            return false;
        case HTTP_DONE:
            break;
        }
        if (head.status / 100 != 1 || head.status == 101 || ++run->interim > INTERIM_MAX) {
            answered(run, &head);
            return false;
        }
        run->len -= head.head_bytes;
        memmove(run->answer, run->answer + head.head_bytes, run->len);
        http_parser_init(&run->parser, HTTP_RESPONSE, &limits, run->fields, FIELDS_MAX);
    }
}

/* False: it is over. */
static bool request_send(struct probe_run *run)
{
    ssize_t n = send(run->fd, run->request + run->sent, run->request_len - run->sent, MSG_NOSIGNAL);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (n < 0) {
        over(run->probe, SHM_PROBE_RESET, 0);
        return false;
    }
    run->sent += (u32)n;
    if (run->sent == run->request_len)
        loop_watch_set(&run->watch, EPOLLIN);
    return true;
}

static void answer_read(struct probe_run *run)
{
    ssize_t n = recv(run->fd, run->answer + run->len, sizeof(run->answer) - run->len, 0);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        over(run->probe, SHM_PROBE_RESET, 0);
        return;
    }
    run->len += (u32)n;
    (void)answer_look(run);
}

/* ---- connections ---- */

static void on_event(struct watch *w, u32 events)
{
    struct probe_run *run = container_of(w, struct probe_run, watch);
    int error = 0;
    socklen_t len = sizeof(error);

    if (!run->connected) {
        if (getsockopt(run->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 || error) {
            over(run->probe, SHM_PROBE_CONNECT, 0);
            return;
        }
        run->connected = true;
        if (run->request_len == 0) { /* tcp: that is all */
            over(run->probe, SHM_PROBE_OK, 0);
            return;
        }
    }
    if (run->sent < run->request_len && !request_send(run))
        return;
    if (events & ~EPOLLOUT)
        answer_read(run);
}

static int run_begin(struct probe *p, const struct ruleset_upstream *u)
{
    struct probe_run *run = calloc(1, sizeof(*run));
    struct sockaddr_storage sa;
    socklen_t len = addr_sockaddr(&p->endpoint->addr, &sa);

    if (!run)
        return -ENOMEM;
    p->run = run;
    run->probe = p;
    run->fd = socket(p->endpoint->addr.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (run->fd < 0)
        return -errno;
    if (!str_eq(u->is.health_check, STR("tcp")))
        request_write(run, u);
    http_parser_init(&run->parser, HTTP_RESPONSE, &limits, run->fields, FIELDS_MAX);
    if (connect(run->fd, (struct sockaddr *)&sa, len) < 0 && errno != EINPROGRESS && errno != EINTR)
        return -errno;
    return loop_watch(p->thread->loop, &run->watch, run->fd, EPOLLIN | EPOLLOUT, on_event);
}

static void begin(struct timer *timer)
{
    struct probe *p = container_of(timer, struct probe, timer);
    const struct ruleset_upstream *u = upstream_of(p);
    u64 now_ns = clock_now_ns();
    int err;

    if (!u || p->epoch != p->endpoint->epoch)
        return; /* probe_look takes it away */
    err = run_begin(p, u);
    if (err == -EMFILE || err == -ENFILE || err == -ENOMEM || err == -ENOBUFS) {
        run_end(p); /* our own trouble says nothing of the host */
        loop_timer(p->thread->loop, timer, now_ns + interval_jittered(p->thread, NS_PER_S), begin);
        return;
    }
    if (err < 0) {
        over(p, SHM_PROBE_CONNECT, 0);
        return;
    }
    loop_timer(p->thread->loop, timer, now_ns + u->is.health_timeout_ns, too_late);
}

/* ---- who is asked ---- */

static void probe_free(struct probe *p)
{
    if (!p)
        return;
    loop_timer_stop(&p->timer);
    run_end(p);
    free(p);
}

static bool is_there(const struct upstream_endpoint *e)
{
    u32 state = atomic_load(&e->shm->state);

    return state == SHM_ENDPOINT_UP || state == SHM_ENDPOINT_EJECTED || state == SHM_ENDPOINT_DOWN;
}

static void probe_add(struct thread *t, struct host_group *g, struct probe **at,
                      struct upstream_endpoint *e)
{
    struct probe *p = calloc(1, sizeof(*p));

    if (!p)
        return; /* the next look may have more luck */
    p->thread = t;
    p->group = g;
    p->endpoint = e;
    p->epoch = e->epoch;
    *at = p;
    begin(&p->timer);
}

static void group_look(struct thread *t, struct host_group *g, const struct ruleset_upstream *u,
                       u64 now_ns)
{
    bool wanted = u && u->is.health_check.len > 0;
    u32 n = atomic_load(&g->endpoints.n);

    if (!g->probes && (!wanted || !(g->probes = calloc(1, sizeof(*g->probes)))))
        return;
    for (u32 i = 0; i < n; i++) {
        struct upstream_endpoint *e = &g->endpoints.of[i];
        struct probe **at = &g->probes->at[i];

        if (*at && (!wanted || !is_there(e) || (*at)->epoch != e->epoch)) {
            probe_free(TAKE(*at, NULL));
            if (!wanted)
                hosts_change_log(t->proxy, g, e, endpoint_health_unprobe(&g->endpoints, e, now_ns),
                                 now_ns);
        }
        if (!*at && wanted && is_there(e))
            probe_add(t, g, at, e);
    }
}

void probe_look(struct thread *t, u64 now_ns)
{
    static const struct endpoints_rules none;
    const struct ruleset *rules = atomic_load(&t->proxy->rules);

    for (u32 i = 0; i < SHM_UPSTREAMS_MAX; i++) {
        struct host_group *g = t->proxy->groups[i];
        const struct ruleset_upstream *u = g ? rules->upstreams : NULL;
        enum endpoints_change changes[ENDPOINTS_MAX];

        if (!g)
            continue;
        while (u && u->group != g)
            u = u->next;
        endpoint_health_look(&g->endpoints, u ? &u->endpoints : &none, now_ns, changes);
        for (u32 k = 0; k < ENDPOINTS_MAX; k++)
            hosts_change_log(t->proxy, g, &g->endpoints.of[k], changes[k], now_ns);
        group_look(t, g, u, now_ns);
    }
}
