/* app/prescript.c -- prestart and its kind: once, in the foreground, before any worker */
#include "app/start.h"
#include "base/log.h"
#include "io/child.h"

#include <sys/wait.h>

extern char **environ;

/* This process's environment and the launch's; the caller frees the list. */
static char **env_joined(const struct strings *more)
{
    char **extra = strings_list(more), **list;
    u32 n = 0, count = 0;

    while (environ[n])
        n++;
    list = extra ? calloc(n + more->count + 1, sizeof(*list)) : NULL;
    for (u32 i = 0; list && i < n; i++) {
        size_t name_len = strcspn(environ[i], "=") + 1;
        bool replaced = false;

        for (u32 k = 0; k < more->count; k++)
            replaced |= strncmp(environ[i], extra[k], name_len) == 0;
        if (!replaced && strncmp(environ[i], "FETTLE_", 7) != 0)
            list[count++] = environ[i];
    }
    for (u32 k = 0; list && k < more->count; k++)
        list[count++] = extra[k];
    free(extra);
    return list;
}

/* The same with what .env files hold. `vars` keeps the texts. */
static char **env_for_shell(const struct start *s, struct strings *vars)
{
    strings_add_from(vars, &s->file_env, 0);
    strings_add_from(vars, &s->launch.env, 0);
    return env_joined(vars);
}

static int command_run(struct start *s, const char *command)
{
    char *const argv[] = { (char *)"/bin/sh", (char *)"-c", (char *)command, NULL };
    AUTO(strings_done) struct strings vars = { 0 };
    AUTO(freep) char **env = env_for_shell(s, &vars);
    struct child_conf child = { .file = argv[0],
                                .argv = argv,
                                .envp = env,
                                .cwd = s->launch.cwd.len ? s->launch.cwd.ptr : NULL,
                                .fds = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO },
                                .fds_n = 3,
                                .user = s->user.other ? &s->user.user : NULL };
    int err, status;
    pid_t pid;

    if (!env)
        return -ENOMEM;
    log_info("first, once: %s", command);
    err = child_start(&child, &pid, NULL);
    if (err)
        return problem_set(&s->problem, "`%.300s` cannot be started: %s", command, strerror(-err));
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    if (WIFSIGNALED(status))
        problem_set(&s->problem, "`%.300s`, which runs before the app, was ended by signal %d",
                    command, WTERMSIG(status));
    else if (WEXITSTATUS(status))
        problem_set(&s->problem, "`%.300s`, which runs before the app, failed with exit code %d",
                    command, WEXITSTATUS(status));
    else
        return 0;
    return -ECHILD;
}

int prescript_run(struct start *s)
{
    int err = 0;

    for (u32 i = 0; !err && i < s->launch.pre.count; i++)
        err = command_run(s, strings_at(&s->launch.pre, i).ptr);
    return err;
}
