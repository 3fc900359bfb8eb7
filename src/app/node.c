/* app/node.c -- the node program: where it is, and which */
#include "app/node.h"

#include "base/clock.h"
#include "base/strings.h"
#include "conf/words.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>

extern char **environ;

static bool is_program(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* folder/name, absolute. */
static bool program_at(struct str folder, struct str name, struct buf *path)
{
    char here[PATH_MAX];

    buf_clear(path);
    if (folder.len == 0 || folder.ptr[0] != '/') {
        if (!getcwd(here, sizeof(here)))
            return false;
        buf_addf(path, "%s/", here);
    }
    buf_add(path, folder);
    if (folder.len && folder.ptr[folder.len - 1] != '/')
        buf_addc(path, '/');
    buf_add(path, name);
    buf_addc(path, 0);
    path->len -= !path->failed;
    return !path->failed && is_program(path->ptr);
}

int node_find(struct str name, struct str search, struct buf *path, struct problem *p)
{
    struct str rest = search;

    if (str_index(name, '/') >= 0) {
        struct str root = name.ptr[0] == '/' ? STR("/") : STR("");

        if (program_at(root, root.len ? str_sub(name, 1, name.len) : name, path))
            return 0;
        if (path->failed)
            return -ENOMEM;
        problem_set(p,
                    "node: %.*s is not a program that can be run; set --node to the path of Node "
                    "%d or later",
                    STR_ARG(str_sub(name, 0, 200)), NODE_MAJOR_LEAST);
        return -ENOENT;
    }
    while (rest.ptr) {
        if (program_at(str_cut(rest, ':', &rest), name, path))
            return 0;
        if (path->failed)
            return -ENOMEM;
    }
    problem_set(p,
                "node: there is no program \"%.*s\" in any folder of PATH (%.*s); install Node %d "
                "or later, or set --node to its path",
                STR_ARG(str_sub(name, 0, 80)), STR_ARG(str_sub(search, 0, 300)), NODE_MAJOR_LEAST);
    return -ENOENT;
}

bool node_version_parse(struct str text, struct node_version *out)
{
    u64 part[3];

    if (!str_starts(text, STR("v")))
        return false;
    text = str_sub(text, 1, text.len);
    for (int i = 0; i < 3; i++) {
        size_t n = 0;

        while (n < text.len && text.ptr[n] >= '0' && text.ptr[n] <= '9')
            n++;
        if (!str_to_u64(str_sub(text, 0, n), &part[i]) || part[i] > 10000)
            return false;
        if (i < 2 && (n == text.len || text.ptr[n] != '.'))
            return false;
        text = str_sub(text, n + 1, text.len);
    }
    *out = (struct node_version){ (u32)part[0], (u32)part[1], (u32)part[2] };
    return true;
}

/* What the child writes first, at most `room` bytes, in at most 5 s. */
static size_t answer_read(int fd, char *out, size_t room)
{
    struct pollfd pfd = { .fd = fd, .events = POLLIN };
    u64 end_ns = clock_now_ns() + 5 * NS_PER_S, now_ns;
    size_t len = 0;
    ssize_t n = 1;

    while (n > 0 && len < room && (now_ns = clock_now_ns()) < end_ns) {
        if (poll(&pfd, 1, (int)((end_ns - now_ns) / NS_PER_MS) + 1) <= 0)
            break;
        n = read(fd, out + len, room - len);
        if (n > 0)
            len += (size_t)n;
    }
    return len;
}

int node_version_of(const char *path, struct node_version *out)
{
    char *const argv[] = { (char *)path, (char *)"--version", NULL };
    posix_spawn_file_actions_t actions;
    char text[64];
    int pipe_fds[2], err;
    size_t len;
    pid_t pid;

    if (pipe2(pipe_fds, O_CLOEXEC) != 0)
        return -errno;
    AUTO(fd_closep) int read_fd = pipe_fds[0];
    AUTO(fd_closep) int write_fd = pipe_fds[1];
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, write_fd, STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    err = posix_spawn(&pid, path, &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (err)
        return -err;
    close(TAKE(write_fd, -1));
    len = answer_read(read_fd, text, sizeof(text));
    kill(pid, SIGKILL); /* it has answered, or never will */
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    return node_version_parse(str_make(text, len), out) ? 0 : -EPROTO;
}

enum node_typescript node_typescript(struct node_version v)
{
    if (v.major > 23 || (v.major == 23 && v.minor >= 6) || (v.major == 22 && v.minor >= 18))
        return NODE_TS_YES;
    if (v.major == 23 || (v.major == 22 && v.minor >= 6))
        return NODE_TS_FLAG;
    return NODE_TS_NO;
}

bool node_has_loader(struct str node_args)
{
    static const char *const flags[] = { "--import",
                                         "--require",
                                         "-r",
                                         "--loader",
                                         "--experimental-loader",
                                         "--experimental-strip-types",
                                         "--experimental-transform-types" };
    AUTO(strings_done) struct strings words = { 0 };

    if (words_split(node_args, &words.bytes, &words.count) == WORDS_OPEN || words.bytes.failed)
        return true;
    for (u32 i = 0; i < words.count; i++) {
        struct str value, flag = str_cut(strings_at(&words, i), '=', &value);

        for (u32 k = 0; k < ARRAY_LEN(flags); k++)
            if (str_eq(flag, str_of(flags[k])))
                return true;
    }
    return false;
}
