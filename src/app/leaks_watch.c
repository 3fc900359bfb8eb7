/* app/leaks_watch.c -- a live target, watched: three snapshots with some use between them
 *
 * All in one visit: V8 forgets which object has which id when the inspector that took a snapshot
 * goes (V8HeapProfilerAgentImpl::disable clears its map), and without ids nothing can be compared.
 */
#include "app/leaks_watch.h"

#include "app/command.h"
#include "app/exit_code.h"
#include "app/inspection.h"
#include "inspect/outfile.h"

#include <poll.h>

#define TICK_NS (200 * NS_PER_MS)

static int folder_make(struct leaks_watch *w)
{
    const char *folders[] = { getenv("TMPDIR"), "/var/tmp", "/tmp" };

    for (u32 i = 0; i < ARRAY_LEN(folders); i++) {
        if (!folders[i] || !*folders[i])
            continue;
        snprintf(w->folder, sizeof(w->folder), "%.200s/fettle-leaks-XXXXXX", folders[i]);
        if (mkdtemp(w->folder))
            break;
        w->folder[0] = '\0';
    }
    for (u32 i = 0; i < LEAKS_SNAPSHOTS; i++)
        snprintf(w->path[i], sizeof(w->path[i]), "%s/%u.heapsnapshot", w->folder, i + 1);
    if (w->folder[0])
        return 0;
    command_usage("three temporary snapshots are needed, and no folder can be made in $TMPDIR, "
                  "/var/tmp or /tmp: %s",
                  strerror(errno));
    return EXIT_APP;
}

static void shows(const struct capture *c)
{
    struct inspection *i = c->arg;

    if (c->bytes)
        progress_show(&i->progress, "writing it", 0, 0, c->bytes);
    else
        progress_show(&i->progress, "V8 takes the snapshot", c->done, c->total, 0);
}

static int take(struct inspection *i, const char *path)
{
    int err = outfile_open(&i->capture.file, path, &i->problem);

    if (!err) {
        i->capture.progress = shows;
        err = capture_snapshot(&i->capture, false, &i->problem);
    }
    progress_clear(&i->progress);
    if (!err)
        err = outfile_commit(TAKE(i->capture.file, NULL), &i->problem);
    outfile_drop(TAKE(i->capture.file, NULL));
    return err ? inspection_failed(i, err) : 0;
}

/* For `interval_ns`, or until somebody ends us. */
static int wait_for_use(struct inspection *i, u64 interval_ns, u32 number)
{
    u64 begin_ns = clock_now_ns(), now_ns = begin_ns;
    struct pollfd stop = { .fd = i->stop_fd, .events = POLLIN };
    char what[64];

    snprintf(what, sizeof(what), "it is used, %u of %d", number, LEAKS_SNAPSHOTS - 1);
    while (now_ns - begin_ns < interval_ns) {
        u64 left_ns = min(interval_ns - (now_ns - begin_ns), (u64)TICK_NS);

        if (poll(&stop, 1, (int)((left_ns + NS_PER_MS - 1) / NS_PER_MS)) > 0)
            return inspection_failed(i, -ECANCELED);
        now_ns = clock_now_ns();
        progress_show(&i->progress, what, now_ns - begin_ns, interval_ns, 0);
    }
    progress_clear(&i->progress);
    return 0;
}

/* Takes a worker of fettle's out of traffic once more; for the first snapshot it is. */
static int hold_again(struct inspection *i, const struct leaks_watch *w)
{
    const struct inspect_options *o = i->options;
    struct wait stop = { i->stop_fd };
    u32 pid = i->holder.pid;
    int err;

    if (!i->holder.app[0] || !o->drain_ns)
        return 0;
    i->holder = (struct holder){ 0 };
    err = holder_find(&i->holder, &o->control, w->target, &i->problem);
    if (!err && i->holder.pid != pid)
        err = problem_set(&i->problem, "%.150s has been restarted while it was watched", w->target);
    if (!err)
        err = holder_begin(&i->holder, &stop, o->drain_ns, false, &i->problem);
    return err ? inspection_failed(i, err) : 0;
}

static int take_all(struct leaks_watch *w, struct inspection *i, u64 interval_ns)
{
    int code = 0;

    for (u32 n = 0; !code && n < LEAKS_SNAPSHOTS; n++) {
        code = n ? wait_for_use(i, interval_ns, n) : 0;
        if (!code && n)
            code = hold_again(i, w);
        if (!code)
            code = take(i, w->path[n]);
        holder_end(&i->holder);
    }
    return code;
}

int leaks_watch_take(struct leaks_watch *w, const struct leaks_options *o, const char *target)
{
    AUTO(fd_closep) int stop_fd = -1;
    struct inspection i;
    int code, end;

    *w = (struct leaks_watch){ 0 };
    snprintf(w->target, sizeof(w->target), "%s", target);
    code = folder_make(w);
    if (code)
        return code;
    stop_fd = inspection_signals();
    code = inspection_begin(&i, &o->inspect, stop_fd, target);
    if (!code && i.holder.app[0])
        snprintf(w->target, sizeof(w->target), "%.100s/%u", i.holder.app, i.holder.worker);
    if (!code)
        code = take_all(w, &i, o->interval_ns);
    end = inspection_end(&i);
    return code ? code : end;
}

void leaks_watch_done(struct leaks_watch *w)
{
    if (!w->folder[0])
        return;
    for (u32 i = 0; i < LEAKS_SNAPSHOTS; i++)
        (void)unlink(w->path[i]);
    (void)rmdir(w->folder);
    w->folder[0] = '\0';
}
