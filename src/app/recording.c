/* app/recording.c -- profiles of one process or of all workers of an app, over a time */
#include "app/recording.h"

#include "app/command.h"
#include "app/exit_code.h"
#include "app/flame_file.h"
#include "app/inspection.h"
#include "app/profile_file.h"
#include "base/json.h"

#include <signal.h>

#define LOOK_NS (100 * NS_PER_MS)

/* One of them. */
struct record {
    struct inspection inspection;
    struct buf path;  /* with its NUL */
    bool begun;       /* inspection_begin has been called */
    bool runs;        /* it is being recorded */
    u64 bytes;        /* of its file; 0: there is none */
    bool taken;       /* the profile is there */
    struct buf flame; /* where its flame graph is besides, with its NUL; empty: there is none */
};

struct recording {
    const struct inspect_options *options;
    const struct capture_conf *conf;
    struct record *record;
    u32 count;
    u64 started_ns, took_ns;
    bool stopped; /* by Ctrl-C, before its time */
    int code;
    struct progress progress;
    bool draws; /* what is asked for is a flame graph, not the profile */
    enum flame_format format;
};

static void failed(struct recording *r, struct record *one, int err)
{
    int code = inspection_failed(&one->inspection, err);

    r->stopped |= one->inspection.stopped;
    progress_clear(&r->progress);
    r->code = max(r->code, code);
    one->runs = false;
    outfile_drop(TAKE(one->inspection.capture.file, NULL));
}

/* ---- their files ---- */

/* "app.cpuprofile.gz" of worker 2 of several: "app-2.cpuprofile.gz". */
static void path_number(struct buf *out, struct str path, u32 number)
{
    size_t slash = path.len, dot;

    while (slash > 0 && path.ptr[slash - 1] != '/')
        slash--;
    for (dot = slash + 1; dot < path.len && path.ptr[dot] != '.';)
        dot++;
    buf_add(out, str_sub(path, 0, dot));
    buf_addf(out, "-%u", number);
    buf_add(out, str_sub(path, dot, path.len));
    buf_addc(out, 0);
}

static int file_open(struct recording *r, struct record *one)
{
    struct inspection *i = &one->inspection;
    struct str path = r->options->output;

    if (path.len == 0) {
        inspection_name(i, r->conf->what == CAPTURE_CPU ? "cpuprofile" : "heapprofile", &one->path);
    } else if (r->count > 1) {
        path_number(&one->path, path, i->holder.worker);
    } else {
        buf_add(&one->path, path);
        buf_addc(&one->path, 0);
    }
    if (one->path.failed)
        return -ENOMEM;
    return r->draws ? outfile_open_memory(&i->capture.file)
                    : outfile_open(&i->capture.file, one->path.ptr, &i->problem);
}

/* ---- their flame graphs ---- */

static int draw(struct record *one, struct profile *profile, const char *path,
                enum flame_format format, bool source_maps, u64 *bytes)
{
    struct inspection *i = &one->inspection;
    struct flame_written written;
    char title[160];
    int err = source_maps ? profile_file_map(profile) : 0;

    if (i->holder.app[0])
        snprintf(title, sizeof(title), "%s/%u", i->holder.app, i->holder.worker);
    else
        snprintf(title, sizeof(title), "%s", i->attach.title);
    if (!err)
        err = flame_file_write(profile, str_of(title), path, format, &written, &i->problem);
    if (!err)
        *bytes = written.bytes;
    return err;
}

/* The profile is in memory, and only the graph is wanted. */
static int draw_instead(const struct recording *r, struct record *one)
{
    struct inspection *i = &one->inspection;
    AUTO(profile_done) struct profile profile = { 0 };
    u64 bytes = outfile_bytes(i->capture.file);
    AUTO(fd_closep) int fd = outfile_take_fd(TAKE(i->capture.file, NULL));
    int err = profile_file_read_fd(&profile, fd, bytes, &i->problem);

    return err ? err
               : draw(one, &profile, one->path.ptr, r->format, r->options->source_maps,
                      &one->bytes);
}

/* The profile has been written, and is read again. */
static int draw_besides(const struct recording *r, struct record *one)
{
    struct inspection *i = &one->inspection;
    AUTO(profile_done) struct profile profile = { 0 };
    struct str path = str_of(one->path.ptr), stem = flame_file_stem(path);
    u64 bytes;
    int err;

    buf_add(&one->flame, str_make(path.ptr, (size_t)(stem.ptr - path.ptr) + stem.len));
    buf_add(&one->flame, str_of(flame_file_ending(FLAME_HTML)));
    buf_addc(&one->flame, 0);
    if (one->flame.failed)
        return -ENOMEM;
    err = profile_file_read(&profile, one->path.ptr, "profile", false, &i->problem);
    if (!err)
        err = draw(one, &profile, one->flame.ptr, FLAME_HTML, r->options->source_maps, &bytes);
    if (err)
        buf_clear(&one->flame);
    return err;
}

/* ---- its steps ---- */

static void start(struct recording *r, struct record *one)
{
    struct inspection *i = &one->inspection;
    int err = file_open(r, one);

    if (!err)
        err = capture_start(&i->capture, r->conf, &i->problem);
    one->runs = !err;
    if (err)
        failed(r, one, err);
}

static void stop(struct recording *r, struct record *one)
{
    struct inspection *i = &one->inspection;
    int err = capture_stop(&i->capture, r->conf->what, &i->problem);
    u64 bytes = outfile_bytes(i->capture.file);

    one->runs = false;
    one->taken = !err;
    if (!err && !r->draws)
        err = outfile_commit(TAKE(i->capture.file, NULL), &i->problem);
    if (err)
        failed(r, one, err);
    else if (!r->draws)
        one->bytes = bytes;
}

/* Once none of them is recorded any more. */
static void draw_one(struct recording *r, struct record *one)
{
    int err = 0;

    if (one->taken && r->draws)
        err = draw_instead(r, one);
    else if (one->bytes && r->options->flame)
        err = draw_besides(r, one);
    if (err && err != -EINVAL && err != -ENOMEM)
        problem_set(&one->inspection.problem, "the flame graph cannot be drawn: %s",
                    strerror(-err));
    if (err)
        failed(r, one, err);
}

/* False: none runs any more. */
static bool look(struct recording *r)
{
    bool any = false;

    for (u32 k = 0; k < r->count; k++) {
        struct record *one = &r->record[k];
        struct inspection *i = &one->inspection;
        int err = one->runs ? capture_look(&i->capture, &i->problem) : 0;

        if (err)
            failed(r, one, err);
        else if (one->runs && i->capture.ending)
            stop(r, one);
        any |= one->runs;
    }
    return any;
}

static void await(struct recording *r, int stop_fd)
{
    struct wait w = { stop_fd };
    u64 until_ns = r->started_ns + r->options->seconds * NS_PER_S, now_ns = clock_now_ns();

    while (now_ns < until_ns && look(r)) {
        progress_show(&r->progress, "recording", now_ns - r->started_ns, until_ns - r->started_ns,
                      0);
        if (wait_for(&w, -1, 0, min(until_ns, now_ns + LOOK_NS)) == -ECANCELED)
            break;
        now_ns = clock_now_ns();
    }
    progress_clear(&r->progress);
    if (now_ns < until_ns && r->count && inspection_stopped(&r->record[0].inspection))
        r->stopped = true;
    r->took_ns = clock_now_ns() - r->started_ns;
}

/* ---- what came of it ---- */

static void file_json(struct buf *out, const struct record *one)
{
    const struct inspection *i = &one->inspection;

    json_comma(out);
    buf_addc(out, '{');
    json_key(out, "file");
    json_text(out, str_of(one->path.ptr));
    json_key(out, "bytes");
    json_u64(out, one->bytes);
    if (one->flame.len) {
        json_key(out, "flame");
        json_text(out, str_of(one->flame.ptr));
    }
    json_key(out, "pid");
    i->target.pid ? json_u64(out, i->target.pid) : json_null(out);
    json_key(out, "app");
    i->holder.app[0] ? json_text(out, str_of(i->holder.app)) : json_null(out);
    json_key(out, "worker");
    i->holder.worker ? json_u64(out, i->holder.worker) : json_null(out);
    json_key(out, "title");
    json_text(out, str_of(i->attach.title));
    json_key(out, "process_ended");
    json_bool(out, i->capture.ending);
    buf_addc(out, '}');
}

static int report(const struct recording *r)
{
    AUTO(buf_done) struct buf out = { 0 };

    if (!r->options->control.json) {
        for (u32 k = 0; k < r->count; k++)
            if (r->record[k].bytes)
                fprintf(stderr, "%s: %.1f s, %.*f MB%s\n", r->record[k].path.ptr,
                        (double)r->took_ns / NS_PER_S, r->record[k].bytes < 100000 ? 2 : 1,
                        (double)r->record[k].bytes / 1e6,
                        r->record[k].inspection.capture.ending ? ", until the process ended" : "");
        for (u32 k = 0; k < r->count; k++)
            if (r->record[k].flame.len)
                fprintf(stderr, "%s\n", r->record[k].flame.ptr);
        return EXIT_OK;
    }
    buf_addc(&out, '{');
    json_key(&out, "took_ms");
    json_u64(&out, r->took_ns / NS_PER_MS);
    json_key(&out, "stopped_early");
    json_bool(&out, r->stopped);
    json_key(&out, "files");
    buf_addc(&out, '[');
    for (u32 k = 0; k < r->count; k++)
        if (r->record[k].bytes)
            file_json(&out, &r->record[k]);
    buf_add(&out, STR("]}\n"));
    return command_print(&out);
}

static void record(struct recording *r, int stop_fd)
{
    for (u32 k = 0; k < r->count && !r->stopped; k++)
        if (r->record[k].begun)
            start(r, &r->record[k]);
    r->started_ns = clock_now_ns();
    if (!r->stopped)
        await(r, stop_fd);
    for (u32 k = 0; k < r->count; k++)
        if (r->record[k].runs)
            stop(r, &r->record[k]);
    for (u32 k = 0; k < r->count; k++)
        draw_one(r, &r->record[k]);
    r->code = max(r->code, report(r));
}

/* ---- who ---- */

/* What has failed already must be left as well: inspection_end is for all that were begun. */
static void enter(struct recording *r, struct record *one, int code)
{
    one->begun = code == EXIT_OK;
    r->stopped |= one->inspection.stopped;
    r->code = max(r->code, code);
    if (code)
        r->code = max(r->code, inspection_end(&one->inspection));
}

static int workers_enter(struct recording *r, int stop_fd, const char *target)
{
    AUTO(freep) struct holder_worker *w = calloc(ORDER_WORKERS_MAX, sizeof(*w));
    AUTO(holder_end) struct holder h = { 0 };
    struct problem p = { .text = "out of memory" };
    int err =
        w ? holder_workers(&h, &r->options->control, target, w, ORDER_WORKERS_MAX, &r->count, &p)
          : -ENOMEM;

    if (!err && !(r->record = calloc(r->count, sizeof(*r->record))))
        err = -ENOMEM;
    if (err) {
        r->count = 0;
        command_problem(&p);
        return err == -ENOENT ? EXIT_MISSING : EXIT_APP;
    }
    if (r->count > 1 && str_eq(r->options->output, STR("-")))
        return command_usage("-o -: %s has %u workers, and a profile is of one; name it: %s/1",
                             target, r->count, target);
    for (u32 k = 0; k < r->count && !r->stopped; k++)
        enter(r, &r->record[k],
              inspection_begin_worker(&r->record[k].inspection, r->options, stop_fd, &w[k]));
    return EXIT_OK;
}

static int one_enter(struct recording *r, int stop_fd, const char *target)
{
    r->record = calloc(1, sizeof(*r->record));
    if (!r->record)
        return EXIT_APP;
    r->count = 1;
    enter(r, r->record, inspection_begin(&r->record->inspection, r->options, stop_fd, target));
    return r->code;
}

int recording_run(const struct inspect_options *o, const struct capture_conf *conf,
                  const char *target)
{
    AUTO(fd_closep) int stop_fd = inspection_signals();
    struct recording r = { .options = o, .conf = conf };
    struct inspectee who = { 0 };
    struct problem p;
    int code;

    r.draws = flame_file_format(o->output, &r.format);
    if (o->flame && (r.draws || str_eq(o->output, STR("-"))))
        return command_usage("--flame is a flame graph besides the profile's file, and -o %.*s is "
                             "none",
                             STR_ARG(o->output));
    if (inspectee_parse(&who, target, &p)) {
        command_problem(&p);
        return EXIT_USAGE;
    }
    code = who.kind == INSPECTEE_APP ? workers_enter(&r, stop_fd, target)
                                     : one_enter(&r, stop_fd, target);
    if (!code)
        record(&r, stop_fd);
    for (u32 k = 0; k < r.count; k++) {
        if (r.record[k].begun)
            r.code = max(r.code, inspection_end(&r.record[k].inspection));
        buf_done(&r.record[k].path);
        buf_done(&r.record[k].flame);
    }
    free(r.record);
    return max(code, r.code);
}
