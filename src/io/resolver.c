/* io/resolver.c -- asks DNS, in a loop */
#include "io/resolver.h"

#include "io/library.h"
#include "io/srv_answer.h"

#define CARES_NO_DEPRECATED
#include <ares.h>
#include <arpa/nameser.h>
#include <sys/stat.h>

#define RESOLV_CONF "/etc/resolv.conf"
enum { SOCKETS_MAX = 32, TIMEOUT_MS = 1500, TRIES = 3, HOSTS_MAX = 16 };

static struct {
    bool loaded;
    union {
        struct { /* in the order of their names below */
            __typeof__(ares_library_init) *library_init;
            __typeof__(ares_init_options) *init_options;
            __typeof__(ares_destroy) *destroy;
            __typeof__(ares_set_servers_ports_csv) *set_servers;
            __typeof__(ares_getaddrinfo) *getaddrinfo;
            __typeof__(ares_freeaddrinfo) *freeaddrinfo;
            __typeof__(ares_search) *search;
            __typeof__(ares_process_fd) *process_fd;
            __typeof__(ares_timeout) *timeout;
            __typeof__(ares_strerror) *strerror;
        };
        void *function[10];
    };
} cares;

struct resolver_socket {
    struct watch watch;
    struct resolver *resolver;
};

struct resolver {
    struct loop *loop;
    char *servers; /* NULL: the system's */
    ares_channel channel;
    struct timespec conf_changed; /* of RESOLV_CONF, as the channel has it */
    u32 running;                  /* what c-ares has of ours */
    struct list runs;
    struct timer timer;
    struct resolver_socket socket[SOCKETS_MAX];
};

/* A query on its way; lives until c-ares has let go of all its parts. */
struct resolver_run {
    struct list link;
    struct resolver *resolver;
    struct resolver_query *query; /* NULL: forgotten */
    resolver_fn *fn;
    struct task done;
    u32 parts; /* that c-ares still has, and one while they are begun */
    struct srv_answer *services;
    struct resolver_answer answer;
};

/* One host whose addresses are asked for. */
struct part {
    struct resolver_run *run;
    u32 priority, weight;
    u16 port;
};

static int cares_load(struct problem *p)
{
    static const char *const names[] = {
        "ares_library_init", "ares_init_options", "ares_destroy", "ares_set_servers_ports_csv",
        "ares_getaddrinfo",  "ares_freeaddrinfo", "ares_search",  "ares_process_fd",
        "ares_timeout",      "ares_strerror",
    };
    static const struct library library = {
        .file = "libcares.so.2",
        .what = "c-ares, which asks DNS",
        .package = "libc-ares2",
        .names = names,
        .count = ARRAY_LEN(names),
    };

    _Static_assert(ARRAY_LEN(names) == ARRAY_LEN(cares.function), "one for each");
    if (cares.loaded)
        return 0;
    if (library_load(&library, cares.function, p) < 0)
        return -ENOTSUP;
    if (cares.library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS) {
        problem_set(p, "c-ares does not start");
        return -ENOTSUP;
    }
    cares.loaded = true;
    return 0;
}

/* ---- the loop ---- */

static void timer_set(struct resolver *r);

static void on_timer(struct timer *t)
{
    struct resolver *r = container_of(t, struct resolver, timer);

    cares.process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    timer_set(r);
}

static void timer_set(struct resolver *r)
{
    struct timeval tv;

    if (r->running && cares.timeout(r->channel, NULL, &tv))
        loop_timer(r->loop, &r->timer,
                   loop_now_ns(r->loop) + (u64)tv.tv_sec * NS_PER_S + (u64)tv.tv_usec * NS_PER_US,
                   on_timer);
    else
        loop_timer_stop(&r->timer);
}

static void on_socket(struct watch *w, u32 events)
{
    struct resolver *r = container_of(w, struct resolver_socket, watch)->resolver;
    ares_socket_t fd = w->fd;

    cares.process_fd(r->channel, events & ~EPOLLOUT ? fd : ARES_SOCKET_BAD,
                     events & EPOLLOUT ? fd : ARES_SOCKET_BAD);
    timer_set(r);
}

/* c-ares tells what it waits for at a descriptor of its own; neither: it is about to close it. */
static void on_socket_state(void *data, ares_socket_t fd, int readable, int writable)
{
    struct resolver *r = data;
    u32 events = (readable ? EPOLLIN : 0u) | (writable ? EPOLLOUT : 0u);
    struct resolver_socket *found = NULL;

    for (u32 i = 0; i < SOCKETS_MAX; i++) {
        struct resolver_socket *s = &r->socket[i];

        if (s->watch.loop && s->watch.fd == fd) {
            if (events)
                loop_watch_set(&s->watch, events);
            else
                loop_unwatch(&s->watch);
            return;
        }
        if (!s->watch.loop && !found)
            found = s;
    }
    /* One that cannot be watched has its queries time out. */
    if (events && found && loop_watch(r->loop, &found->watch, fd, events, on_socket) < 0)
        found->watch = (struct watch){ 0 };
}

/* ---- the channel ---- */

static struct timespec conf_changed(void)
{
    struct stat st;

    return stat(RESOLV_CONF, &st) < 0 ? (struct timespec){ 0 } : st.st_mtim;
}

static int channel_open(struct resolver *r, struct problem *p)
{
    struct ares_options options = {
        .timeout = TIMEOUT_MS,
        .tries = TRIES,
        .sock_state_cb = on_socket_state,
        .sock_state_cb_data = r,
    };
    int status = cares.init_options(&r->channel, &options,
                                    ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);

    if (status != ARES_SUCCESS) {
        r->channel = NULL;
        problem_set(p, "DNS: %s", cares.strerror(status));
        return -ENOTSUP;
    }
    r->conf_changed = conf_changed();
    if (r->servers && cares.set_servers(r->channel, r->servers) != ARES_SUCCESS)
        return problem_set(p, "\"%s\" are no DNS servers; right would be: 10.0.0.2,[::1]:5353",
                           r->servers);
    return 0;
}

int resolver_new(struct resolver **out, struct loop *loop, const char *servers, struct problem *p)
{
    struct resolver *r;
    int err = cares_load(p);

    if (err < 0)
        return err;
    r = calloc(1, sizeof(*r));
    if (!r)
        return -ENOMEM;
    r->loop = loop;
    list_init(&r->runs);
    for (u32 i = 0; i < SOCKETS_MAX; i++)
        r->socket[i].resolver = r;
    if (*servers && !(r->servers = str_dup(str_of(servers))))
        err = -ENOMEM;
    if (err == 0)
        err = channel_open(r, p);
    if (err < 0) {
        resolver_free(r);
        return err;
    }
    *out = r;
    return 0;
}

void resolver_free(struct resolver *r)
{
    if (!r)
        return;
    list_each_safe (link, &r->runs)
        resolver_forget(container_of(link, struct resolver_run, link)->query);
    if (r->channel)
        cares.destroy(r->channel); /* calls back, which ends the runs */
    loop_timer_stop(&r->timer);
    free(r->servers);
    free(r);
}

/* Other servers have been written into the system's file. */
static void channel_renew(struct resolver *r)
{
    struct timespec now = conf_changed();
    ares_channel old = r->channel;
    struct problem p;

    if (r->servers || r->running ||
        (now.tv_sec == r->conf_changed.tv_sec && now.tv_nsec == r->conf_changed.tv_nsec))
        return;
    if (channel_open(r, &p) == 0)
        cares.destroy(old);
    else
        r->channel = old;
}

/* ---- answers ---- */

static void run_free(struct resolver_run *run)
{
    loop_task_stop(&run->done);
    list_del(&run->link);
    free(run->services);
    free(run);
}

static void on_done(struct task *t)
{
    struct resolver_run *run = container_of(t, struct resolver_run, done);
    struct resolver_query *q = run->query;

    if (q) {
        q->resolver = NULL, q->run = NULL;
        run->fn(q, &run->answer);
    }
    run_free(run);
}

/* c-ares has let go of one part. */
static void part_over(struct resolver_run *run)
{
    if (--run->parts)
        return;
    if (run->answer.n) {
        run->answer.status = RESOLVER_OK;
        run->answer.why[0] = 0;
    }
    if (run->query)
        loop_task(run->resolver->loop, &run->done, on_done);
    else
        run_free(run);
}

/* Nothing comes of a part; that nobody could say counts for more than that there is nothing. */
static void part_failed(struct resolver_run *run, int status)
{
    bool nothing = status == ARES_ENODATA || status == ARES_ENOTFOUND;

    if (run->answer.status == RESOLVER_FAILED)
        return;
    run->answer.status = nothing ? RESOLVER_NOTHING : RESOLVER_FAILED;
    snprintf(run->answer.why, sizeof(run->answer.why), "%s", cares.strerror(status));
}

static void target_add(struct resolver_answer *a, const struct part *part, struct addr addr)
{
    addr.port = part->port;
    for (u32 i = 0; i < a->n; i++)
        if (memcmp(&a->target[i].addr, &addr, sizeof(addr)) == 0)
            return;
    if (a->n == RESOLVER_TARGETS_MAX)
        a->left_out++;
    else
        a->target[a->n++] = (struct resolver_target){ addr, part->priority, part->weight };
}

static void ttl_least(struct resolver_answer *a, int ttl_s)
{
    a->ttl_ns = min(a->ttl_ns, (u64)max(ttl_s, 0) * NS_PER_S);
}

static void on_addresses(void *data, int status, int timeouts, struct ares_addrinfo *info)
{
    struct part *part = data;
    struct resolver_run *run = part->run;

    (void)timeouts;
    run->resolver->running--;
    if (status == ARES_SUCCESS && info) {
        u32 before = run->answer.n + run->answer.left_out;

        for (struct ares_addrinfo_node *n = info->nodes; n; n = n->ai_next)
            if (n->ai_family == AF_INET || n->ai_family == AF_INET6) {
                target_add(&run->answer, part, addr_of(n->ai_addr));
                ttl_least(&run->answer, n->ai_ttl);
            }
        for (struct ares_addrinfo_cname *c = info->cnames; c; c = c->next)
            ttl_least(&run->answer, c->ttl);
        if (run->answer.n + run->answer.left_out == before && run->answer.n == 0)
            part_failed(run, ARES_ENODATA);
    } else {
        part_failed(run, status);
    }
    if (info)
        cares.freeaddrinfo(info);
    free(part);
    part_over(run);
}

static void addresses_ask(struct resolver_run *run, const char *name, struct part what)
{
    struct ares_addrinfo_hints hints = { .ai_flags = ARES_AI_NOSORT,
                                         .ai_family = AF_UNSPEC,
                                         .ai_socktype = SOCK_STREAM };
    struct part *part;
    struct addr literal;

    if (addr_parse_ip(str_of(name), &literal)) { /* nobody has to be asked */
        target_add(&run->answer, &what, literal);
        return;
    }
    part = malloc(sizeof(*part));
    if (!part) {
        part_failed(run, ARES_ENOMEM);
        return;
    }
    *part = what;
    part->run = run;
    run->parts++;
    run->resolver->running++;
    cares.getaddrinfo(run->resolver->channel, name, NULL, &hints, on_addresses, part);
}

/* An answer to a question about SRV. The hosts that it names are asked for one by one. */
static void on_services(void *data, int status, int timeouts, unsigned char *bytes, int len)
{
    struct resolver_run *run = data;
    struct srv_answer *services = run->services;
    u32 hosts = 0;

    (void)timeouts;
    run->resolver->running--;
    if (status == ARES_SUCCESS && (len < 0 || !srv_answer_parse(bytes, (size_t)len, services)))
        status = ARES_EBADRESP;
    if (status == ARES_SUCCESS && services->n == 0)
        status = ARES_ENODATA;
    if (status != ARES_SUCCESS)
        part_failed(run, status);
    else {
        ttl_least(&run->answer, (int)services->ttl_s);
        run->answer.left_out += services->left_out;
    }
    /* c-ares may not be asked anything more while it is being destroyed. */
    for (u32 i = 0; status == ARES_SUCCESS && run->query && i < services->n; i++) {
        const struct srv_record *s = &services->record[i];

        if (s->target[0] == 0) { /* RFC 2782: there is decidedly no such service */
            part_failed(run, ARES_ENODATA);
            continue;
        }
        if (hosts++ == HOSTS_MAX) {
            run->answer.left_out += services->n - i;
            break;
        }
        addresses_ask(run, s->target,
                      (struct part){ .priority = s->priority,
                                     .weight = max((u32)s->weight, 1u),
                                     .port = s->port });
    }
    part_over(run);
}

/* ---- questions ---- */

static void run_begin(struct resolver_run *run)
{
    struct resolver *r = run->resolver;

    run->parts = 1;
    run->answer.ttl_ns = (u64)INT32_MAX * NS_PER_S;
    if (run->services) {
        r->running++;
        cares.search(r->channel, run->query->name, C_IN, T_SRV, on_services, run);
    } else {
        addresses_ask(run, run->query->name,
                      (struct part){ .weight = 1, .port = run->query->port });
        part_over(run);
    }
}

void resolver_ask(struct resolver *r, struct resolver_query *q, resolver_fn *fn)
{
    struct resolver_run *run;

    if (q->run)
        return;
    channel_renew(r);
    run = calloc(1, sizeof(*run));
    if (run && q->kind == RESOLVER_SERVICE && !(run->services = malloc(sizeof(*run->services)))) {
        free(run);
        run = NULL;
    }
    if (!run)
        return; /* who asks does so again */
    *run = (struct resolver_run){ .resolver = r, .query = q, .fn = fn, .services = run->services };
    q->resolver = r, q->run = run;
    list_add(&r->runs, &run->link);
    run_begin(run);
    timer_set(r);
}

void resolver_forget(struct resolver_query *q)
{
    struct resolver_run *run = q ? TAKE(q->run, NULL) : NULL;

    if (!run)
        return;
    q->resolver = NULL;
    run->query = NULL;
    if (run->parts == 0)
        run_free(run);
}
