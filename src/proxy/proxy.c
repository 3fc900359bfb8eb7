/* proxy/proxy.c -- the data path as a process */
#include "proxy/proxy.h"

#include "base/log.h"
#include "io/sock.h"
#include "proxy/access.h"
#include "proxy/breaker.h"
#include "proxy/cached.h"
#include "proxy/ceiling.h"
#include "proxy/client.h"
#include "proxy/hosts.h"
#include "proxy/series.h"
#include "proxy/thread.h"
#include "shm/region.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>

enum { FIELDS_MAX_RESPONSE = 256 };
#define DRAIN_LOOK_NS (10 * NS_PER_MS)
/* How long kept connections are waited for: somebody waits for the end, or nobody does. */
#define QUIET_NS (1 * NS_PER_S)
#define QUIET_SUCCEEDED_NS (5 * NS_PER_S)

struct proxy_process {
    struct proxy proxy;
    struct timer drain_timer;
    bool drained_told, unlistened_told;
};

/* Where requests go that routes lead to an app. */
static void app_listeners_find(struct proxy *p)
{
    for (u32 app = 0; app < SHM_APPS_MAX; app++) {
        u32 i = 0;

        while (i < SHM_LISTENERS_MAX &&
               (atomic_load(&p->listeners[i].fd) < 0 || p->listeners[i].kind != WIRE_HTTP ||
                p->listeners[i].app != app))
            i++;
        atomic_store(&p->app_listener[app], i);
    }
}

/* Each thread looks at what has changed. */
static void poke_all(struct proxy *p)
{
    atomic_fetch_add(&p->changes, 1);
    for (u32 i = 0; i < p->threads_n; i++)
        thread_poke(&p->threads[i]);
}

static void tell_all(struct proxy *p)
{
    for (u32 i = 0; i < SHM_SLOTS_MAX; i++)
        atomic_store(&p->gone[i], 0);
    poke_all(p);
}

/* Options that connections inherit from their listener. */
static void listener_options(int fd)
{
    int one = 1, idle_s = 60, every_s = 15, tries = 4;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every_s, sizeof(every_s));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &tries, sizeof(tries));
}

/* Where it is bound, also as a file of settings would say it. */
static void listener_bound(struct listener *l, const struct sockaddr_storage *sa, socklen_t len)
{
    const struct sockaddr_un *un = (const struct sockaddr_un *)sa;
    size_t path = len > offsetof(struct sockaddr_un, sun_path)
                      ? strnlen(un->sun_path, len - offsetof(struct sockaddr_un, sun_path))
                      : 0;

    l->family = sa->ss_family;
    l->local = addr_of((const struct sockaddr *)sa);
    l->is_any = addr_is_any(&l->local);
    l->bound = (struct endpoint){ .kind = ENDPOINT_IP, .addr = l->local };
    if (l->family == AF_UNIX) {
        str_to_cstr(str_make(un->sun_path, path), l->path, sizeof(l->path));
        l->bound = (struct endpoint){ .kind = ENDPOINT_UNIX, .path = str_of(l->path) };
    }
}

/* How long clients wait at most for the first answers of DNS. */
#define HELD_MOST_NS (3 * NS_PER_S)

/* From now on clients are accepted there. */
static void listener_accept(struct proxy *p, struct listener *l, int fd)
{
    l->held = false;
    atomic_fetch_add(&l->opened, 1);
    atomic_store(&l->fd, fd);
    app_listeners_find(p);
    tell_all(p);
}

/* The kernel keeps who comes before the names of upstreams have been looked up; not for long. */
static void held_again(struct timer *t)
{
    struct proxy *p = container_of(t, struct proxy, held_timer);
    struct loop *loop = p->threads[0].loop;

    if (hosts_awaited(p) && loop_now_ns(loop) < p->held_until_ns) {
        loop_timer(loop, t, loop_now_ns(loop) + TIMER_SLACK_NS, held_again);
        return;
    }
    for (u32 i = 0; i < SHM_LISTENERS_MAX; i++)
        if (p->listeners[i].held)
            listener_accept(p, &p->listeners[i], p->listeners[i].held_fd);
}

static void listener_hold(struct proxy *p, struct listener *l, int fd)
{
    struct loop *loop = p->threads[0].loop;

    l->held = true;
    l->held_fd = fd;
    p->held_until_ns = loop_now_ns(loop) + HELD_MOST_NS;
    loop_timer(loop, &p->held_timer, loop_now_ns(loop), held_again);
}

static void listener_open(struct proxy *p, const struct wire_note *note, int fd)
{
    struct listener *l = &p->listeners[note->listener % SHM_LISTENERS_MAX];
    struct sockaddr_storage sa = { 0 };
    socklen_t len = sizeof(sa);
    int err;

    if (atomic_load(&l->fd) >= 0 || l->held) {
        close(fd);
        return;
    }
    if (getsockname(fd, (struct sockaddr *)&sa, &len) < 0) {
        log_error("a listener cannot be used: its address: %s", strerror(errno));
        _exit(1); /* whoever comes next has it handed over again */
    }
    listener_options(fd);
    l->id = note->listener % SHM_LISTENERS_MAX;
    l->app = atomic_load(&p->shm->listener[l->id].app);
    l->kind = note->kind == WIRE_STREAM ? WIRE_STREAM : WIRE_HTTP;
    listener_bound(l, &sa, len);
    err = ruleset_door(atomic_load(&p->rules), l->id, l->app, &l->bound);
    if (err) {
        log_error("a listener cannot be used: %s", strerror(-err));
        close(fd);
        return;
    }
    cached_setup(p, atomic_load(&p->rules));
    hosts_apply(p, atomic_load(&p->rules), clock_now_ns());
    if (hosts_awaited(p))
        listener_hold(p, l, fd);
    else
        listener_accept(p, l, fd);
}

/* The threads close their own descriptors when they come round to it. */
static void listener_close(struct proxy *p, const struct wire_note *note)
{
    struct listener *l = &p->listeners[note->listener % SHM_LISTENERS_MAX];
    int fd = atomic_exchange(&l->fd, -1);

    if (l->held) {
        l->held = false;
        close(l->held_fd);
    }
    if (fd >= 0)
        close(fd);
    app_listeners_find(p);
    tell_all(p);
}

/* Says so once no request runs any more; ends the process when no connection is left. */
static void drain_look(struct timer *timer)
{
    struct proxy_process *pp = container_of(timer, struct proxy_process, drain_timer);
    struct proxy *p = &pp->proxy;
    struct wire_note note = { .type = WIRE_DRAINED }, unlistened = { .type = WIRE_UNLISTENED };

    bool deaf = atomic_load(&p->drained) == p->threads_n;
    bool idle = deaf && atomic_load(&p->exchanges) == 0 && atomic_load(&p->awaited) == 0 &&
                (!atomic_load(&p->succeeded) || atomic_load(&p->shm->proxy.connections) == 0);

    if (!pp->unlistened_told && deaf)
        pp->unlistened_told =
            sock_send_msg(WIRE_PROXY_FD, &unlistened, sizeof(unlistened), NULL, 0) == 0;
    if (!pp->drained_told && idle)
        pp->drained_told = sock_send_msg(WIRE_PROXY_FD, &note, sizeof(note), NULL, 0) == 0;
    if (pp->drained_told && atomic_load(&p->shm->proxy.connections) == 0) {
        access_flush(p);
        _exit(0);
    }
    loop_timer(p->threads[0].loop, timer, thread_now(&p->threads[0]) + DRAIN_LOOK_NS, drain_look);
}

static void drain(struct proxy_process *pp, bool succeeded)
{
    struct proxy *p = &pp->proxy;

    const struct ruleset *rules = atomic_load(&p->rules);
    u64 drain_ns = 0;

    for (u32 i = 0; i < rules->apps; i++)
        drain_ns = max(drain_ns, rules->app[i].drain_ns);
    atomic_store(&p->succeeded, succeeded);
    p->quiet_ns = min(succeeded ? QUIET_SUCCEEDED_NS : QUIET_NS, drain_ns / 2);
    atomic_store(&p->draining, true);
    for (u32 i = 0; i < SHM_LISTENERS_MAX; i++) { /* refused is better than never answered */
        int fd = atomic_exchange(&p->listeners[i].fd, -1);

        fd_closep(&fd);
    }
    tell_all(p);
    loop_timer(p->threads[0].loop, &pp->drain_timer, thread_now(&p->threads[0]), drain_look);
}

static void blocked_note(struct proxy *p)
{
    for (u32 i = 0; i < shm_slots_used(p->shm); i++)
        if (p->shm->slot[i].state == SHM_BLOCKED)
            atomic_store(&p->blocked[i], p->shm->slot[i].generation);
}

/* What is known of each app's kinds of requests. */
static int kinds_make(struct proxy *p, u32 from, u32 to)
{
    struct kind_routes *routes = to > from ? calloc(to - from, sizeof(*routes)) : NULL;

    if (to > from && !routes)
        return -ENOMEM;
    for (u32 i = from; i < to; i++)
        kinds_init(&p->kinds[i], &p->shm->kinds, &routes[i - from], i);
    return 0;
}

/* The doors of all listeners that there have been: clients of a closed one may still be here. */
static int doors_make(struct proxy *p, struct ruleset *rules)
{
    int err = 0;

    for (u32 i = 0; i < SHM_LISTENERS_MAX && !err; i++)
        if (atomic_load(&p->listeners[i].opened))
            err = ruleset_door(rules, i, p->listeners[i].app, &p->listeners[i].bound);
    return err;
}

/* The settings of one app after the other, "--" between them. */
static void settings_take(struct proxy_process *pp, const struct wire_settings *m, size_t n)
{
    struct str text =
        str_make(m->text, min((size_t)m->len, n - offsetof(struct wire_settings, text)));
    struct proxy *p = &pp->proxy;
    struct ruleset *present = atomic_load(&p->rules), *next = NULL;
    struct problem problem = { 0 };
    u64 now_ns = clock_now_ns();
    int err = ruleset_read(&next, present, text, &problem);

    if (!err && next->apps < present->apps) /* those that are gone keep their place */
        err = -EPROTO;
    if (!err)
        err = doors_make(p, next);
    if (!err)
        err = kinds_make(p, present->apps, next->apps);
    if (err) {
        log_error("the new settings are not taken: %s",
                  problem.text[0] ? problem.text : strerror(-err));
        ruleset_free(next);
        return;
    }
    next->made_ns = now_ns;
    next->older = present;
    cached_setup(p, next);
    hosts_apply(p, next, now_ns);
    atomic_store(&p->rules, next);
    poke_all(p); /* connections to hosts that are not in a list any more are let go */
    ruleset_prune(next, now_ns);
}

static void purge_take(struct proxy *p, const struct wire_purge *m)
{
    struct str path = str_make(m->path, min(m->path_len, (u32)sizeof(m->path)));
    struct str tag = str_make(m->tag, min(m->tag_len, (u32)sizeof(m->tag)));
    const struct store_purge purge = { .app = m->app,
                                       .path = path.len ? path : (struct str){ 0 },
                                       .tag = tag.len ? tag : (struct str){ 0 } };

    cached_purge(p, &purge);
}

static void control_message(struct proxy_process *pp, const struct wire_note *note, int *fds,
                            u32 fds_n)
{
    switch (note->type) {
    case WIRE_LISTENER:
        if (fds_n == 1)
            listener_open(&pp->proxy, note, TAKE(fds[0], -1));
        break;
    case WIRE_LISTENER_GONE:
        listener_close(&pp->proxy, note);
        break;
    case WIRE_CHANGED:
        blocked_note(&pp->proxy);
        tell_all(&pp->proxy);
        break;
    case WIRE_SETTINGS:
    case WIRE_PURGE:
        break; /* has a message of its own */
    case WIRE_DRAIN:
        drain(pp, note->value != 0);
        break;
    default:
        log_warn("the supervisor sent a message of unknown type %u", note->type);
    }
}

static void control_event(struct watch *w, u32 events)
{
    struct thread *t = container_of(w, struct thread, control);
    struct proxy_process *pp = container_of(t->proxy, struct proxy_process, proxy);

    (void)events;
    for (;;) {
        static union {
            struct wire_note note;
            struct wire_settings settings;
            struct wire_purge purge;
        } m;
        int fds[SOCK_FDS_MAX];
        u32 fds_n;
        ssize_t n = sock_recv_msg(w->fd, &m, sizeof(m), fds, SOCK_FDS_MAX, &fds_n);

        if (n == -EAGAIN)
            return;
        if (n <= 0 && n != -EMSGSIZE) {
            /* The supervisor is gone, or has ended all that we could send anything to. */
            access_flush(&pp->proxy);
            _exit(pp->drained_told ? 0 : 1);
        }
        if (n == sizeof(m.note) && m.note.type != WIRE_SETTINGS)
            control_message(pp, &m.note, fds, fds_n);
        else if (n == sizeof(m.purge) && m.note.type == WIRE_PURGE)
            purge_take(&pp->proxy, &m.purge);
        else if (n >= (ssize_t)offsetof(struct wire_settings, text) && m.note.type == WIRE_SETTINGS)
            settings_take(pp, &m.settings, (size_t)n);
        for (u32 i = 0; i < fds_n; i++)
            fd_closep(&fds[i]);
    }
}

/* What a proxy before this one has left in the shared counters. */
static void gauges_reset(struct shm *shm)
{
    for (u32 i = 0; i < shm_slots_used(shm); i++) {
        atomic_store(&shm->slot[i].dispatched, atomic_load(&shm->slot[i].loop.seen));
        atomic_store(&shm->slot[i].in_flight, 0);
        atomic_store(&shm->slot[i].streams, 0);
        atomic_store(&shm->slot[i].expected_ns, 0);
        atomic_store(&shm->slot[i].loop_expected_ns, 0);
        atomic_store(&shm->slot[i].slow_in_flight, 0);
    }
    shm->proxy.connections = 0;
    shm->proxy.active_requests = 0;
    shm->proxy.queued = 0;
    for (u32 i = 0; i < SHM_APPS_MAX; i++)
        shm->lanes[i].queued = 0;
    for (u32 i = 0; i < SHM_REDIS_USES; i++) {
        atomic_store(&shm->redis.use[i].wanted, 0);
        atomic_store(&shm->redis.use[i].ready, 0);
    }
    atomic_store(&shm->redis.purges_known, 0);
    shm->waiters = 0;
    shm->proxy.started_ns = clock_now_ns();
    shm->proxy_pid = (u32)getpid();
}

static void raise_fd_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void *thread_main(void *arg)
{
    prctl(PR_SET_NAME, "fettle: proxy");
    thread_run(arg);
    return NULL;
}

static u32 access_log(struct ruleset_host *host, const struct settings *s)
{
    return access_find(container_of(host, struct proxy, host), s);
}

static struct circuit *circuit(struct ruleset_host *host, u32 app, struct str place)
{
    return breaker_find(container_of(host, struct proxy, host), app, place);
}

static struct host_group *group(struct ruleset_host *host, u32 app, struct str place)
{
    return hosts_find(container_of(host, struct proxy, host), app, place);
}

static struct ceiling *ceiling(struct ruleset_host *host, u32 app, struct str place,
                               const struct settings_request *is)
{
    return ceiling_find(container_of(host, struct proxy, host), app, place, is);
}

static int limits_of(struct ruleset_host *host, const struct settings *s,
                     const struct limits_place *at, struct limits **out)
{
    struct proxy *p = container_of(host, struct proxy, host);

    return limits_new(out, s, at, &p->limiter, &p->shm->limits);
}

/* What holds at first, and what room that needs. */
static int rules_setup(struct proxy *p, struct settings *app, u32 apps)
{
    struct problem problem = { 0 };
    struct ruleset *rules;
    u64 head_bytes;
    int err = access_init(p);

    p->host.access_log = access_log;
    p->host.circuit = circuit;
    p->host.group = group;
    breaker_init(p);
    p->host.ceiling = ceiling;
    p->ceilings = calloc(SHM_CEILINGS_MAX, sizeof(*p->ceilings));
    p->said = calloc(SHM_APPS_MAX, sizeof(*p->said));
    if (!p->ceilings || !p->said)
        err = err ? err : -ENOMEM;
    else
        ceiling_init(p);
    p->host.limits = limits_of;
    if (!err)
        err = ruleset_new(&rules, app, apps, &p->host, &problem);
    if (err == -EINVAL) /* what `fettle run` wrote can be read */
        log_error("%s", problem.text);
    if (err)
        return err;
    ruleset_room(rules, &head_bytes, &p->host.max_fields);
    p->host.max_head_bytes = head_bytes;
    p->fields_max = max(p->host.max_fields, (u32)FIELDS_MAX_RESPONSE);
    rules->made_ns = clock_now_ns();
    atomic_store(&p->rules, rules);
    for (u32 i = 0; i < SHM_APPS_MAX; i++)
        atomic_store(&p->app_listener[i], SHM_LISTENERS_MAX);
    return kinds_make(p, 0, apps);
}

static int setup(struct proxy_process *pp, struct settings *settings, u32 apps)
{
    struct proxy *p = &pp->proxy;
    int r = region_map(WIRE_SHM_FD, &p->shm);

    if (r == 0)
        r = region_peers_map(WIRE_PEERS_FD, &p->peers);
    if (r < 0)
        return r;
    p->wake_fd = WIRE_WAKE_FD;
    p->threads_n = min(max(settings->threads, 1u), (u32)SHM_THREADS_MAX);
    for (u32 i = 0; i < SHM_LISTENERS_MAX; i++)
        p->listeners[i].fd = -1;
    queue_init(&p->queue);
    for (u32 i = 0; i < SHM_APPS_MAX; i++)
        retry_budget_init(&p->budgets[i]);
    hash_key_random(&p->hash_key);
    limiter_init(&p->limiter);
    if (getrandom(&p->name_random, sizeof(p->name_random), 0) != sizeof(p->name_random))
        return -EIO;
    r = rules_setup(p, settings, apps);
    if (r < 0)
        return r;
    gauges_reset(p->shm);
    series_init(p);
    p->threads = calloc(p->threads_n, sizeof(*p->threads));
    if (!p->threads)
        return -ENOMEM;
    for (u32 i = 0; i < p->threads_n && r == 0; i++)
        r = thread_setup(&p->threads[i], p, i);
    if (r < 0 || (r = sock_nonblock(WIRE_PROXY_FD)) < 0 || (r = sock_nonblock(p->wake_fd)) < 0)
        return r;
    return loop_watch(p->threads[0].loop, &p->threads[0].control, WIRE_PROXY_FD, EPOLLIN,
                      control_event);
}

int proxy_run(struct settings *settings, u32 apps)
{
    struct proxy_process *pp = aligned_alloc(64, sizeof(*pp));
    int r;

    if (!pp)
        return 1;
    memset(pp, 0, sizeof(*pp));
    prctl(PR_SET_NAME, "fettle: proxy");
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, SIG_IGN); /* the terminal's ^C is for the supervisor, which drains us */
    signal(SIGHUP, SIG_IGN);
    signal(SIGUSR2, SIG_IGN);
    raise_fd_limit();
    r = setup(pp, settings, apps);
    if (r < 0) {
        log_error("the proxy cannot start: %s", strerror(-r));
        return 1;
    }
    for (u32 i = 1; i < pp->proxy.threads_n; i++) {
        r = pthread_create(&pp->proxy.threads[i].id, NULL, thread_main, &pp->proxy.threads[i]);
        if (r != 0) {
            log_error("a thread of the proxy cannot start: %s", strerror(r));
            return 1;
        }
    }
    thread_run(&pp->proxy.threads[0]);
    return 0;
}
