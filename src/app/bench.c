/* app/bench.c -- `fettle bench URL`: puts a load on a target, and says what came of it */
#include "app/bench_options.h"
#include "app/bench_report.h"
#include "app/command.h"
#include "app/exit_code.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>

enum { TARGETS = 2, MESSAGE_BYTES = 125 };

struct bench {
    struct bench_options options;
    u32 targets;
    struct destination destination[TARGETS];
    struct mix mix;
    const char *kind_names[MIX_KINDS_MAX];
    struct engine_conf conf[TARGETS];
    struct result total[TARGETS];
    double *measures[TARGETS][BENCH_MEASURES]; /* of each round */
    struct buf rounds_json;
    u32 rounds; /* finished */
    int signal_fd;
    bool interrupted;
    u64 shown_ns, shown_answered; /* of the progress */
};

static void bench_done(struct bench *b)
{
    bench_options_done(&b->options);
    for (u32 t = 0; t < TARGETS; t++) {
        destination_done(&b->destination[t]);
        result_done(&b->total[t]);
        for (u32 m = 0; m < BENCH_MEASURES; m++)
            free(b->measures[t][m]);
    }
    mix_done(&b->mix);
    buf_done(&b->rounds_json);
    fd_closep(&b->signal_fd);
}

static int report_problem(int err, const struct problem *p)
{
    struct problem memory = { .text = "out of memory" };

    command_problem(err == -ENOMEM ? &memory : p);
    return err == -ENOMEM ? EXIT_APP : EXIT_USAGE;
}

/* The one kind that the flags tell. */
static int kind_from_flags(struct bench *b, struct problem *p)
{
    const struct bench_options *o = &b->options;
    struct mix_kind *k = mix_add(&b->mix);
    struct str rest = o->headers, value;
    int err = k ? 0 : -ENOMEM;

    if (!err && o->method.len)
        err = mix_kind_method(k, o->method, p);
    while (!err && rest.len) {
        struct str line = str_cut(rest, '\n', &rest), name = str_cut(line, ':', &value);

        if (!value.ptr)
            return problem_set(p, "--header: \"%.*s\" has no colon; write \"name: value\"",
                               STR_ARG(str_sub(line, 0, 80)));
        err = mix_kind_field(k, name, value, p);
    }
    if (!err && o->body.len)
        err = mix_kind_body(k, o->body);
    if (!err && o->body_file.len)
        err = mix_kind_body_file(k, o->body_file.ptr, p);
    return err;
}

/* A message has neither method nor path; what the flags say of fields is for the upgrade. */
static int message_check(const struct bench *b, struct mix_kind *k, struct problem *p)
{
    char text[MESSAGE_BYTES];

    if (k->method.len || k->path.len || (b->options.mix.len && k->fields.len))
        return problem_set(p, "a message of a WebSocket has no method, path or headers; give it a "
                              "name, a weight and a body");
    if (k->has_body)
        return 0;
    memset(text, 'x', sizeof(text));
    return mix_kind_body(k, str_make(text, sizeof(text)));
}

static int prepare_mix(struct bench *b, struct problem *p)
{
    bool messages = b->destination[0].websocket;
    int err = b->options.mix.len ? mix_read(&b->mix, b->options.mix.ptr, p) : kind_from_flags(b, p);

    if (!err && b->targets > 1 && messages != b->destination[1].websocket)
        err = problem_set(p, "requests and messages cannot be compared; write http:// or ws:// in "
                             "both URLs");
    for (u32 i = 0; i < b->mix.count && !err; i++) {
        struct mix_kind *k = &b->mix.kinds[i];

        err = messages ? message_check(b, k, p) : 0;
        if (err)
            break;
        if (k->name.len == 0)
            buf_add(&k->name, k->path.len                  ? buf_str(&k->path)
                              : b->destination[0].path.len ? b->destination[0].path
                                                           : STR("/"));
        buf_addc(&k->name, 0);
        err = k->name.failed ? -ENOMEM : 0;
        k->name.len--;
        b->kind_names[i] = k->name.ptr;
    }
    return err;
}

static int prepare(struct bench *b, struct problem *p)
{
    const struct bench_options *o = &b->options;
    struct str url[TARGETS] = { o->url, o->url2 }, path[TARGETS] = { o->unix_path, o->unix_path2 };
    int err = 0;

    b->targets = o->url2.len ? 2 : 1;
    for (u32 t = 0; t < b->targets && !err; t++)
        err = destination_init(&b->destination[t], url[t], path[t].len ? path[t].ptr : NULL, p);
    if (!err)
        err = prepare_mix(b, p);
    for (u32 t = 0; t < b->targets && !err; t++) {
        b->conf[t] = (struct engine_conf){ .destination = &b->destination[t],
                                           .mix = &b->mix,
                                           .connections = o->connections,
                                           .threads = o->threads,
                                           .rate = o->rate,
                                           .poisson = o->arrivals == BENCH_POISSON,
                                           .keep_alive = o->keepalive,
                                           .warmup_ns = o->warmup_ns,
                                           .duration_ns = o->duration_ns,
                                           .timeout_ns = o->timeout_ns,
                                           .seed = o->seed };
        err = result_init(&b->total[t], b->mix.count);
        for (u32 m = 0; m < BENCH_MEASURES && !err; m++) {
            b->measures[t][m] = calloc(o->rounds, sizeof(double));
            err = b->measures[t][m] ? 0 : -ENOMEM;
        }
    }
    return err;
}

/* A descriptor for each connection, and some for fettle itself. */
static int files_raise(const struct bench_options *o, struct problem *p)
{
    struct rlimit limit;
    u32 wanted = o->connections + 64;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
        return 0;
    limit.rlim_cur = min(limit.rlim_max, (rlim_t)wanted);
    if (limit.rlim_cur < wanted || setrlimit(RLIMIT_NOFILE, &limit) < 0)
        return problem_set(p,
                           "--connections: %u connections need %u open files, and the limit here "
                           "is %llu (ulimit -n)",
                           o->connections, wanted, (unsigned long long)limit.rlim_max);
    return 0;
}

static int signals_open(struct bench *b)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    b->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return b->signal_fd < 0 ? -errno : 0;
}

/* One line on standard error, written over again and again. */
static void progress_show(struct bench *b, u32 target, const struct engine_progress *p)
{
    u64 from_ns = p->measure_from_ns, now_ns = clock_now_ns(), answered = p->answered;
    double since = (double)(now_ns - b->shown_ns) / NS_PER_S;

    fputs("\r\033[K", stderr);
    if (!from_ns)
        fprintf(stderr, "connecting to %s …", b->destination[target].url);
    else if (now_ns < from_ns)
        fprintf(stderr, "%s: warming up", b->destination[target].url);
    else
        fprintf(stderr, "%s: %.0f of %.0f s, %llu answered, %.0f/s, %llu failed",
                b->destination[target].url, (double)(now_ns - from_ns) / NS_PER_S,
                (double)b->options.duration_ns / NS_PER_S, (unsigned long long)answered,
                answered >= b->shown_answered ? (double)(answered - b->shown_answered) / since
                                              : 0.0,
                (unsigned long long)p->failed);
    b->shown_ns = now_ns;
    b->shown_answered = answered;
}

static void watch(struct bench *b, u32 target, struct engine *e)
{
    bool shown = isatty(STDERR_FILENO);
    struct pollfd fds[2] = { { .fd = engine_fd(e), .events = POLLIN },
                             { .fd = b->signal_fd, .events = POLLIN } };

    while (!(fds[0].revents & POLLIN)) {
        if (poll(fds, ARRAY_LEN(fds), shown ? 500 : -1) < 0 && errno != EINTR)
            break;
        if (fds[1].revents & POLLIN) {
            b->interrupted = true;
            engine_stop(e);
            fds[1].fd = -1;
        }
        if (shown)
            progress_show(b, target, engine_progress(e));
    }
    if (shown)
        fputs("\r\033[K", stderr);
}

/* A measurement of one target into *result. */
static int measure(struct bench *b, u32 target, struct result *result)
{
    struct engine *e;
    int err = result_init(result, b->mix.count);

    if (!err)
        err = engine_start(&e, &b->conf[target]);
    if (err)
        return err;
    watch(b, target, e);
    engine_finish(e, result);
    result_sum(result);
    result_append(&b->total[target], result);
    return 0;
}

static struct bench_report report_of(const struct bench *b, u32 target, const struct result *r)
{
    return (struct bench_report){ &b->conf[target], r, b->kind_names };
}

/* Both targets, A first in every other round, so that what drifts meets both alike. */
static int round_run(struct bench *b, u32 round)
{
    struct result result[TARGETS] = { 0 };
    int err = 0;

    for (u32 i = 0; i < TARGETS && !err && !b->interrupted; i++)
        err = measure(b, (round + i) % TARGETS, &result[(round + i) % TARGETS]);
    if (!err && !b->interrupted) {
        buf_addf(&b->rounds_json, "%s{", b->rounds ? "," : "");
        for (u32 t = 0; t < TARGETS; t++) {
            struct bench_report r = report_of(b, t, &result[t]);

            buf_addf(&b->rounds_json, "%s\"%s\":", t ? "," : "", t ? "b" : "a");
            bench_report_json(&b->rounds_json, &r);
            for (u32 m = 0; m < BENCH_MEASURES; m++)
                b->measures[t][m][b->rounds] = bench_measure(&result[t], m);
        }
        buf_addc(&b->rounds_json, '}');
        b->rounds++;
    }
    for (u32 t = 0; t < TARGETS; t++)
        result_done(&result[t]);
    return err;
}

static void ratios_of(const struct bench *b, struct ratio ratios[BENCH_MEASURES])
{
    for (u32 m = 0; m < BENCH_MEASURES; m++)
        ratios[m] = ratio_of(b->measures[0][m], b->measures[1][m], b->rounds);
}

static void print_json(const struct bench *b, struct buf *out)
{
    struct ratio ratios[BENCH_MEASURES];

    if (b->targets == 1) {
        struct bench_report r = report_of(b, 0, &b->total[0]);

        bench_report_json(out, &r);
        buf_addc(out, '\n');
        return;
    }
    ratios_of(b, ratios);
    buf_addf(out, "{\"rounds\":[%.*s]", STR_ARG(buf_str(&b->rounds_json)));
    bench_ratios_json(out, ratios);
    for (u32 t = 0; t < b->targets; t++) {
        struct bench_report r = report_of(b, t, &b->total[t]);

        buf_addf(out, ",\"%s\":", t ? "b" : "a");
        bench_report_json(out, &r);
    }
    buf_add(out, STR("}\n"));
}

static void print_text(const struct bench *b, struct buf *out)
{
    struct ratio ratios[BENCH_MEASURES];

    for (u32 t = 0; t < b->targets; t++) {
        struct bench_report r = report_of(b, t, &b->total[t]);

        if (t)
            buf_addc(out, '\n');
        bench_report_text(out, &r);
    }
    if (b->targets == 1)
        return;
    ratios_of(b, ratios);
    buf_addc(out, '\n');
    bench_ratios_text(out, ratios, b->rounds);
}

static int hdr_write(const struct bench *b, u32 target)
{
    AUTO(buf_done) struct buf path = { 0 };
    AUTO(buf_done) struct buf text = { 0 };
    FILE *file;

    buf_addf(&path, "%.*s%s", STR_ARG(b->options.hdr), target ? ".2" : "");
    buf_addc(&path, 0);
    hdr_text(&b->total[target].latency, &text);
    if (path.failed || text.failed)
        return command_usage("out of memory"), EXIT_APP;
    file = fopen(path.ptr, "we");
    if (file && fwrite(text.ptr, 1, text.len, file) == text.len && fclose(file) == 0)
        return EXIT_OK;
    command_usage("--hdr: %s cannot be written: %s", path.ptr, strerror(errno));
    return EXIT_APP;
}

static int run(struct bench *b)
{
    int err = 0;

    if (b->targets == 1) {
        struct result result = { 0 };

        err = measure(b, 0, &result);
        result_done(&result);
    }
    for (u32 i = 0; b->targets > 1 && i < b->options.rounds && !err && !b->interrupted; i++)
        err = round_run(b, i);
    for (u32 t = 0; t < b->targets; t++)
        result_sum(&b->total[t]);
    return err;
}

static int finish(struct bench *b)
{
    AUTO(buf_done) struct buf out = { 0 };
    int code = EXIT_OK, printed;

    b->options.json ? print_json(b, &out) : print_text(b, &out);
    printed = command_print(&out);
    for (u32 t = 0; t < b->targets; t++) {
        if (b->options.hdr.len && code == EXIT_OK)
            code = hdr_write(b, t);
        if (result_answered(&b->total[t]))
            continue;
        command_usage("%s gave no answer: %s", b->destination[t].url,
                      b->total[t].trouble[0] ? b->total[t].trouble
                                             : "it was not asked long enough");
        code = EXIT_APP;
    }
    return printed ? printed : code;
}

int bench_command(int argc, char **argv)
{
    AUTO(bench_done) struct bench b = { .signal_fd = -1 };
    struct problem p = { 0 };
    int err, code = bench_options_read(&b.options, argc, argv);

    if (code || b.options.help)
        return code ? code : help_of("bench");
    err = prepare(&b, &p);
    if (!err)
        err = files_raise(&b.options, &p);
    if (err)
        return report_problem(err, &p);
    err = signals_open(&b);
    if (!err)
        err = run(&b);
    if (err) {
        command_usage("the load cannot be put on: %s", strerror(-err));
        return EXIT_APP;
    }
    return finish(&b);
}
