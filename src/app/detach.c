/* app/detach.c -- `fettle run --detach`: on in the background, once it is known to run */
#include "app/detach.h"

#include "app/command.h"
#include "app/control_client.h"
#include "app/exit_code.h"
#include "app/path.h"
#include "app/row.h"
#include "base/clock.h"
#include "conf/file.h"
#include "io/child.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

enum { TAIL_BYTES = 16384, TAIL_LINES = 20 };
#define LOOK_NS (10 * NS_PER_MS)

/* What the process in front knows of the one in the background. */
struct wait {
    pid_t pid;
    const char *runtime_dir;
    const char *log;
    off_t log_from; /* what stood in it before */
    const char *console;
};

static void peers_open(struct control_peers *ps, const char *runtime_dir)
{
    struct control_options o = { .runtime_dir = str_of(runtime_dir) };

    control_peers_open(ps, &o);
}

bool detach_runs_already(const char *name, const char *runtime_dir, struct problem *p)
{
    AUTO(control_peers_done) struct control_peers ps = { 0 };
    struct control_app app;
    u32 at = 0;

    peers_open(&ps, runtime_dir);
    while (control_peers_each(&ps, &at, &app)) {
        bool stopped = str_eq(row_text(app.row, "state"), STR("stopped"));

        if (!str_eq(app.name, str_of(name)))
            continue;
        problem_set(p,
                    "%.80s %s already (fettle %u): `fettle %s %.80s` %s, `fettle stop %.80s` ends "
                    "it; --name gives this one another name",
                    name, stopped ? "is there" : "runs", app.peer->found.pid,
                    stopped ? "start" : "reload", name,
                    stopped ? "starts it" : "brings new code and settings", name);
        return true;
    }
    return false;
}

static int folder_make(const char *path)
{
    return mkdir(path, 0750) == 0 || errno == EEXIST ? 0 : -errno;
}

/* $XDG_STATE_HOME/fettle, else /var/log/fettle for root, else ~/.local/state/fettle; made. */
static int log_folder(struct buf *out)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    static const char *const below_home[] = { "/.local", "/state", "/fettle" };
    int err = 0;

    if (state && *state == '/') {
        buf_addf(out, "%s%c", state, 0);
        err = folder_make(out->ptr);
        out->len--;
        buf_addf(out, "/fettle%c", 0);
        return err ? err : folder_make(out->ptr);
    }
    if (geteuid() == 0) {
        buf_addf(out, "/var/log/fettle%c", 0);
        return folder_make(out->ptr);
    }
    if (!home || *home != '/')
        return -ENOENT;
    buf_add(out, str_of(home));
    for (u32 i = 0; i < ARRAY_LEN(below_home) && !err && !out->failed; i++) {
        buf_addf(out, "%s%c", below_home[i], 0);
        err = folder_make(out->ptr);
        out->len -= i + 1 < ARRAY_LEN(below_home);
    }
    return err;
}

/* The file NAME and `end` in that folder. */
static int path_in_folder(const char *name, const char *end, struct buf *path, struct problem *p)
{
    AUTO(buf_done) struct buf folder = { 0 };
    AUTO(buf_done) struct buf file = { 0 };
    int err = log_folder(&folder);

    if (err || folder.failed) {
        problem_set(p,
                    "the folder for log files, %s, cannot be made: %s; name another one with "
                    "XDG_STATE_HOME",
                    folder.ptr ? folder.ptr : "", strerror(err ? -err : ENOMEM));
        return err ? err : -ENOMEM;
    }
    for (const char *c = name; *c; c++)
        buf_addc(&file, *c == '/' ? '_' : *c);
    buf_add(&file, str_of(end));
    path_join(path, str_of(folder.ptr), buf_str(&file));
    return file.failed || path->failed ? -ENOMEM : 0;
}

int detach_log_path(const char *name, struct buf *path, struct problem *p)
{
    return path_in_folder(name, ".log", path, p);
}

/* Where standard output and error go, empty; -1 with *p. */
static int console_open(const char *name, struct buf *path, struct problem *p)
{
    int fd = -1;

    if (path_in_folder(name, ".console.log", path, p))
        return -1;
    fd = open(path->ptr, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0640);
    if (fd < 0)
        problem_set(p, "the log file %s cannot be opened: %s", path->ptr, strerror(errno));
    return fd;
}

/* The last lines of a file behind `from`, on standard error. False: there are none. */
static bool tail_show_of(const char *path, off_t from)
{
    AUTO(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    off_t end = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
    char text[TAIL_BYTES];

    from = max(from, end - TAIL_BYTES);
    ssize_t n = end > from ? pread(fd, text, sizeof(text), from) : 0;
    size_t at = n > 0 ? (size_t)n : 0, lines = 0;

    while (at > 0 && (lines += text[at - 1] == '\n') <= TAIL_LINES)
        at--;
    if (n > 0)
        (void)!write(STDERR_FILENO, text + at, (size_t)n - at);
    return n > 0;
}

/* What has been written since the start. */
static void tail_show(const struct wait *w)
{
    if (!tail_show_of(w->log, w->log_from))
        (void)tail_show_of(w->console, 0);
}

static int has_ended(const struct wait *w, int status)
{
    struct child_end end = { .pid = w->pid,
                             .code = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
                             .signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0 };
    char why[CHILD_END_TEXT_MAX];

    if (end.code == 0) { /* a script that was quick */
        printf("it has run to its end; log: %s\n", w->log);
        return EXIT_OK;
    }
    tail_show(w);
    (void)command_usage("it did not start (%.*s); log: %s", STR_ARG(child_end_text(&end, why)),
                        w->log);
    return EXIT_APP;
}

/* Every app of it is ready, or has finished (1); one has been given up (-1); not yet (0). */
static int readiness(const struct json_value *apps)
{
    bool all = json_value_count(apps) > 0;

    for (u32 i = 0; i < json_value_count(apps); i++) {
        const struct json_value *row = json_value_at(apps, i);
        struct str state = row_text(row, "state");

        if (str_eq(state, STR("errored")))
            return -1;
        all &= str_eq(state, STR("finished")) ||
               (str_eq(state, STR("running")) &&
                row_u64(row, "workers_ready") >= row_u64(row, "workers_wanted"));
    }
    return all;
}

static void started_tell(const struct wait *w, const struct json_value *apps)
{
    for (u32 i = 0; i < json_value_count(apps); i++) {
        const struct json_value *row = json_value_at(apps, i), *urls;
        struct str name = row_text(row, "name");
        u64 workers = row_u64(row, "workers_ready");

        printf("%.*s runs in the background: %llu worker%s", STR_ARG(name),
               (unsigned long long)workers, workers == 1 ? "" : "s");
        urls = json_value_member(row, "urls");
        for (u32 k = 0; k < json_value_count(urls); k++)
            printf("%s%.*s", k ? ", " : " → ", STR_ARG(json_value_text(json_value_at(urls, k))));
        printf(" (pid %d)\n", (int)w->pid);
    }
    printf("log: %s\nto see, renew and end it: fettle ps, fettle reload, fettle stop\n", w->log);
}

static int ready_await(const struct wait *w)
{
    struct timespec pause = { .tv_nsec = LOOK_NS };
    int status;

    for (;; nanosleep(&pause, NULL)) {
        AUTO(control_peers_done) struct control_peers ps = { 0 };

        if (waitpid(w->pid, &status, WNOHANG) == w->pid)
            return has_ended(w, status);
        peers_open(&ps, w->runtime_dir);
        for (u32 i = 0; i < ps.count; i++) {
            const struct json_value *apps = json_value_member(ps.peer[i].said, "apps");
            int r = ps.peer[i].found.pid == (u32)w->pid ? readiness(apps) : 0;

            if (r == 0)
                continue;
            started_tell(w, apps);
            if (r < 0)
                tail_show(w);
            return r < 0 ? EXIT_APP : EXIT_OK;
        }
    }
}

/* Nothing of the terminal stays with it. */
static void background(int log_fd)
{
    AUTO(fd_closep) int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    setsid();
    if (null >= 0)
        dup2(null, STDIN_FILENO);
    dup2(log_fd, STDOUT_FILENO);
    dup2(log_fd, STDERR_FILENO);
}

enum detach detach_fork(const char *name, const char *runtime_dir, const char *log, int *exit_code,
                        struct problem *p)
{
    AUTO(buf_done) struct buf console = { 0 };
    AUTO(fd_closep) int fd = console_open(name, &console, p);
    struct wait w = { .runtime_dir = runtime_dir, .log = log, .console = console.ptr };
    struct stat st;

    if (fd < 0)
        return DETACH_FAILED;
    w.log_from = stat(log, &st) == 0 ? st.st_size : 0;
    fflush(stdout);
    w.pid = fork();
    if (w.pid < 0) {
        problem_set(p, "no process can be made for the background: %s", strerror(errno));
        return DETACH_FAILED;
    }
    if (w.pid == 0) {
        background(fd);
        return DETACH_GOES_ON;
    }
    *exit_code = ready_await(&w);
    return DETACH_ENDS;
}
