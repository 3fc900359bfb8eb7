/* app/heap_leaks.c -- `fettle heap leaks A B C | FILE | TARGET` */
#include "app/command.h"
#include "app/exit_code.h"
#include "app/heap_load.h"
#include "app/leaks_options.h"
#include "app/leaks_source.h"
#include "app/leaks_view.h"
#include "app/leaks_watch.h"
#include "base/pages.h"
#include "base/team.h"

#include <sys/stat.h>

struct report {
    const struct leaks_options *o;
    const char *path[LEAKS_SNAPSHOTS];
    u32 paths;
    struct heap_file file[LEAKS_SNAPSHOTS];
    struct input in[LEAKS_SNAPSHOTS];
    struct leaks leaks;
    struct leaks_watch watch;
    bool watched;
    struct progress progress;
};

static void progress_at(void *ctx, const char *what, u64 done, u64 total)
{
    progress_show(ctx, what, done, total, 0);
}

/* One word that is not a file's name is who shall be watched. A number is a process. */
static bool is_target(const struct leaks_options *o)
{
    struct stat st;
    u64 pid;

    if (o->operands != 1 || strcmp(o->operand[0], "-") == 0)
        return false;
    if (str_to_u64(str_of(o->operand[0]), &pid))
        return true;
    return stat(o->operand[0], &st) != 0 && !strstr(o->operand[0], ".heapsnapshot");
}

static int files_open(struct report *r)
{
    for (u32 i = 0; i < r->paths; i++) {
        struct problem p = { 0 };
        int err = heap_file_open(&r->file[i], r->path[i], &r->progress, &p);

        progress_clear(&r->progress);
        if (err)
            return heap_load_failed(err, r->path[i], &p);
        r->in[i] = r->file[i].in;
    }
    return 0;
}

static int others(struct report *r)
{
    struct problem p = { 0 };

    if (r->watched)
        (void)problem_set(&p, "%s has become another program while it was watched",
                          r->watch.target);
    else
        (void)problem_set(&p,
                          "%.150s and %.150s are not of one process: hardly an object of one is "
                          "in the other; all three must come from one run",
                          r->path[0], r->path[r->paths - 1]);
    command_problem(&p);
    return r->watched ? EXIT_APP : EXIT_USAGE;
}

static int find(struct report *r)
{
    struct progress_sink sink = { progress_at, &r->progress };
    struct problem p = { 0 };
    u32 which = 0;
    int err = leaks_find(&r->leaks, r->in, r->paths, team_cpus(), &sink, &which, &p);

    progress_clear(&r->progress);
    if (err == -ENOENT)
        return others(r);
    if (err)
        return heap_load_failed(err, r->path[which], &p);
    leaks_source_locate(&r->leaks);
    return 0;
}

static int print(struct report *r)
{
    struct leaks_view view = { .leaks = &r->leaks,
                               .file = r->path,
                               .files = r->watched ? 0 : r->paths,
                               .top = r->o->top,
                               .target = r->watched ? r->watch.target : NULL };
    AUTO(buf_done) struct buf out = { 0 };
    int code;

    if (r->o->inspect.control.json)
        leaks_view_json(&view, &out);
    else
        leaks_view_text(&view, &out);
    code = command_print(&out);
    return code ? code : r->o->check && r->leaks.count ? EXIT_APP : EXIT_OK;
}

static int run(struct report *r)
{
    int code = 0;

    r->watched = is_target(r->o);
    r->paths = r->watched ? LEAKS_SNAPSHOTS : r->o->operands;
    if (r->watched)
        code = leaks_watch_take(&r->watch, r->o, r->o->operand[0]);
    for (u32 i = 0; i < r->paths; i++)
        r->path[i] = r->watched ? r->watch.path[i] : r->o->operand[i];
    if (!code)
        code = files_open(r);
    if (!code)
        code = find(r);
    return code ? code : print(r);
}

static void report_done(struct report *r)
{
    leaks_done(&r->leaks);
    for (u32 i = 0; i < LEAKS_SNAPSHOTS; i++)
        heap_file_close(&r->file[i]);
    leaks_watch_done(&r->watch);
    pages_trim();
}

int heap_leaks_command(int argc, char **argv)
{
    AUTO(leaks_options_done) struct leaks_options o = { 0 };
    AUTO(freep) struct report *r = calloc(1, sizeof(*r));
    int code = leaks_options_read(&o, argc, argv);

    if (code)
        return max(code, 0);
    if (!r)
        return heap_load_failed(-ENOMEM, o.operand[0], &(struct problem){ 0 });
    r->o = &o;
    for (u32 i = 0; i < LEAKS_SNAPSHOTS; i++)
        r->file[i].fd = -1;
    code = run(r);
    report_done(r);
    return code;
}
