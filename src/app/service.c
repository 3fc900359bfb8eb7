/* app/service.c -- `fettle service`: what `fettle run` would run, as a unit of systemd's
 *
 * The units are one text file or two, and the rest is systemctl's, whose commands are shown.
 */
#include "app/command.h"
#include "app/exit_code.h"
#include "app/service_plan.h"
#include "conf/file.h"
#include "io/child.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { UNIT_BYTES_MAX = 1 << 20 };

static int fail(struct service_plan *s, int err)
{
    if (!s->problem.text[0])
        problem_set(&s->problem, "%s", err == -ENOMEM ? "out of memory" : strerror(-err));
    command_problem(&s->problem);
    return err == -EINVAL ? EXIT_USAGE : err == -ENOENT ? EXIT_MISSING : EXIT_APP;
}

/* ---- what there is ---- */

enum state { ABSENT, SAME, OTHER, FOREIGN };

/* What stands in the place of unit `i`. */
static enum state state_of(const struct service_plan *s, u32 i)
{
    AUTO(buf_done) struct buf have = { 0 };

    if (file_read(s->path[i].ptr, UNIT_BYTES_MAX, &have) < 0)
        return access(s->path[i].ptr, F_OK) == 0 ? FOREIGN : ABSENT;
    if (!unit_is_ours(buf_str(&have)))
        return FOREIGN;
    return str_eq(buf_str(&have), buf_str(&s->text[i])) ? SAME : OTHER;
}

static int show_json(const struct service_plan *s)
{
    static const char *const words[] = { "absent", "same", "different", "foreign" };
    AUTO(buf_done) struct buf out = { 0 };

    buf_add(&out, STR("{\"name\":\""));
    buf_add_json(&out, str_of(s->name.ptr));
    buf_addf(&out, "\",\"scope\":\"%s\",\"units\":[", s->options.system ? "system" : "user");
    for (u32 i = 0; i < s->units; i++) {
        buf_addf(&out, "%s{\"path\":\"", i ? "," : "");
        buf_add_json(&out, str_of(s->path[i].ptr));
        buf_addf(&out, "\",\"installed\":\"%s\",\"text\":\"", words[state_of(s, i)]);
        buf_add_json(&out, buf_str(&s->text[i]));
        buf_add(&out, STR("\"}"));
    }
    buf_add(&out, STR("]}\n"));
    return command_print(&out);
}

static int show(const struct service_plan *s)
{
    static const char *const words[] = { "not installed", "installed",
                                         "installed as something else",
                                         "there is a unit that fettle did not write" };
    AUTO(buf_done) struct buf out = { 0 };

    if (s->options.json)
        return show_json(s);
    for (u32 i = 0; i < s->units; i++)
        buf_addf(&out, "%s# %s: %s\n%.*s", i ? "\n" : "", s->path[i].ptr, words[state_of(s, i)],
                 STR_ARG(buf_str(&s->text[i])));
    return command_print(&out);
}

/* ---- systemctl ---- */

static int manager_check(struct service_plan *s)
{
    AUTO(buf_done) struct buf path = { 0 };

    buf_addf(&path, "%s/run/systemd/system", s->options.root.len ? s->options.root.ptr : "");
    buf_addc(&path, 0);
    if (path.failed)
        return -ENOMEM;
    if (access(path.ptr, F_OK) == 0)
        return 0;
    problem_set(&s->problem,
                "systemd does not run here (there is no %s). In a container, let it start "
                "`fettle run` itself; elsewhere, `fettle run --detach` or another service "
                "manager. For another machine, `fettle service show` prints the units",
                path.ptr);
    return -EHOSTDOWN;
}

/* Runs it, and says so. */
static int systemctl(struct service_plan *s, const char *const *words)
{
    char *argv[8] = { (char *)"systemctl" };
    AUTO(buf_done) struct buf said = { 0 };
    u32 n = 1;
    int err, status;
    pid_t pid;

    if (!s->options.system)
        argv[n++] = (char *)"--user";
    for (; *words && n < ARRAY_LEN(argv) - 1; words++)
        argv[n++] = (char *)*words;
    for (u32 i = 0; i < n; i++)
        buf_addf(&said, "%s%s", i ? " " : "", argv[i]);
    buf_addc(&said, 0);
    if (said.failed)
        return -ENOMEM;
    log_info("%s", said.ptr);
    struct child_conf child = { .file = argv[0],
                                .argv = argv,
                                .fds = { STDIN_FILENO, STDERR_FILENO, STDERR_FILENO },
                                .fds_n = 3 };

    err = child_start(&child, &pid, NULL);
    if (err) {
        problem_set(&s->problem, "systemctl cannot be started: %s", strerror(-err));
        return -ECHILD;
    }
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    problem_set(&s->problem, "`%s` failed; `journalctl %s-u %s` tells more", said.ptr,
                s->options.system ? "" : "--user ", s->name.ptr);
    return -ECHILD;
}

#define SYSTEMCTL(s, ...) systemctl(s, (const char *const[]){ __VA_ARGS__, NULL })

static int folders_make(const char *path)
{
    AUTO(freep) char *copy = strdup(path);

    if (!copy)
        return -ENOMEM;
    for (char *slash = copy; (slash = strchr(slash + 1, '/')); *slash = '/') {
        *slash = 0;
        if (mkdir(copy, 0755) < 0 && errno != EEXIST)
            return -errno;
    }
    return 0;
}

/* Whole or not at all: a disk that is full leaves what was there. */
static int text_save(const char *temp, const char *path, struct str text)
{
    AUTO(fd_closep)
    int fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    ssize_t n = fd < 0 ? -1 : write(fd, text.ptr, text.len);
    int err = n < 0 ? -errno : (size_t)n < text.len ? -ENOSPC : 0;

    if (!err && (fsync(fd) < 0 || rename(temp, path) < 0))
        err = -errno;
    if (err && fd >= 0)
        unlink(temp);
    return err;
}

static int unit_save(struct service_plan *s, u32 i)
{
    AUTO(buf_done) struct buf temp = { 0 };
    int err = folders_make(s->path[i].ptr);

    buf_addf(&temp, "%s.new", s->path[i].ptr);
    buf_addc(&temp, 0);
    if (temp.failed)
        return -ENOMEM;
    if (!err)
        err = text_save(temp.ptr, s->path[i].ptr, buf_str(&s->text[i]));
    if (err == -EACCES || err == -EPERM)
        problem_set(&s->problem, "%s cannot be written: %s; root may, or write --user",
                    s->path[i].ptr, strerror(-err));
    else if (err)
        problem_set(&s->problem, "%s cannot be written: %s", s->path[i].ptr, strerror(-err));
    else
        log_info("written: %s", s->path[i].ptr);
    return err;
}

static int foreign_check(struct service_plan *s, u32 units)
{
    for (u32 i = 0; i < units; i++) {
        if (s->options.force || state_of(s, i) != FOREIGN)
            continue;
        problem_set(&s->problem,
                    "%s was not written by fettle; choose another --name, or let --force do it",
                    s->path[i].ptr);
        return -EEXIST;
    }
    return 0;
}

static void installed_tell(const struct service_plan *s)
{
    const char *name = s->name.ptr;

    if (s->options.json) {
        show_json(s);
        return;
    }
    log_info("%s runs, and is started at boot%s; `systemctl %sstatus %s` and `journalctl %s-u %s` "
             "show how it is",
             name, s->options.system ? "" : " once `loginctl enable-linger` has been done",
             s->options.system ? "" : "--user ", name, s->options.system ? "" : "--user ", name);
}

static int install(struct service_plan *s)
{
    AUTO(buf_done) struct buf units = { 0 };
    char service[NAME_MAX + 16], socket[NAME_MAX + 16];
    bool has_socket = s->units > 1;
    int err = manager_check(s);

    if (!err)
        err = foreign_check(s, s->units);
    for (u32 i = 0; i < s->units && !err; i++)
        err = unit_save(s, i);
    snprintf(service, sizeof(service), "%s.service", s->name.ptr);
    snprintf(socket, sizeof(socket), "%s.socket", s->name.ptr);
    if (!err)
        err = SYSTEMCTL(s, "daemon-reload");
    if (!err)
        err =
            has_socket ? SYSTEMCTL(s, "enable", socket, service) : SYSTEMCTL(s, "enable", service);
    /* The socket cannot be opened while a service without it holds the port. */
    if (!err && has_socket)
        err = SYSTEMCTL(s, "stop", service);
    if (!err && has_socket)
        err = SYSTEMCTL(s, "start", socket);
    if (!err)
        err = SYSTEMCTL(s, "restart", service);
    if (err)
        return fail(s, err);
    installed_tell(s);
    return EXIT_OK;
}

static int uninstall(struct service_plan *s)
{
    bool there[2] = { state_of(s, 0) != ABSENT, state_of(s, 1) != ABSENT };
    char service[NAME_MAX + 16], socket[NAME_MAX + 16];
    int err = foreign_check(s, 2);

    snprintf(service, sizeof(service), "%s.service", s->name.ptr);
    snprintf(socket, sizeof(socket), "%s.socket", s->name.ptr);
    if (!err && !there[0] && !there[1]) {
        problem_set(&s->problem, "there is no unit %s", s->path[0].ptr);
        return fail(s, -ENOENT);
    }
    if (!err)
        err = manager_check(s);
    if (!err && there[1])
        err = SYSTEMCTL(s, "disable", "--now", socket);
    if (!err && there[0])
        err = SYSTEMCTL(s, "disable", "--now", service);
    for (u32 i = 0; i < 2 && !err; i++) {
        if (there[i] && unlink(s->path[i].ptr) < 0)
            err = -errno;
        else if (there[i])
            log_info("removed: %s", s->path[i].ptr);
    }
    if (!err)
        err = SYSTEMCTL(s, "daemon-reload");
    if (err)
        return fail(s, err);
    if (s->options.json)
        printf("{\"name\":\"%s\",\"removed\":true}\n", s->name.ptr);
    return EXIT_OK;
}

/* ---- the command ---- */

/* `remove --name shop` needs no app; `remove shop` means the same, if there is no such folder. */
static int removed_place(struct service_plan *s, char **rest, bool *found)
{
    AUTO(settings_done) struct settings set = { 0 };
    struct settings_args args;
    const char *target;
    int err = settings_init(&set);

    if (!err)
        err = settings_read_args(&set, (int)s->rest.count, rest, 1, &args, &s->problem);
    if (err)
        return err;
    target = args.operands ? rest[args.operand[0]] : NULL;
    *found = set.name.len || (target && access(target, F_OK) < 0 && !strchr(target, '/'));
    return *found ? service_plan_place(s, set.name.len ? set.name : str_of(target)) : 0;
}

static int service_run(struct service_plan *s, const char *verb, char **rest)
{
    bool removes = strcmp(verb, "remove") == 0, found = false;
    int err = removes ? removed_place(s, rest, &found) : 0;

    if (err)
        return fail(s, err);
    if (found)
        return uninstall(s);
    err = run_outline_read(&s->outline, (int)s->rest.count, rest);
    if (err)
        return err;
    err = service_plan_make(s, rest);
    if (err)
        return fail(s, err);
    if (removes)
        return uninstall(s);
    return s->shows || s->options.print ? show(s) : install(s);
}

int service_command(int argc, char **argv)
{
    AUTO(service_plan_done) struct service_plan s = { 0 };
    const char *verb = argc > 1 ? argv[1] : "";
    int err;

    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return help_of("service");
    if (strcmp(verb, "install") != 0 && strcmp(verb, "remove") != 0 && strcmp(verb, "show") != 0)
        return command_usage("fettle service: write install, remove or show, as in `fettle service "
                             "install server.js`");
    argv[1] = (char *)"run";
    s.shows = strcmp(verb, "show") == 0;
    err = service_options_read(&s.options, argc - 1, argv + 1, &s.rest, &s.problem);
    if (err)
        return fail(&s, err);
    if (!s.options.user && !s.options.system)
        *(geteuid() == 0 ? &s.options.system : &s.options.user) = true;
    AUTO(freep) char **rest = strings_list(&s.rest);

    return rest ? service_run(&s, verb, rest) : EXIT_APP;
}
