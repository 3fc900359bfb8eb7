/* app/heap_load.c -- a file becomes an analysis */
#include "app/heap_load.h"

#include "app/command.h"
#include "app/exit_code.h"
#include "base/pages.h"
#include "base/team.h"

static void progress_at(void *ctx, const char *what, u64 done, u64 total)
{
    struct heap_loaded *l = ctx;

    progress_show(&l->progress, what, done, total, 0);
}

int heap_load_failed(int err, const char *path, struct problem *p)
{
    if (err == -ENOMEM) {
        problem_set(p, "there is not enough memory to read it; about three quarters of the file's "
                       "size are needed");
    } else if (err != -EINVAL) {
        problem_set(p, "cannot be read: %s%s", strerror(-err),
                    err == -EIO ? "; was it changed meanwhile?" : "");
    }
    if (!p->file[0])
        str_to_cstr(str_of(strcmp(path, "-") == 0 ? "standard input" : path), p->file,
                    sizeof(p->file));
    command_problem(p);
    return err == -EINVAL ? EXIT_USAGE : EXIT_APP;
}

int heap_load(struct heap_loaded *l, const char *path, u32 options)
{
    struct problem p = { 0 };
    int r;

    *l = (struct heap_loaded){ .path = path, .sink = { progress_at, l } };
    r = heap_file_open(&l->file, path, &l->progress, &p);
    if (!r)
        r = analysis_run(&l->a, &l->file.in, team_cpus(), options, &l->sink, &p);
    progress_clear(&l->progress);
    return r ? heap_load_failed(r, path, &p) : 0;
}

void heap_load_done(struct heap_loaded *l)
{
    analysis_done(&l->a);
    heap_file_close(&l->file);
    pages_trim();
}
