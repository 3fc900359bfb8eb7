/* app/service_plan.c -- what `fettle service` is to install: the text of the units, and where they
 * go
 */
#include "app/service_plan.h"

#include "app/path.h"
#include "base/log.h"

#include <limits.h>
#include <pwd.h>
#include <sys/stat.h>

extern char **environ;

enum { FILES = 65536 };
#define STOP_SPARE_NS \
    (5 * NS_PER_S) /* for fettle's own processes, and what is still to be written */
#define START_SPARE_NS (30 * NS_PER_S) /* until the last worker is started */

void service_plan_done(struct service_plan *s)
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

static int settings_add(struct service_plan *s, struct settings *set, struct str here)
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
static void port_add(struct service_plan *s)
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

static int argv_make(struct service_plan *s, char **rest)
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
static int user_choose(struct service_plan *s)
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

static int dir_choose(struct service_plan *s)
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

static int sockets_read(struct service_plan *s)
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

static void unit_fill(struct service_plan *s)
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

static void path_set(struct service_plan *s, u32 i, const char *ending)
{
    buf_clear(&s->path[i]);
    buf_addf(&s->path[i], "%s/%s.%s", s->dir.ptr, s->name.ptr, ending);
    buf_addc(&s->path[i], 0);
}

int service_plan_place(struct service_plan *s, struct str name)
{
    int err;

    unit_name(name, &s->name);
    buf_addc(&s->name, 0);
    err = dir_choose(s);
    path_set(s, 0, "service");
    path_set(s, 1, "socket");
    return err ? err : s->path[1].failed || s->name.failed ? -ENOMEM : 0;
}

int service_plan_make(struct service_plan *s, char **rest)
{
    int err = service_plan_place(s, str_of(s->outline.name.ptr));

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
