/* app/heap_snapshot.c -- `fettle heap snapshot TARGET` */
#include "app/command.h"
#include "app/exit_code.h"
#include "app/inspection.h"
#include "base/json.h"
#include "conf/memory.h"
#include "inspect/afford.h"
#include "inspect/outfile.h"

#define GROWTH_BYTES (300ull << 20) /* below that it is no matter */

static void progress(const struct capture *c)
{
    struct inspection *i = c->arg;

    if (c->bytes)
        progress_show(&i->progress, "writing it", 0, 0, c->bytes);
    else
        progress_show(&i->progress, "V8 takes the snapshot", c->done, c->total, 0);
}

/* The process's resident memory; 0: not known. */
static u64 rss_of(const struct inspection *i)
{
    struct node_process np = { 0 };
    struct problem ignored;

    return i->target.pid && node_process_look(&np, i->target.pid, &ignored) == 0 ? np.rss_bytes : 0;
}

/* The C library keeps what V8 needed for it. */
static void growth_tell(const struct inspection *i, u64 rss_bytes)
{
    u64 before = i->attach.process.rss_bytes;

    if (!before || rss_bytes < 2 * before || rss_bytes - before < GROWTH_BYTES)
        return;
    fprintf(stderr, "fettle: the snapshot has left the process with %.2f GB instead of %.2f GB",
            (double)rss_bytes / 1e9, (double)before / 1e9);
    if (i->holder.app[0])
        fprintf(stderr, "; `fettle reload %s/%u` replaces it when it is needed no more",
                i->holder.app, i->holder.worker);
    fputc('\n', stderr);
}

static int report(const struct inspection *i, const char *path, u64 bytes, u64 took_ns)
{
    AUTO(buf_done) struct buf out = { 0 };
    const char *title = i->attach.title;
    u64 rss_bytes = rss_of(i);

    if (!i->options->control.json) {
        fprintf(stderr, "%s: %.1f MB in %.2f s\n", path, (double)bytes / 1e6,
                (double)took_ns / NS_PER_S);
        growth_tell(i, rss_bytes);
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
    i->holder.app[0] ? json_text(&out, str_of(i->holder.app)) : json_null(&out);
    json_key(&out, "worker");
    i->holder.worker ? json_u64(&out, i->holder.worker) : json_null(&out);
    json_key(&out, "title");
    json_text(&out, str_of(title));
    json_key(&out, "inspector_opened");
    json_bool(&out, i->attach.opened);
    json_key(&out, "loop_was_blocked");
    json_bool(&out, i->capture.paused);
    json_key(&out, "rss_before_bytes");
    i->attach.process.rss_bytes ? json_u64(&out, i->attach.process.rss_bytes) : json_null(&out);
    json_key(&out, "rss_after_bytes");
    rss_bytes ? json_u64(&out, rss_bytes) : json_null(&out);
    buf_add(&out, STR("}\n"));
    return command_print(&out);
}

/* Whether memory and disk will do. */
static int afford(struct inspection *i, const char *path)
{
    AUTO(buf_done) struct buf said = { 0 };
    struct afford a = { .memory_bytes = UINT64_MAX,
                        .disk_bytes = outfile_free_bytes(path),
                        .compressed = outfile_compresses(path) };
    int err = capture_heap_used(&i->capture, &a.used_bytes, &a.node_major, &i->problem);

    if (err)
        return err;
    if (i->target.pid) /* else it may be on another machine */
        a.memory_bytes = memory_available_to("", i->target.pid);
    if (!i->options->force)
        err = afford_check(&a, &i->problem);
    if (!err)
        afford_warnings(&a, &said);
    for (struct str rest = buf_str(&said); rest.len;) {
        struct str line = str_cut(rest, '\n', &rest);

        fprintf(stderr, "fettle: %.*s\n", STR_ARG(line));
    }
    return err;
}

static int take(struct inspection *i, const char *path)
{
    u64 started_ns = clock_now_ns(), bytes;
    int err = afford(i, path);

    if (!err)
        err = outfile_open(&i->capture.file, path, &i->problem);
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
    AUTO(fd_closep) int stop_fd = -1;
    struct inspection i;
    const char *target;
    int code = inspect_options_read(&o, &heap_snapshot_flags, argc, argv, &target), end;

    if (code)
        return max(code, 0);
    if (o.control.json && str_eq(o.output, STR("-")))
        return command_usage("--json and -o - both want the standard output");
    stop_fd = inspection_signals();
    code = inspection_begin(&i, &o, stop_fd, target);
    if (!code) {
        inspection_name(&i, "heapsnapshot", &name);
        code = take(&i, o.output.len ? o.output.ptr : name.failed ? "heap.heapsnapshot" : name.ptr);
    }
    end = inspection_end(&i);
    return code ? code : end;
}
