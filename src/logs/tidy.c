/* logs/tidy.c -- old log files are compressed and, when there are too many, deleted */
#include "logs/tidy.h"

#include "io/child.h"
#include "io/gzip.h"
#include "logs/archive.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { IOPRIO_WHO_PROCESS = 1, IOPRIO_IDLE = 3 << 13 };

void tidy_start(const char *path, const struct logfile_rules *rules)
{
    char keep[16], keep_ns[24];
    char *argv[] = {
        (char *)"fettle",
        (char *)"__log-tidy",
        keep,
        keep_ns,
        (char *)(rules->compress ? "1" : "0"),
        (char *)path,
        NULL,
    };
    struct child_conf child = {
        .file = rules->tidy_program, .argv = argv, .fds = { -1, -1, -1 }, .fds_n = 3
    };
    pid_t pid;

    snprintf(keep, sizeof(keep), "%u", rules->keep);
    snprintf(keep_ns, sizeof(keep_ns), "%llu", (unsigned long long)rules->keep_ns);
    /* It ends at once and leaves the work to a child of its own (tidy_main), so that nobody has to
     * remember it. The supervisor, which reaps every child, may be first. */
    if (child_start(&child, &pid, NULL) == 0)
        waitpid(pid, NULL, 0);
}

/* Forgets the compressed ones of which the plain one is still there: each is there once. */
static void twins_remove(struct archive *list, u32 *count)
{
    u32 n = 0;

    for (u32 i = 0; i < *count; i++)
        if (list[i].kind != ARCHIVE_PARTIAL && !(n && list[n - 1].at_ms == list[i].at_ms))
            list[n++] = list[i];
    *count = n;
}

bool tidy_due(const char *path, const struct logfile_rules *rules, u64 now_ms)
{
    AUTO(freep) struct archive *list = NULL;
    bool due = false;
    u32 count;

    if (archive_list(path, &list, &count) < 0)
        return false;
    for (u32 i = 0; i < count; i++)
        due |=
            list[i].kind == ARCHIVE_PARTIAL || (rules->compress && list[i].kind == ARCHIVE_PLAIN);
    twins_remove(list, &count);
    return due || archive_surplus(list, count, rules->keep, rules->keep_ns, now_ms) > 0;
}

static bool nobody_writes(int fd)
{
    struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 1, .l_len = 1 };

    return fcntl(fd, F_OFD_SETLK, &l) == 0 || (errno != EAGAIN && errno != EACCES);
}

/* As it was: its times are what `find -mtime` and people look at. */
static void likeness(int to, const struct stat *from)
{
    struct timespec times[2] = { from->st_atim, from->st_mtim };

    if (fchown(to, from->st_uid, from->st_gid) < 0)
        fchmod(to, from->st_mode & 0700);
    else
        fchmod(to, from->st_mode & 07777);
    futimens(to, times);
}

static void compress(int folder, const char *name)
{
    char done[300], part[300];
    AUTO(fd_closep) int from = openat(folder, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    AUTO(fd_closep) int to = -1;
    struct stat st;

    if (from < 0 || fstat(from, &st) < 0 || !S_ISREG(st.st_mode) || !nobody_writes(from))
        return; /* the next time */
    snprintf(done, sizeof(done), "%s.gz", name);
    snprintf(part, sizeof(part), "%s.gz.part", name);
    unlinkat(folder, part, 0);
    to = openat(folder, part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (to < 0)
        return;
    if (gzip_compress(from, to) == 0) {
        likeness(to, &st);
        if (fsync(to) == 0 && renameat(folder, part, folder, done) == 0) {
            unlinkat(folder, name, 0);
            return;
        }
    }
    unlinkat(folder, part, 0);
}

static void tidy(const char *path, const struct logfile_rules *rules, int folder)
{
    AUTO(freep) struct archive *list = NULL;
    u32 count, surplus;

    if (archive_list(path, &list, &count) < 0)
        return;
    for (u32 i = 0; i < count; i++)
        if (list[i].kind == ARCHIVE_PARTIAL) /* nobody is at it: we have the folder's lock */
            unlinkat(folder, list[i].name, 0);
    twins_remove(list, &count);
    surplus = archive_surplus(list, count, rules->keep, rules->keep_ns, clock_wall_ms());
    for (u32 i = 0; i < surplus; i++) {
        char twin[300];

        unlinkat(folder, list[i].name, 0);
        snprintf(twin, sizeof(twin), "%s.gz", list[i].name);
        if (list[i].kind == ARCHIVE_PLAIN)
            unlinkat(folder, twin, 0);
    }
    for (u32 i = surplus; i < count && rules->compress; i++)
        if (list[i].kind == ARCHIVE_PLAIN)
            compress(folder, list[i].name);
}

int tidy_main(int argc, char **argv)
{
    struct logfile_rules rules = { 0 };
    char folder_path[ARCHIVE_FOLDER_MAX];
    struct str name;
    u64 keep;
    int folder;

    if (argc != 5 || !str_to_u64(str_of(argv[1]), &keep) || keep > UINT32_MAX ||
        !str_to_u64(str_of(argv[2]), &rules.keep_ns) || !archive_split(argv[4], folder_path, &name))
        return 2;
    rules.keep = (u32)keep;
    rules.compress = argv[3][0] == '1';
    if (fork() != 0)
        return 0;
    setpriority(PRIO_PROCESS, 0, 19);
    syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_IDLE);
    folder = open(folder_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0 || flock(folder, LOCK_EX | LOCK_NB) < 0)
        return 0; /* somebody else is at it */
    tidy(argv[4], &rules, folder);
    return 0;
}
