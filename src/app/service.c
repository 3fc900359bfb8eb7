/* app/service.c -- `fettle service`: what `fettle run` would run, as a unit of systemd's
 *
 * The units are one text file or two, and the rest is systemctl's, whose commands are shown.
 */
#include "app/command.h"
#include "app/exit_code.h"
#include "app/path.h"
#include "app/run.h"
#include "app/service_options.h"
#include "app/unit.h"
#include "conf/file.h"
#include "io/child.h"

#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/wait.h>

extern char **environ;

enum { UNIT_BYTES_MAX = 1 << 20, FILES = 65536 };
#define STOP_SPARE_NS \
    (5 * NS_PER_S) /* for fettle's own processes, and what is still to be written */
#define START_SPARE_NS (30 * NS_PER_S) /* until the last worker is started */

struct service {
    struct service_options options;
    struct strings rest; /* the command line of `fettle run` */
    struct run_outline outline;
    struct unit_conf unit;
    struct buf name, about, search, folder, env_file, user, dir;
    struct buf text[2], path[2]; /* of the service; of the socket, if there is one */
    u32 units;
    bool shows;
    struct problem problem;
};

static void service_done(struct service *s)
{
    service_options_done(&s->options);
    strings_done(&s->rest);
    run_outline_done(&s->outline);
    strings_done(&s->unit.argv);
    strings_done(&s->unit.socket);
    buf_done(&s->name);
    buf_done(&s->about);
    buf_done(&s->search);
    buf_done(&s->folder);
    buf_done(&s->env_file);
    buf_done(&s->user);
    buf_done(&s->dir);
    for (u32 i = 0; i < 2; i++) {
        buf_done(&s->text[i]);
        buf_done(&s->path[i]);
    }
}

static int fail(struct service *s, int err)
{
    if (!s->problem.text[0])
        problem_set(&s->problem, "%s", err == -ENOMEM ? "out of memory" : strerror(-err));
    command_problem(&s->problem);
    return err == -EINVAL ? EXIT_USAGE : err == -ENOENT ? EXIT_MISSING : EXIT_APP;
}

/* ---- the command line of the unit ---- */

/* A relative path relates to where we are now, and not to where systemd will start it. */
static void absolute_add(struct buf *out, struct str here, struct str path)
{
    if (path.len && path.ptr[0] != '/' && !str_eq(path, STR("-")))
        buf_addf(out, "%.*s/", STR_ARG(here));
    buf_add(out, path);
}

static int path_setting(struct settings *set, const struct settings_row *row, struct str here)
{
    AUTO(buf_done) struct buf out = { 0 };
    struct str *field = (struct str *)((char *)set + row->offset), rest = *field, one;
    bool is_list = row->flags & SETTINGS_PATHS;

    if (rest.len == 0 || (row->flags & SETTINGS_IN_PATH && str_index(rest, '/') < 0) ||
        (row->flags & SETTINGS_BARE && str_eq(rest, STR("on"))))
        return 0;
    while (rest.ptr) {
        one = is_list ? str_trim(str_cut(rest, ',', &rest)) : TAKE(rest, (struct str){ 0 });
        absolute_add(&out, here, one);
        if (rest.ptr)
            buf_addc(&out, ',');
    }
    return out.failed ? -ENOMEM : settings_put(set, field, buf_str(&out));
}

/* What a TARGET is that is a file or folder. */
static void target_add(struct strings *argv, const char *target)
{
    AUTO(freep) char *real = realpath(target, NULL);

    strings_add(argv, str_of(real ? real : target));
}

static int settings_add(struct service *s, struct settings *set, struct str here)
{
    AUTO(buf_done) struct buf flags = { 0 };
    AUTO(buf_done) struct buf secrets = { 0 };
    int err = 0;

    for (u32 i = 0; i < settings_row_count && !err; i++)
        if (settings_rows[i].type == SETTINGS_PATH || settings_rows[i].flags & SETTINGS_PATHS)
            err = path_setting(set, &settings_rows[i], here);
    /* The shell's PATH, in which node is, will not be there. */
    if (!err)
        err = settings_put(set, &set->node, str_of(s->outline.node.ptr));
    settings_write_args(set, &flags, &secrets);
    if (secrets.len)
        return problem_set(&s->problem,
                           "a secret must not stand in a unit, which everybody can read; write "
                           "%.*s=… into %s",
                           (int)strcspn(secrets.ptr, "="), secrets.ptr, s->env_file.ptr);
    for (const char *at = flags.ptr; at && at < flags.ptr + flags.len; at += strlen(at) + 1)
        strings_add(&s->unit.argv, str_of(at));
    return err ? err : flags.failed ? -ENOMEM : 0;
}

static bool is_number(struct str s)
{
    u64 n;

    return str_to_u64(s, &n);
}

/* The first port of --socket is where the app is to listen, whatever it asks for. */
static void port_add(struct service *s)
{
    struct str first, port;

    if (!s->unit.socket.count || s->outline.has_port || s->outline.apps > 1)
        return;
    first = strings_at(&s->unit.socket, 0);
    for (port = first; str_index(port, ':') >= 0;)
        str_cut(port, ':', &port);
    if (is_number(port))
        strings_addf(&s->unit.argv, "--port=%.*s", STR_ARG(port));
}

static int argv_make(struct service *s, char **rest)
{
    AUTO(settings_done) struct settings set = { 0 };
    struct settings_args args;
    char here[PATH_MAX], exe[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    int err = n < 0 || !getcwd(here, sizeof(here)) ? -errno : settings_init(&set);

    if (err)
        return err;
    exe[n] = 0;
    strings_add(&s->unit.argv, str_of(exe));
    strings_add(&s->unit.argv, STR("run"));
    err = settings_read_args(&set, (int)s->rest.count, rest, 1, &args, &s->problem);
    if (!err)
        err = settings_read_env(&set, environ, 0, &s->problem);
    if (!err)
        err = settings_add(s, &set, str_of(here));
    if (err)
        return err;
    port_add(s);
    if (s->unit.own_runtime_dir)
        strings_addf(&s->unit.argv, "--runtime-dir=/run/fettle-%s", s->name.ptr);
    target_add(&s->unit.argv, args.operands ? rest[args.operand[0]] : ".");
    if (args.rest < s->rest.count)
        strings_add(&s->unit.argv, STR("--"));
    strings_add_from(&s->unit.argv, &s->rest, args.rest);
    return s->unit.argv.bytes.failed ? -ENOMEM : 0;
}

/* ---- the unit ---- */

static bool is_below(struct str path, const char *folder)
{
    struct str f = str_of(folder);

    return str_starts(path, f) && (path.len == f.len || path.ptr[f.len] == '/');
}

/* As root: the owner of the folder, so that a mistake in the app is not root's. */
static int user_choose(struct service *s)
{
    const struct passwd *entry = NULL;
    struct stat st;

    if (!s->options.system)
        return s->options.as.len ? problem_set(&s->problem, "--as is for a unit of the machine's; "
                                                            "write --system too")
                                 : 0;
    if (s->outline.has_user && s->options.as.len)
        return problem_set(&s->problem, "--as and --uid say the same in two ways; write one");
    if (s->outline.has_user)
        return 0;
    if (s->options.as.len) {
        entry = getpwnam(s->options.as.ptr);
        if (!entry)
            return problem_set(&s->problem, "--as: there is no user \"%s\"", s->options.as.ptr);
    } else if (stat(s->folder.ptr, &st) == 0) {
        entry = getpwuid(st.st_uid);
    }
    if (entry && entry->pw_uid != 0)
        buf_add(&s->user, str_of(entry->pw_name));
    else if (!s->options.print && !s->shows)
        log_warn("the app will run as root, who owns %s; --as USER makes it run as somebody else",
                 s->folder.ptr);
    return 0;
}

static int dir_choose(struct service *s)
{
    const char *home = getenv("HOME"), *config = getenv("XDG_CONFIG_HOME");
    const char *root = s->options.root.len ? s->options.root.ptr : "";

    if (s->options.system) {
        buf_addf(&s->dir, "%s/etc/systemd/system", root);
        buf_addf(&s->env_file, "/etc/fettle/%s.env", s->name.ptr);
    } else if (!home && !config) {
        return problem_set(&s->problem, "HOME is not set: where is the folder of your units?");
    } else if (config && *config) {
        buf_addf(&s->dir, "%s%s/systemd/user", root, config);
        buf_addf(&s->env_file, "%s/fettle/%s.env", config, s->name.ptr);
    } else {
        buf_addf(&s->dir, "%s%s/.config/systemd/user", root, home);
        buf_addf(&s->env_file, "%s/.config/fettle/%s.env", home, s->name.ptr);
    }
    buf_addc(&s->dir, 0);
    buf_addc(&s->env_file, 0);
    return s->dir.failed || s->env_file.failed ? -ENOMEM : 0;
}

static int sockets_read(struct service *s)
{
    struct str rest = s->options.socket, one;

    while (rest.len) {
        one = str_trim(str_cut(rest, ',', &rest));
        if (one.len == 0 || memchr(one.ptr, ' ', one.len) ||
            (one.ptr[0] != '/' && !is_number(one) && str_index(one, ':') < 0))
            return problem_set(
                &s->problem, "--socket: \"%.*s\" is no address; write a port, host:port or a path",
                STR_ARG(one));
        strings_add(&s->unit.socket, one);
    }
    return 0;
}

static void unit_fill(struct service *s)
{
    struct unit_conf *u = &s->unit;

    buf_addf(&s->about, "%s, run by fettle", s->outline.name.ptr);
    buf_addf(&s->search, "%.*s:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
             STR_ARG(path_folder(str_of(s->outline.node.ptr))));
    u->name = str_of(s->name.ptr);
    u->about = buf_str(&s->about);
    u->search = buf_str(&s->search);
    u->folder = str_of(s->folder.ptr);
    u->env_file = str_of(s->env_file.ptr);
    u->user = buf_str(&s->user);
    u->is_system = s->options.system;
    u->shared_tmp = is_below(u->folder, "/tmp") || is_below(u->folder, "/var/tmp");
    u->writes_system = is_below(u->folder, "/usr") || is_below(u->folder, "/etc");
    u->stop_ns = s->outline.drain_ns + s->outline.kill_after_ns + STOP_SPARE_NS;
    u->start_ns = s->outline.start_timeout_ns ? s->outline.start_timeout_ns + START_SPARE_NS : 0;
    u->files = FILES;
    /* Of root's own, and of a user's manager, the usual places do. */
    u->own_runtime_dir = u->is_system && u->user.len && !s->outline.has_runtime_dir;
}

static void path_set(struct service *s, u32 i, const char *ending)
{
    buf_clear(&s->path[i]);
    buf_addf(&s->path[i], "%s/%s.%s", s->dir.ptr, s->name.ptr, ending);
    buf_addc(&s->path[i], 0);
}

/* Of the name alone, for `remove`. */
static int place(struct service *s, struct str name)
{
    int err;

    unit_name(name, &s->name);
    buf_addc(&s->name, 0);
    err = dir_choose(s);
    path_set(s, 0, "service");
    path_set(s, 1, "socket");
    return err ? err : s->path[1].failed || s->name.failed ? -ENOMEM : 0;
}

static int units_make(struct service *s, char **rest)
{
    int err = place(s, str_of(s->outline.name.ptr));

    buf_add(&s->folder, str_of(s->outline.folder.ptr));
    buf_addc(&s->folder, 0);
    if (!err)
        err = sockets_read(s);
    if (!err)
        err = user_choose(s);
    if (err)
        return err;
    unit_fill(s);
    err = argv_make(s, rest);
    if (err)
        return err;
    unit_service_write(&s->unit, &s->text[0]);
    if (s->unit.socket.count)
        unit_socket_write(&s->unit, &s->text[1]);
    s->units = s->unit.socket.count ? 2 : 1;
    return s->text[0].failed || s->text[1].failed ? -ENOMEM : 0;
}

/* ---- what there is ---- */

enum state { ABSENT, SAME, OTHER, FOREIGN };

/* What stands in the place of unit `i`. */
static enum state state_of(const struct service *s, u32 i)
{
    AUTO(buf_done) struct buf have = { 0 };

    if (file_read(s->path[i].ptr, UNIT_BYTES_MAX, &have) < 0)
        return access(s->path[i].ptr, F_OK) == 0 ? FOREIGN : ABSENT;
    if (!unit_is_ours(buf_str(&have)))
        return FOREIGN;
    return str_eq(buf_str(&have), buf_str(&s->text[i])) ? SAME : OTHER;
}

static int show_json(const struct service *s)
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

static int show(const struct service *s)
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

static int manager_check(struct service *s)
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
static int systemctl(struct service *s, const char *const *words)
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

/* Whole or not at all. */
static int unit_save(struct service *s, u32 i)
{
    AUTO(buf_done) struct buf temp = { 0 };
    AUTO(fd_closep) int fd = -1;
    struct str text = buf_str(&s->text[i]);
    int err = folders_make(s->path[i].ptr);

    buf_addf(&temp, "%s.new", s->path[i].ptr);
    buf_addc(&temp, 0);
    if (temp.failed)
        return -ENOMEM;
    fd = err ? -1 : open(temp.ptr, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd >= 0 && (write(fd, text.ptr, text.len) != (ssize_t)text.len || fsync(fd) < 0 ||
                    rename(temp.ptr, s->path[i].ptr) < 0)) {
        err = -errno;
        unlink(temp.ptr);
    } else if (!err && fd < 0) {
        err = -errno;
    }
    if (err == -EACCES || err == -EPERM)
        problem_set(&s->problem, "%s cannot be written: %s; root may, or write --user",
                    s->path[i].ptr, strerror(-err));
    else if (err)
        problem_set(&s->problem, "%s cannot be written: %s", s->path[i].ptr, strerror(-err));
    else
        log_info("written: %s", s->path[i].ptr);
    return err;
}

static int foreign_check(struct service *s, u32 units)
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

static void installed_tell(const struct service *s)
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

static int install(struct service *s)
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

static int uninstall(struct service *s)
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
static int removed_place(struct service *s, char **rest, bool *found)
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
    return *found ? place(s, set.name.len ? set.name : str_of(target)) : 0;
}

static int service_run(struct service *s, const char *verb, char **rest)
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
    err = units_make(s, rest);
    if (err)
        return fail(s, err);
    if (removes)
        return uninstall(s);
    return s->shows || s->options.print ? show(s) : install(s);
}

int service_command(int argc, char **argv)
{
    AUTO(service_done) struct service s = { 0 };
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
