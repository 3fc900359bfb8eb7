/* app/again.c -- this fettle's command line, to be started with it again */
#include "app/again.h"

#include "app/options.h"
#include "app/path.h"

#include <limits.h>
#include <sys/stat.h>

extern char **environ;

static bool is_self(const char *path)
{
    struct stat a, b;

    return access(path, X_OK) == 0 && stat(path, &a) == 0 && stat("/proc/self/exe", &b) == 0 &&
           a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* The path by which we were called, links and all: what stands there later is what is meant. */
static int program_find(struct buf *out)
{
    struct str name = str_of(program_invocation_name), path = str_of(getenv("PATH"));
    char here[PATH_MAX], exe[PATH_MAX];
    ssize_t n;

    if (str_index(name, '/') >= 0 && getcwd(here, sizeof(here)) &&
        is_self(path_join(out, str_of(here), name)))
        return 0;
    while (str_index(name, '/') < 0 && path.ptr) {
        struct str folder = str_cut(path, ':', &path);

        if (folder.len && folder.ptr[0] == '/' && is_self(path_join(out, folder, name)))
            return 0;
    }
    n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    if (n < 0)
        return -errno;
    path_join(out, str_make(exe, (size_t)n), str_make(exe, (size_t)n));
    return 0;
}

int again_keep(struct starts *all, int argc, char **argv)
{
    AUTO(strings_done) struct strings secrets = { 0 };
    AUTO(buf_done) struct buf program = { 0 };
    int err = program_find(&program);

    if (err)
        buf_clear(&program);
    strings_add(&all->reread, STR("fettle"));
    strings_add(&all->reread, STR("__reread"));
    options_without_secrets(argc - 1, argv + 1, &all->reread, &secrets);
    for (char **v = environ; *v; v++)
        strings_add(&all->reread_env, str_of(*v));
    strings_add_from(&all->reread_env, &secrets, 0); /* the last one of a name counts, as read */
    strings_add(&all->succeed, buf_str(&program));
    strings_add(&all->succeed, STR("run"));
    strings_add_from(&all->succeed, &all->reread, 2);
    all->reread_argv = strings_list(&all->reread);
    all->reread_envp = strings_list(&all->reread_env);
    all->succeed_argv = strings_list(&all->succeed);
    all->here = getcwd(NULL, 0);
    return all->reread_argv && all->reread_envp && all->succeed_argv && all->here && !program.failed
               ? 0
               : -ENOMEM;
}
