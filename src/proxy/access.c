/* proxy/access.c -- the access log, and warnings about slow requests */
#include "proxy/access.h"

#include "base/log.h"
#include "io/spool.h"
#include "proxy/exchange.h"
#include "shm/refusal.h"

#include <signal.h>

enum { SPOOL_BYTES = 4 << 20, SLOW_WARNINGS_PER_S = 5, LOG_FLUSH_BYTES = 32768, UNKNOWN = -1 };

struct facts {
    struct str method, target, id;
    struct str trace;    /* 32 hex digits, or empty */
    struct str app;      /* empty: there is only one */
    struct str endpoint; /* empty: a worker had it, or nobody */
    char endpoint_text[ADDR_TEXT_MAX];
    double total_ms, queue_ms, loop_ms, upstream_ms; /* below 0: unknown */
    u32 worker;
};

static double ms_between(u64 from_ns, u64 to_ns)
{
    return from_ns && to_ns >= from_ns ? (double)(to_ns - from_ns) / NS_PER_MS : UNKNOWN;
}

/* When the loop took up what it was given at `given_ns`: the first turn that began after it. */
static u64 turn_after(struct shm_loop *loop, u64 given_ns)
{
    u64 turns = atomic_load(&loop->turns), found = 0;

    for (u64 i = turns; i > 0 && turns - i < SHM_TURNS_MAX; i--) {
        u64 at = atomic_load(&loop->turn_at_ns[(i - 1) % SHM_TURNS_MAX]);

        if (at < given_ns)
            return found;
        found = at;
    }
    return turns < SHM_TURNS_MAX ? found : 0;
}

u64 access_loop_wait_ns(struct exchange *x)
{
    u64 given_ns = x->times.dispatched_ns, turn_ns;

    if (x->loop_idle)
        return 0;
    if (!x->claim.slot || !given_ns || x->claim.slot->generation != x->claim.generation)
        return UINT64_MAX;
    turn_ns = turn_after(&x->claim.slot->loop, given_ns);
    return turn_ns >= given_ns ? turn_ns - given_ns : UINT64_MAX;
}

static double loop_wait_ms(struct exchange *x)
{
    u64 ns = access_loop_wait_ns(x);

    return ns == UINT64_MAX ? UNKNOWN : (double)ns / NS_PER_MS;
}

static void add_time(struct buf *b, const char *name, double ms, bool json)
{
    if (ms >= 0)
        buf_addf(b, json ? ",\"%s_ms\":%.3f" : " %s=%.3f", name, ms);
    else if (!json)
        buf_addf(b, " %s=-", name);
}

static void add_when(struct buf *b)
{
    u64 ms = clock_wall_ms();
    time_t s = (time_t)(ms / 1000);
    struct tm tm;
    char when[32];

    gmtime_r(&s, &tm);
    strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
    buf_addf(b, "%s.%03uZ", when, (u32)(ms % 1000));
}

/* The id of the trace that the request belongs to: ours, or what the client says. */
static struct str trace_of(struct exchange *x, const char *bytes, char out[32])
{
    struct http_field *f = http_field_find(&x->req, HTTP_TRACEPARENT);
    struct traceparent parent;

    if (x->span.on)
        parent = x->span.own;
    else if (!f || !traceparent_parse(http_text(bytes, f->value), &parent))
        return (struct str){ 0 };
    traceparent_hex(parent.trace, sizeof(parent.trace), out);
    return str_make(out, 32);
}

/* The name of the app that has the request, where there are several. */
static struct str app_of(struct exchange *x)
{
    const struct shm *shm = x->client->thread->proxy->shm;
    const char *name = shm->app[x->app].name;

    if (shm->apps < 2 || x->is_nobodys)
        return (struct str){ 0 };
    return str_make(name, strnlen(name, SHM_NAME_MAX));
}

static void line_text(struct buf *b, struct exchange *x, const struct facts *f, struct str ip)
{
    add_when(b);
    buf_addf(b, " %.*s \"", STR_ARG(ip.len ? ip : STR("-")));
    buf_add_json(b, f->method);
    buf_addc(b, ' ');
    buf_add_json(b, f->target);
    buf_addf(b, " HTTP/1.%u\" %u %llu worker=%u", x->head_known ? x->req.version_minor : 1,
             x->status, (unsigned long long)x->sent_bytes, f->worker);
    add_time(b, "total", f->total_ms, false);
    add_time(b, "queue", f->queue_ms, false);
    add_time(b, "loop", f->loop_ms, false);
    add_time(b, "upstream", f->upstream_ms, false);
    buf_add(b, STR(" id="));
    buf_add_json(b, f->id);
    if (f->trace.len)
        buf_addf(b, " trace=%.*s", STR_ARG(f->trace));
    if (f->app.len)
        buf_addf(b, " app=%.*s", STR_ARG(f->app));
    if (f->endpoint.len)
        buf_addf(b, " endpoint=%.*s", STR_ARG(f->endpoint));
    if (x->cache_result)
        buf_addf(b, " cache=%.*s", STR_ARG(cached_result_text(x->cache_result)));
    if (x->route_len)
        buf_addf(b, " route=%.*s", (int)x->route_len, x->route);
    if (x->refusal)
        buf_addf(b, " reason=%s", refusal_name[x->refusal - 1]);
    buf_addc(b, '\n');
}

static void line_json(struct buf *b, struct exchange *x, const struct facts *f, struct str ip)
{
    buf_add(b, STR("{\"time\":\""));
    add_when(b);
    buf_addf(b, "\",\"source\":\"access\",\"client\":\"%.*s\",\"method\":\"", STR_ARG(ip));
    buf_add_json(b, f->method);
    buf_add(b, STR("\",\"target\":\""));
    buf_add_json(b, f->target);
    buf_addf(b, "\",\"version\":\"1.%u\",\"status\":%u,\"bytes\":%llu,\"worker\":%u",
             x->head_known ? x->req.version_minor : 1, x->status, (unsigned long long)x->sent_bytes,
             f->worker);
    add_time(b, "total", f->total_ms, true);
    add_time(b, "queue", f->queue_ms, true);
    add_time(b, "loop", f->loop_ms, true);
    add_time(b, "upstream", f->upstream_ms, true);
    buf_add(b, STR(",\"request_id\":\""));
    buf_add_json(b, f->id);
    buf_addc(b, '"');
    if (f->trace.len)
        buf_addf(b, ",\"trace_id\":\"%.*s\"", STR_ARG(f->trace));
    if (x->route_len) {
        buf_add(b, STR(",\"route\":\""));
        buf_add_json(b, str_make(x->route, x->route_len));
        buf_addc(b, '"');
    }
    if (x->cache_result)
        buf_addf(b, ",\"cache\":\"%.*s\"", STR_ARG(cached_result_text(x->cache_result)));
    if (f->endpoint.len)
        buf_addf(b, ",\"endpoint\":\"%.*s\"", STR_ARG(f->endpoint));
    if (f->app.len) {
        buf_add(b, STR(",\"app\":\""));
        buf_add_json(b, f->app);
        buf_addc(b, '"');
    }
    if (x->refusal)
        buf_addf(b, ",\"reason\":\"%s\"", refusal_name[x->refusal - 1]);
    buf_add(b, STR("}\n"));
}

struct logfile_rules access_log_rules(const struct settings *s)
{
    static const enum logfile_period period[] = {
        [SETTINGS_PERIOD_OFF] = LOGFILE_PERIOD_OFF,
        [SETTINGS_PERIOD_HOURLY] = LOGFILE_PERIOD_HOURLY,
        [SETTINGS_PERIOD_DAILY] = LOGFILE_PERIOD_DAILY,
    };

    return (struct logfile_rules){
        .rotate_bytes = s->log_rotate_bytes,
        .period = period[s->log_rotate],
        .keep = s->log_keep,
        .keep_ns = s->log_keep_ns,
        .compress = s->log_compress,
        .tidy_program = "/proc/self/exe",
    };
}

static struct proxy *reopen_all; /* a signal handler has no argument */

static void reopen(int signal)
{
    (void)signal;
    for (u32 i = 0; i < atomic_load(&reopen_all->access_logs); i++)
        if (reopen_all->access[i].file)
            logfile_reopen(reopen_all->access[i].file);
}

int access_init(struct proxy *p)
{
    struct sigaction moved = { .sa_handler = reopen, .sa_flags = SA_RESTART };

    p->access = calloc(ACCESS_LOGS_MAX, sizeof(*p->access));
    if (!p->access)
        return -ENOMEM;
    reopen_all = p;
    sigaction(SIGUSR2, &moved, NULL);
    return 0;
}

static int log_open(struct access_log *log, struct str path, const struct logfile_rules *rules)
{
    int err;

    log->path = str_dup(path);
    if (!log->path)
        return -ENOMEM;
    if (str_eq(path, STR("-")))
        return spool_new(&log->spool, STDOUT_FILENO, SPOOL_BYTES);
    err = logfile_new(&log->file, log->path, rules);
    if (!err && logfile_error(log->file))
        log_warn("the access log %s cannot be opened: %s; it is tried again", log->path,
                 strerror(logfile_error(log->file)));
    return err;
}

u32 access_find(struct proxy *p, const struct settings *s)
{
    struct logfile_rules rules = access_log_rules(s);
    struct str path = s->request.access_log;
    u32 n = atomic_load(&p->access_logs);
    int err = -EMFILE;

    if (path.len == 0)
        return RULESET_NO_LOG;
    for (u32 i = 0; i < n; i++)
        if (str_eq(str_of(p->access[i].path), path))
            return i;
    if (n < ACCESS_LOGS_MAX)
        err = log_open(&p->access[n], path, &rules);
    if (err) {
        log_error("the access log %.*s cannot be kept: %s", STR_ARG(str_sub(path, 0, 300)),
                  n < ACCESS_LOGS_MAX ? strerror(-err) : "there are 16 others, which is the most");
        if (n < ACCESS_LOGS_MAX) {
            free(p->access[n].path);
            p->access[n] = (struct access_log){ 0 };
        }
        return RULESET_NO_LOG;
    }
    atomic_store(&p->access_logs, n + 1);
    return n;
}

static void log_tick(struct proxy *p, struct access_log *log, u64 now_ns)
{
    AUTO(buf_done) struct buf text = { 0 };

    COUNT(p->shm->proxy.log_dropped, logfile_lost(log->file) - log->lost);
    log->lost = logfile_lost(log->file);
    if (logfile_trouble(log->file, now_ns, &text))
        log_warn("%.*s", STR_ARG(buf_str(&text)));
}

void access_tick(struct proxy *p, u64 now_ns)
{
    for (u32 i = 0; i < atomic_load(&p->access_logs); i++)
        if (p->access[i].file)
            log_tick(p, &p->access[i], now_ns);
}

void access_flush(struct proxy *p)
{
    for (u32 i = 0; i < atomic_load(&p->access_logs); i++) {
        spool_flush(p->access[i].spool, NS_PER_S);
        logfile_flush(p->access[i].file, NS_PER_S);
    }
}

static void log_flush(struct thread *t, const struct access_log *log, struct buf *lines)
{
    struct str rest = buf_str(lines);

    if (rest.len && log->file)
        logfile_write(log->file, rest);
    while (rest.len && log->spool) { /* what does not fit is dropped by the line */
        ptrdiff_t at = str_index(rest, '\n');
        size_t len = at < 0 ? rest.len : (size_t)at + 1;

        if (!spool_write(log->spool, str_sub(rest, 0, len)))
            COUNT(t->proxy->shm->proxy.log_dropped, 1);
        rest = str_sub(rest, len, rest.len);
    }
    buf_clear(lines);
}

static void flush(struct task *task)
{
    struct thread *t = container_of(task, struct thread, log_task);

    for (u32 i = 0; i < atomic_load(&t->proxy->access_logs); i++)
        log_flush(t, &t->proxy->access[i], &t->log[i]);
}

/* At most SLOW_WARNINGS_PER_S a second and thread; the rest is counted. */
static bool slow_allowed(struct thread *t, u64 now_ns)
{
    if (now_ns - t->slow_window_ns >= NS_PER_S) {
        if (t->slow_left_out)
            log_warn("%u more slow requests in that second", t->slow_left_out);
        t->slow_window_ns = now_ns;
        t->slow_in_window = t->slow_left_out = 0;
    }
    if (t->slow_in_window < SLOW_WARNINGS_PER_S) {
        t->slow_in_window++;
        return true;
    }
    t->slow_left_out++;
    return false;
}

/* Slow is what took long to begin its answer: a long download or an event stream is not. */
static void warn_if_slow(struct exchange *x, const struct facts *f, u64 now_ns)
{
    struct thread *t = x->client->thread;
    u64 slow_ns = x->rule->is.slow_ns;
    u64 begun_ns = x->times.first_byte_ns ? x->times.first_byte_ns : now_ns;
    AUTO(buf_done) struct buf b = { 0 };

    if (!slow_ns || !x->head_known || begun_ns - x->times.begun_ns < slow_ns || x->status == 101 ||
        !slow_allowed(t, now_ns))
        return;
    buf_add_json(&b, f->method);
    buf_addc(&b, ' ');
    buf_add_json(&b, str_sub(f->target, 0, 200));
    buf_addf(&b, " took %.0f ms (status %u, %.*s%s", ms_between(x->times.begun_ns, begun_ns),
             x->status, STR_ARG(f->app), f->app.len ? " " : "");
    if (f->endpoint.len)
        buf_add(&b, f->endpoint);
    else
        buf_addf(&b, "worker %u", f->worker);
    add_time(&b, "queue", f->queue_ms, false);
    add_time(&b, "loop", f->loop_ms, false);
    add_time(&b, "upstream", f->upstream_ms, false);
    buf_add(&b, STR(" ms, id="));
    buf_add_json(&b, f->id);
    buf_addc(&b, ')');
    if (!b.failed)
        log_warn("slow request: %.*s", STR_ARG(buf_str(&b)));
}

void access_tell(struct exchange *x, const char *bytes, u64 now_ns)
{
    struct thread *t = x->client->thread;
    u64 slow_ns = x->rule->is.slow_ns;
    char ip_text[ADDR_TEXT_MAX], id[EXCHANGE_ID_MAX], trace[32];
    struct addr peer;

    bool is_logged = x->rule->access != RULESET_NO_LOG;

    if (!is_logged && (!slow_ns || now_ns - x->times.begun_ns < slow_ns))
        return;
    struct facts f = {
        .method = x->head_known && bytes ? http_text(bytes, x->req.method_text) : STR("-"),
        .target = x->head_known && bytes ? http_text(bytes, x->req.target) : STR("-"),
        .id = exchange_id(x, bytes, id),
        .trace = x->head_known && bytes ? trace_of(x, bytes, trace) : (struct str){ 0 },
        .app = app_of(x),
        .total_ms = ms_between(x->times.begun_ns, now_ns),
        .queue_ms = (double)x->times.queue_ns / NS_PER_MS,
        .loop_ms = loop_wait_ms(x),
        .upstream_ms = ms_between(x->times.dispatched_ns, x->times.first_byte_ns),
        .worker = x->claim.slot ? x->claim.slot->worker : 0,
    };
    if (x->host.to)
        f.endpoint = addr_text(&x->host.to->addr, f.endpoint_text);
    warn_if_slow(x, &f, now_ns);
    if (!is_logged)
        return;
    peer = x->head_known && bytes ? exchange_peer(x) : x->client->peer;
    struct buf *lines = &t->log[x->rule->access];

    (proxy_settings(t->proxy)->log == SETTINGS_LOG_JSON ? line_json : line_text)(
        lines, x, &f, addr_ip_text(&peer, ip_text));
    if (lines->failed)
        buf_clear(lines);
    if (lines->len >= LOG_FLUSH_BYTES)
        flush(&t->log_task);
    else
        loop_task(t->loop, &t->log_task, flush);
}
