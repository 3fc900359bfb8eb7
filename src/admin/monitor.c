/* admin/monitor.c -- the process that watches */
#include "admin/monitor.h"

#include "admin/blocks.h"
#include "admin/leak_watch.h"
#include "admin/queries.h"
#include "admin/rates.h"
#include "admin/route_costs.h"
#include "admin/server.h"
#include "io/loop.h"
#include "io/sock.h"
#include "shm/region.h"
#include "shm/wire.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>

/* What is left to send when fettle ends has this long. */
#define LAST_NS (2 * NS_PER_S)

struct monitor {
    struct loop *loop;
    struct shm *shm;
    struct sampler *sampler;
    struct rates *rates;
    struct route_costs *costs;
    struct found *found;
    struct blocks *blocks;
    struct queries *queries;
    struct journals_into into; /* its leak watch is owned */
    struct journals *journals;
    struct admin_server *server;
    struct admin_server *local; /* for the commands of this user, whatever the admin address is */
    struct endpoint local_address;
    struct buf local_path; /* its */
    struct watch supervisor;
    struct timer tick, leaks_tick;
    struct exporter *exporter; /* NULL: nothing is sent by OTLP */
    struct points *points;
    const struct settings *settings;
    struct timer look;
};

/* What ps shows: the command line is written over. Settings keep copies, never views of it. */
static void process_name(const char *name)
{
    char text[2048];
    u64 start = 0, end = 0;
    size_t len = strlen(name);
    struct str stat, word;
    ssize_t n;

    prctl(PR_SET_NAME, name);
    AUTO(fd_closep) int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    n = fd < 0 ? -1 : read(fd, text, sizeof(text));
    if (n <= 0)
        return;
    stat = str_make(text, (size_t)n);
    for (size_t i = 0; i < stat.len; i++)
        if (text[i] == ')') /* the name before it may hold spaces */
            stat = str_make(text + i, (size_t)n - i);
    for (int field = 2; field <= 49 && stat.ptr; field++) {
        word = str_cut(stat, ' ', &stat);
        if ((field == 48 && !str_to_u64(word, &start)) || (field == 49 && !str_to_u64(word, &end)))
            return;
    }
    if (!start || end <= start + len)
        return;
    memset((char *)(uintptr_t)start, 0, (size_t)(end - start));
    memcpy((char *)(uintptr_t)start, name, len);
}

static void ticked(struct timer *t)
{
    struct monitor *m = container_of(t, struct monitor, tick);
    u64 now_ns = clock_now_ns();

    sampler_tick(m->sampler, m->shm, now_ns);
    rates_tick(m->rates, m->sampler, m->shm, now_ns);
    route_costs_tick(m->costs, m->shm, now_ns);
    loop_timer(m->loop, &m->tick, max(t->at_ns + SAMPLER_TICK_NS, now_ns), ticked);
}

static void leaks_ticked(struct timer *t)
{
    struct monitor *m = container_of(t, struct monitor, leaks_tick);
    u64 now_ns = clock_now_ns();

    leak_watch_tick(m->into.leaks, m->shm, &m->into, now_ns);
    loop_timer(m->loop, t, now_ns + leak_watch_pause_ns(m->into.leaks), leaks_ticked);
}

static struct page_source source_of(const struct monitor *m, const struct settings *settings)
{
    return (struct page_source){
        .shm = m->shm,
        .sampler = m->sampler,
        .found = m->found,
        .blocks = m->blocks,
        .journals = m->journals,
        .queries = m->queries,
        .costs = m->costs,
        .exporter = m->exporter,
        .prom_client = settings->metrics_prom_client,
        .opentelemetry = settings->metrics_opentelemetry,
    };
}

static void metrics_send(struct monitor *m, u64 now_ns)
{
    struct page_source source = source_of(m, m->settings);
    struct batch *b;

    source.now_ns = now_ns;
    b = page_otlp(m->points, &source);
    if (b)
        exporter_metrics_put(m->exporter, b);
}

/* fettle ends: what it has seen is told, as far as that is quick. */
static void last_send(struct monitor *m)
{
    u64 now_ns = clock_now_ns();

    exporter_look(m->exporter, now_ns);
    if (exporter_counts(m->exporter, EXPORTER_METRICS))
        metrics_send(m, now_ns);
    exporter_free(TAKE(m->exporter, NULL), LAST_NS);
    points_free(TAKE(m->points, NULL));
}

static void looked(struct timer *t)
{
    struct monitor *m = container_of(t, struct monitor, look);
    u64 now_ns = clock_now_ns();

    exporter_look(m->exporter, now_ns);
    if (exporter_metrics_due(m->exporter, now_ns))
        metrics_send(m, now_ns);
    loop_timer(m->loop, t, now_ns + EXPORTER_LOOK_NS, looked);
}

/* What cannot be sent keeps nobody from the rest. */
static int exporter_start(struct monitor *m, const struct settings *settings)
{
    struct problem p = { 0 };
    int r = exporter_new(&m->exporter, m->shm, settings, environ, &p);

    if (r == -EINVAL || r == -ENOTSUP) {
        log_error("traces and metrics are not sent: %s", p.text);
        return 0;
    }
    if (r == 0 && m->exporter)
        r = points_new(&m->points, exporter_identity(m->exporter), exporter_is_delta(m->exporter),
                       atomic_load(&m->shm->monitor_restarts) > 0);
    if (r == 0 && m->exporter)
        loop_timer(m->loop, &m->look, clock_now_ns() + EXPORTER_LOOK_NS, looked);
    return r;
}

/* The supervisor sends nothing; the end of its socket is its end. */
static void supervisor_event(struct watch *w, u32 events)
{
    struct monitor *m = container_of(w, struct monitor, supervisor);
    struct wire_note note;
    ssize_t n;
    u32 fds;

    (void)events;
    n = sock_recv_msg(w->fd, &note, sizeof(note), NULL, 0, &fds);
    if (n == 0 || (n < 0 && n != -EAGAIN && n != -EMSGSIZE))
        loop_stop(m->loop);
}

/* The same pages on a unix socket in the runtime folder, which is this user's only. */
static int local_start(struct monitor *m, const struct settings *settings)
{
    const struct admin_server_conf conf = { .address = &m->local_address,
                                            .source = source_of(m, settings) };

    if (!settings->runtime_dir.len)
        return 0;
    buf_addf(&m->local_path, "%.*s/" MONITOR_SOCKET, STR_ARG(settings->runtime_dir));
    if (m->local_path.failed)
        return -ENOMEM;
    m->local_address = (struct endpoint){ .kind = ENDPOINT_UNIX, .path = buf_str(&m->local_path) };
    return admin_server_new(&m->local, m->loop, &conf);
}

static int server_start(struct monitor *m, const struct settings *settings)
{
    const struct admin_server_conf conf = {
        .address = &settings->admin,
        .rules = permit_rules_of(settings),
        .source = source_of(m, settings),
    };
    struct problem problem = { 0 };

    if (settings->admin.kind == ENDPOINT_OFF)
        return 0;
    if (settings_check(settings, &problem) < 0) {
        /* `fettle run` has refused to start so; who comes here anyhow gets no open door. */
        log_error("%s; the admin address stays closed", problem.text);
        return 0;
    }
    return admin_server_new(&m->server, m->loop, &conf);
}

static int monitor_start(struct monitor *m, const struct settings *settings)
{
    int r = region_map(WIRE_SHM_FD, &m->shm);

    if (r < 0) {
        log_error("descriptor %d is not fettle's shared memory: %s; the monitor is started by "
                  "fettle itself, not by hand",
                  WIRE_SHM_FD, strerror(-r));
        return r;
    }
    r = sampler_new(&m->sampler);
    if (r == 0)
        r = rates_new(&m->rates);
    if (r == 0)
        r = route_costs_new(&m->costs);
    if (r == 0)
        r = loop_new(&m->loop);
    if (r == 0)
        r = sock_nonblock(WIRE_PROXY_FD);
    if (r == 0)
        r = loop_watch(m->loop, &m->supervisor, WIRE_PROXY_FD, EPOLLIN, supervisor_event);
    if (r == 0)
        r = found_new(&m->found);
    if (r == 0)
        r = blocks_new(&m->blocks, m->loop, m->shm, m->found, WIRE_PROXY_FD);
    if (r == 0)
        r = exporter_start(m, settings);
    if (r == 0)
        r = queries_new(&m->queries);
    if (r == 0)
        r = leak_watch_new(&m->into.leaks, settings->leak_after_ns);
    if (r == 0) {
        m->into.shm = m->shm;
        m->into.found = m->found;
        m->into.blocks = m->blocks;
        m->into.queries = m->queries;
        m->into.exporter = m->exporter;
        r = journals_new(&m->journals, m->loop, &m->into);
    }
    if (r == 0)
        blocks_journals(m->blocks, m->journals);
    if (r == 0)
        r = local_start(m, settings);
    if (r == 0)
        r = server_start(m, settings);
    if (r < 0)
        log_error("the monitor cannot start: %s", strerror(-r));
    return r;
}

int monitor_run(const struct settings *settings)
{
    struct monitor m = { 0 };
    int r;

    process_name("fettle: monitor");
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, SIG_IGN); /* a terminal sends it to all; the supervisor decides */
    signal(SIGHUP, SIG_IGN);
    m.settings = settings;
    r = monitor_start(&m, settings);
    if (r == 0) {
        sampler_tick(m.sampler, m.shm, clock_now_ns());
        route_costs_tick(m.costs, m.shm, clock_now_ns());
        loop_timer(m.loop, &m.tick, loop_now_ns(m.loop) + SAMPLER_TICK_NS, ticked);
        leaks_ticked(&m.leaks_tick);
        loop_run(m.loop);
    }
    if (r == 0 && m.exporter)
        last_send(&m);
    admin_server_free(m.server);
    admin_server_free(m.local);
    buf_done(&m.local_path);
    journals_free(m.journals);
    blocks_free(m.blocks);
    leak_watch_free(m.into.leaks);
    found_free(m.found);
    queries_free(m.queries);
    loop_timer_stop(&m.tick);
    loop_timer_stop(&m.leaks_tick);
    loop_unwatch(&m.supervisor);
    loop_free(m.loop);
    route_costs_free(m.costs);
    rates_free(m.rates);
    sampler_free(m.sampler);
    region_unmap(m.shm);
    return r < 0;
}
