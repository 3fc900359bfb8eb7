/* app/run.c -- `fettle run`: from a command line to a running supervisor */
#include "app/run.h"

#include "app/again.h"
#include "app/agent_dir.h"
#include "app/command.h"
#include "app/detach.h"
#include "app/exit_code.h"
#include "app/front.h"
#include "app/options.h"
#include "app/path.h"
#include "app/supervise.h"
#include "base/log.h"

#include <limits.h>

/* First of all: no child may inherit it, nor any descriptor stand where its sockets are. */
static void manager_take(struct starts *all)
{
    int err = predecessor_take(&all->predecessor), notify_err = notify_take(&all->notify);
    int activation_err = activation_take(&all->activation, all->predecessor.fd >= 0);

    err = err ? err : notify_err;
    all->manager_err = err ? err : activation_err;
}

static int agent_find(struct starts *all)
{
    struct problem *problem = &all->list[0].problem;
    char exe[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

    if (n < 0)
        return problem_set(problem, "/proc/self/exe cannot be read (%s); is /proc mounted?",
                           strerror(errno));
    exe[n] = 0;
    return agent_dir_find(exe, &all->agent_dir, problem);
}

static int fail(struct starts *all, int err)
{
    struct problem *problem = starts_problem(all);

    if (!problem->text[0])
        problem_set(problem, "%s", err == -ENOMEM ? "out of memory" : strerror(-err));
    command_problem(problem);
    predecessor_say(&all->predecessor, LOG_ERROR, str_of(problem->text));
    return err == -EINVAL ? EXIT_USAGE : err == -ENOENT ? EXIT_MISSING : EXIT_APP;
}

static int words_check(const struct start *s, char **argv)
{
    if (s->args.operands <= 1)
        return 0;
    return command_usage("\"%.100s\" is one word too many; words for the app itself go after --: "
                         "fettle run %.100s -- %.100s",
                         argv[s->args.operand[1]], argv[s->args.operand[0]],
                         argv[s->args.operand[1]]);
}

/* In the background, an app without a log file gets one. */
static int logs_settle(struct starts *all)
{
    int err = 0;

    for (u32 i = 0; i < all->count && !err; i++) {
        struct start *s = &all->list[i];
        AUTO(buf_done) struct buf path = { 0 };

        if (!s->settings.detach || s->settings.log_file.len)
            continue;
        err = detach_log_path(s->settings.name.ptr, &path, &s->problem);
        if (!err)
            err = settings_put(&s->settings, &s->settings.log_file, buf_str(&path));
    }
    return err;
}

/* `fettle __reread`: what `fettle run` with the same words would begin with now. */
int reread_command(int argc, char **argv)
{
    AUTO(starts_done) struct starts all = starts_one();
    AUTO(buf_done) struct buf out = { 0 };
    struct start *s = all.list;
    int err = s ? options_read(&s->settings, &s->args, &s->file, argc, argv) : EXIT_APP;

    if (err)
        return err;
    err = starts_prepare(&all, argv);
    if (!err)
        err = logs_settle(&all);
    if (!err)
        err = supervise_confs(&all);
    for (u32 i = 0; i < all.count && !err; i++) {
        all.list[i].settings.detach = false;
        renewal_write(&out, &(struct renewal_from){ .settings = &all.list[i].settings,
                                                    .conf = &all.conf[i],
                                                    .app = &all.list[i].file.app,
                                                    .has_pre = all.list[i].launch.pre.count > 0 });
    }
    return err < 0 ? fail(&all, err) : err ? err : command_print(&out);
}

/* What goes into the background is managed by its name: there is one of it. */
static int already_check(struct starts *all)
{
    struct start *first = &all->list[0];

    for (u32 i = 0; i < all->count && first->settings.detach && all->predecessor.fd < 0; i++)
        if (detach_runs_already(all->list[i].settings.name.ptr, first->settings.runtime_dir.ptr,
                                &first->problem))
            return -EEXIST;
    return 0;
}

static void detached(struct starts *all)
{
    for (u32 i = 0; i < all->count; i++)
        all->list[i].settings.detach = false;
    options_log_setup(&all->list[0].settings);
}

/* Into the background, when that is asked for; one that takes over is there already. 0: go on; else
 * *code is all that is left. */
static int detach(struct starts *all, int *code)
{
    struct settings *set = &all->list[0].settings;
    struct problem *p = &all->list[0].problem;
    int err = logs_settle(all);

    if (err || !set->detach)
        return err;
    buf_add(&all->log_path, set->log_file);
    buf_addc(&all->log_path, 0);
    if (all->log_path.failed)
        return -ENOMEM;
    if (all->predecessor.fd >= 0) {
        detached(all);
        return 0;
    }
    switch (detach_fork(set->name.ptr, set->runtime_dir.ptr, all->log_path.ptr, code, p)) {
    case DETACH_GOES_ON:
        detached(all);
        return 0;
    case DETACH_ENDS:
        return 1;
    case DETACH_FAILED:
        break;
    }
    return -EIO;
}

static void text_put(struct buf *out, struct str text)
{
    buf_clear(out);
    buf_add(out, text);
    buf_addc(out, 0);
}

/* One folder for all: each app has its own besides, as the file says. */
static int outline_fill(struct run_outline *out, const struct starts *all)
{
    const struct start *first = &all->list[0];
    struct str folder = str_of(first->launch.cwd.len ? first->launch.cwd.ptr : NULL);
    char here[PATH_MAX];

    if (all->count > 1)
        folder = str_of(first->file.folder.ptr);
    if (folder.len == 0 && !getcwd(here, sizeof(here)))
        return -errno;
    text_put(&out->folder, folder.len ? folder : str_of(here));
    text_put(&out->name,
             all->count > 1 ? path_base(str_of(out->folder.ptr)) : first->settings.name);
    text_put(&out->node, str_of(first->node_path.ptr));
    out->apps = all->count;
    out->start_timeout_ns = first->settings.start_timeout_ns;
    out->has_port = first->settings.port > 0;
    out->has_runtime_dir = first->settings.runtime_dir.len > 0;
    for (u32 i = 0; i < all->count; i++) {
        const struct settings *set = &all->list[i].settings;

        out->has_user |= set->uid.len > 0 || set->gid.len > 0;
        out->drain_ns = max(out->drain_ns, set->drain_ns);
        out->kill_after_ns = max(out->kill_after_ns, set->kill_after_ns);
        /* What is run before, such as a build, has no limit. */
        if (!set->start_timeout_ns || !out->start_timeout_ns || all->list[i].launch.pre.count)
            out->start_timeout_ns = 0;
        else
            out->start_timeout_ns = max(out->start_timeout_ns, set->start_timeout_ns);
    }
    return out->folder.failed || out->name.failed || out->node.failed ? -ENOMEM : 0;
}

int run_outline_read(struct run_outline *out, int argc, char **argv)
{
    AUTO(starts_done) struct starts all = starts_one();
    struct start *s = all.list;
    int err;

    *out = (struct run_outline){ 0 };
    if (!s)
        return EXIT_APP;
    err = options_read(&s->settings, &s->args, &s->file, argc, argv);
    if (!err)
        err = words_check(s, argv);
    if (!err)
        err = starts_prepare(&all, argv);
    if (!err)
        err = outline_fill(out, &all);
    return err < 0 ? fail(&all, err) : err;
}

void run_outline_done(struct run_outline *o)
{
    buf_done(&o->name);
    buf_done(&o->folder);
    buf_done(&o->node);
}

int run_command(int argc, char **argv)
{
    AUTO(starts_done) struct starts all = starts_one();
    struct start *s = all.list;
    int err, code = EXIT_APP;

    if (!s)
        return EXIT_APP;
    manager_take(&all);
    err = options_read(&s->settings, &s->args, &s->file, argc, argv);
    if (err)
        return err;
    if (s->args.help)
        return help_of("run");
    if (s->args.version)
        return version_command(1, argv);
    err = words_check(s, argv);
    if (err)
        return err;
    err = again_keep(&all, argc, argv);
    options_wipe_secrets(argc, argv);
    if (!err)
        err = starts_prepare(&all, argv);
    if (!err)
        err = agent_find(&all);
    if (!err)
        err = already_check(&all);
    for (u32 i = 0; i < all.count && !err; i++)
        err = prescript_run(&all.list[i]);
    if (!err && (err = detach(&all, &code)) > 0)
        return code;
    if (all.manager_err)
        log_warn("what the service manager gave cannot be used: %s", strerror(-all.manager_err));
    if (!err && all.predecessor.fd >= 0) {
        predecessor_stderr_take(&all.predecessor);
        options_log_setup(&all.list[0].settings); /* the one before was no terminal */
    }
    if (!err)
        err = supervise(&all);
    if (err < 0)
        return fail(&all, err);
    if (starts_problem(&all)->text[0]) {
        command_problem(starts_problem(&all));
        predecessor_say(&all.predecessor, LOG_ERROR, str_of(starts_problem(&all)->text));
    }
    return all.left.pid && all.left.front_fd >= 0 ? front_run(&all.left) : err;
}
