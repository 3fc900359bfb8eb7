/* worker/watcher.c -- tells when files below some folders have changed (inotify)
 *
 * A save is IN_CLOSE_WRITE, or a rename over the file (IN_MOVED_TO); a folder that is new is
 * looked through, because what came into it before it was watched made no event.
 */
#include "worker/watcher.h"

#include "base/log.h"

#include <dirent.h>
#include <limits.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#define EVENTS                                                                               \
    (IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | \
     IN_MOVE_SELF | IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK)
#define WATCHES_FILE "/proc/sys/fs/inotify/max_user_watches"

enum { READS_PER_WAKE = 16 };

struct watched {
    int wd;
    char *path;      /* NULL: it is gone */
    size_t root_len; /* of `path`: where what is watched begins */
    bool only_named; /* watched for the sake of single files in it */
};

static void series_due(struct timer *t)
{
    struct watcher *w = container_of(t, struct watcher, settle);

    w->conf.changed(w);
    w->changes = 0;
}

static void change(struct watcher *w, struct str path)
{
    u64 now_ns = clock_now_ns();

    if (w->changes++ == 0) {
        w->first_ns = now_ns;
        str_to_cstr(path, w->path, sizeof(w->path));
    }
    w->last_ns = now_ns;
    loop_timer(w->conf.loop, &w->settle,
               watch_rules_due_ns(w->first_ns, w->last_ns, w->conf.delay_ns), series_due);
}

/* Whether the path itself was asked for. */
static bool is_named(const struct watcher *w, const char *path)
{
    for (struct str rest = w->conf.paths; rest.len;)
        if (str_eq(str_cut(rest, ',', &rest), str_of(path)))
            return true;
    return false;
}

/* The place of the first folder with at least this wd. */
static u32 place_of(const struct watcher *w, int wd)
{
    u32 low = 0, high = w->count;

    while (low < high) {
        u32 middle = (low + high) / 2;

        if (w->folders[middle].wd < wd)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct watched *folder_find(const struct watcher *w, int wd)
{
    u32 i = place_of(w, wd);

    return i < w->count && w->folders[i].wd == wd && w->folders[i].path ? &w->folders[i] : NULL;
}

static int folder_put(struct watcher *w, int wd, const char *path, size_t root_len, bool only_named)
{
    u32 i = place_of(w, wd);
    char *copy = strdup(path);

    if (!copy)
        return -ENOMEM;
    if (i < w->count && w->folders[i].wd == wd) {
        only_named = only_named && (w->folders[i].only_named || !w->folders[i].path);
        free(w->folders[i].path);
        w->folders[i] = (struct watched){ wd, copy, root_len, only_named };
        return 0;
    }
    if (w->count == w->room) {
        u32 room = max(64u, 2 * w->room);
        struct watched *folders = reallocarray(w->folders, room, sizeof(*folders));

        if (!folders) {
            free(copy);
            return -ENOMEM;
        }
        w->folders = folders;
        w->room = room;
    }
    memmove(&w->folders[i + 1], &w->folders[i], (w->count - i) * sizeof(*w->folders));
    w->folders[i] = (struct watched){ wd, copy, root_len, only_named };
    w->count++;
    return 0;
}

static void missed(struct watcher *w, const char *path, int error)
{
    if (w->missed++ == 0) {
        str_to_cstr(str_of(path), w->missed_path, sizeof(w->missed_path));
        w->missed_errno = error;
    }
}

/* False: it is not watched. */
static bool folder_add(struct watcher *w, const char *path, size_t root_len, bool only_named)
{
    int wd, r = 0;

    if (w->count == WATCHER_FOLDERS_MAX) {
        missed(w, path, EMFILE);
        return false;
    }
    wd = inotify_add_watch(w->watch.fd, path, EVENTS);
    if (wd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return false; /* gone already, or a link */
    if (wd >= 0)
        r = folder_put(w, wd, path, root_len, only_named);
    if (wd < 0 || r < 0)
        missed(w, path, wd < 0 ? errno : -r);
    return wd >= 0 && r == 0;
}

static bool is_folder(const struct dirent *e, const char *path)
{
    struct stat st;

    if (e->d_type != DT_UNKNOWN)
        return e->d_type == DT_DIR;
    return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* A folder and all in it. `news`: what is found in it is a change. */
static void tree_add(struct watcher *w, const char *path, size_t root_len, u32 depth, bool news)
{
    char full[PATH_MAX];
    struct dirent *e;
    DIR *dir;

    if (depth > WATCHER_DEPTH_MAX || !folder_add(w, path, root_len, false))
        return;
    dir = opendir(path);
    while (dir && (e = readdir(dir))) {
        int n = snprintf(full, sizeof(full), "%s/%s", path, e->d_name);
        struct str relative;

        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 || n < 0 ||
            (size_t)n >= sizeof(full))
            continue;
        relative = str_sub(str_of(full), root_len + 1, (size_t)n);
        if (is_folder(e, full)) {
            if (watch_rules_folder(&w->conf.rules, relative))
                tree_add(w, full, root_len, depth + 1, news);
        } else if (news && watch_rules_file(&w->conf.rules, relative)) {
            change(w, relative);
        }
    }
    if (dir)
        closedir(dir);
}

/* A folder was moved away: its watches would go on under a name that it no longer has. */
static void tree_drop(struct watcher *w, const char *path)
{
    size_t len = strlen(path);

    for (u32 i = 0; i < w->count; i++) {
        struct watched *f = &w->folders[i];

        if (f->path && strncmp(f->path, path, len) == 0 &&
            (f->path[len] == '/' || f->path[len] == 0))
            inotify_rm_watch(w->watch.fd, f->wd);
    }
}

static void missed_tell(struct watcher *w)
{
    char limit[32] = "?";
    FILE *file;

    if (w->missed == 0 || w->missed_told)
        return;
    w->missed_told = true;
    if (w->missed_errno != ENOSPC) {
        log_warn("%s%s and %u more folders are not watched: %s", w->conf.lead, w->missed_path,
                 w->missed - 1, strerror(w->missed_errno));
        return;
    }
    file = fopen(WATCHES_FILE, "re");
    if (file) {
        if (!fgets(limit, sizeof(limit), file))
            limit[0] = 0;
        limit[strcspn(limit, "\n")] = 0;
        fclose(file);
    }
    log_warn("%sthe kernel's limit of watched folders is reached: %s and %u more are not watched; "
             "raise fs.inotify.max_user_watches (it is %s), as in: sudo sysctl "
             "fs.inotify.max_user_watches=524288; or watch less, with --watch=PATHS and "
             "--watch-ignore",
             w->conf.lead, w->missed_path, w->missed - 1, limit);
}

static void roots_add(struct watcher *w)
{
    for (struct str rest = w->conf.paths; rest.len;) {
        AUTO(freep) char *path = str_dup(str_cut(rest, ',', &rest));
        char *slash;
        struct stat st;

        if (!path)
            return;
        if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
            tree_add(w, path, strlen(path), 0, false);
            continue;
        }
        slash = strrchr(path, '/');
        if (!slash)
            continue;
        *slash = 0;
        if (!folder_add(w, *path ? path : "/", strlen(path), true))
            missed(w, path, ENOENT);
    }
    missed_tell(w);
}

static void event_take(struct watcher *w, const struct inotify_event *e)
{
    struct watched *f = folder_find(w, e->wd);
    bool is_dir = e->mask & IN_ISDIR;
    char path[PATH_MAX];
    struct str relative;
    int n;

    if (e->mask & IN_Q_OVERFLOW) { /* too many to be told: something has changed for sure */
        roots_add(w);
        change(w, STR("many files"));
        return;
    }
    if (!f)
        return;
    if (e->mask & IN_IGNORED) {
        free(TAKE(f->path, NULL));
        return;
    }
    if (e->len == 0)
        return;
    n = snprintf(path, sizeof(path), "%s/%s", f->path, e->name);
    if (n < 0 || (size_t)n >= sizeof(path))
        return;
    relative = str_sub(str_of(path), f->root_len + 1, (size_t)n);
    if (is_named(w, path)) {
        change(w, str_of(e->name));
    } else if (is_dir && !f->only_named && watch_rules_folder(&w->conf.rules, relative)) {
        if (e->mask & (IN_MOVED_FROM | IN_MOVED_TO))
            tree_drop(w, path);
        if (e->mask & (IN_CREATE | IN_MOVED_TO))
            tree_add(w, path, f->root_len, 0, true);
        else if (e->mask & IN_MOVED_FROM)
            change(w, relative);
        missed_tell(w);
    } else if (!is_dir && !f->only_named && watch_rules_file(&w->conf.rules, relative)) {
        change(w, relative);
    }
}

static void readable(struct watch *watch, u32 events)
{
    struct watcher *w = container_of(watch, struct watcher, watch);
    char bytes[16384] __attribute__((aligned(__alignof__(struct inotify_event))));

    (void)events;
    for (int i = 0; i < READS_PER_WAKE; i++) {
        ssize_t n = read(watch->fd, bytes, sizeof(bytes));

        if (n <= 0)
            return;
        for (ssize_t at = 0; at < n;) {
            const struct inotify_event *e = (const struct inotify_event *)(bytes + at);

            at += (ssize_t)sizeof(*e) + e->len;
            event_take(w, e);
        }
    }
}

int watcher_init(struct watcher *w, const struct watcher_conf *conf)
{
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC), r = fd < 0 ? -errno : 0;

    *w = (struct watcher){ .conf = *conf };
    if (r == 0) {
        r = loop_watch(conf->loop, &w->watch, fd, EPOLLIN, readable);
        if (r < 0)
            close(fd);
    }
    if (r < 0) {
        log_warn("%sfiles are not watched: %s%s", conf->lead, strerror(-r),
                 r == -EMFILE ? "; raise fs.inotify.max_user_instances, as in: sudo sysctl "
                                "fs.inotify.max_user_instances=1024"
                              : "");
        return r;
    }
    roots_add(w);
    return 0;
}

void watcher_done(struct watcher *w)
{
    int fd = w->watch.fd;

    if (!w->watch.loop)
        return;
    loop_timer_stop(&w->settle);
    loop_unwatch(&w->watch);
    close(fd);
    for (u32 i = 0; i < w->count; i++)
        free(w->folders[i].path);
    free(w->folders);
    w->folders = NULL;
    w->count = w->room = 0;
}
