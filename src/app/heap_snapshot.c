/* app/heap_snapshot.c -- `fettle heap snapshot TARGET` */
#include "app/command.h"
#include "app/exit_code.h"
#include "app/inspection.h"
#include "base/json.h"
#include "conf/memory.h"
#include "inspect/outfile.h"

static void progress(const struct capture *c)
{
    struct inspection *i = c->arg;

    if (c->bytes)
        progress_show(&i->progress, "writing it", 0, 0, c->bytes);
    else
        progress_show(&i->progress, "V8 takes the snapshot", c->done, c->total, 0);
}

static int report(const struct inspection *i, const char *path, u64 bytes, u64 took_ns)
{
    AUTO(buf_done) struct buf out = { 0 };
    const char *title = i->attach.title;

    if (!i->options->control.json) {
        fprintf(stderr, "%s: %.1f MB in %.2f s\n", path, (double)bytes / 1e6,
                (double)took_ns / NS_PER_S);
        return EXIT_OK;
    }
    buf_addc(&out, '{');
    json_key(&out, "file");
    json_text(&out, str_of(path));
    json_key(&out, "bytes");
    json_u64(&out, bytes);
    json_key(&out, "took_ms");
    json_u64(&out, took_ns / NS_PER_MS);
    json_key(&out, "pid");
    i->target.pid ? json_u64(&out, i->target.pid) : json_null(&out);
    json_key(&out, "app");
    i->app[0] ? json_text(&out, str_of(i->app)) : json_null(&out);
    json_key(&out, "worker");
    i->worker ? json_u64(&out, i->worker) : json_null(&out);
    json_key(&out, "title");
    json_text(&out, str_of(title));
    json_key(&out, "inspector_opened");
    json_bool(&out, i->attach.opened);
    json_key(&out, "loop_was_blocked");
    json_bool(&out, i->capture.paused);
    buf_add(&out, STR("}\n"));
    return command_print(&out);
}

static int take(struct inspection *i, const char *path)
{
    u64 started_ns = clock_now_ns(), bytes;
    int err = outfile_open(&i->capture.file, path, &i->problem);

    if (!err) {
        i->capture.progress = progress;
        err = capture_snapshot(&i->capture, i->options->numbers, &i->problem);
    }
    progress_clear(&i->progress);
    if (err) {
        outfile_drop(TAKE(i->capture.file, NULL));
        return inspection_failed(i, err);
    }
    bytes = outfile_bytes(i->capture.file);
    err = outfile_commit(TAKE(i->capture.file, NULL), &i->problem);
    return err ? inspection_failed(i, err) : report(i, path, bytes, clock_now_ns() - started_ns);
}

int heap_snapshot_command(int argc, char **argv)
{
    AUTO(inspect_options_done) struct inspect_options o = { 0 };
    AUTO(buf_done) struct buf name = { 0 };
    struct inspection i;
    const char *target;
    int code = inspect_options_read(&o, &heap_snapshot_flags, argc, argv, &target), end;

    if (code)
        return max(code, 0);
    if (o.control.json && str_eq(o.output, STR("-")))
        return command_usage("--json and -o - both want the standard output");
    code = inspection_begin(&i, &o, target);
    if (!code) {
        inspection_name(&i, "heapsnapshot", &name);
        code = take(&i, o.output.len ? o.output.ptr : name.failed ? "heap.heapsnapshot" : name.ptr);
    }
    end = inspection_end(&i);
    return code ? code : end;
}
