/* app/browser.c -- xdg-open, in a session of its own */
#include "app/browser.h"

#include <signal.h>
#include <spawn.h>

extern char **environ;

static bool is_set(const char *name)
{
    const char *value = getenv(name);

    return value && *value;
}

static bool wanted(void)
{
    if (is_set("SSH_CONNECTION") || (geteuid() == 0 && !is_set("SUDO_UID")))
        return false;
    return is_set("DISPLAY") || is_set("WAYLAND_DISPLAY") || is_set("WSL_DISTRO_NAME");
}

/* What a browser says does not belong on our terminal, nor do our signals go to it. */
static int prepare(posix_spawn_file_actions_t *files, posix_spawnattr_t *attr)
{
    sigset_t none;
    int r = posix_spawn_file_actions_init(files);

    sigemptyset(&none);
    r = r ? r : posix_spawnattr_init(attr);
    for (int fd = 0; !r && fd <= 2; fd++)
        r = posix_spawn_file_actions_addopen(files, fd, "/dev/null", fd ? 1 : 0, 0);
    r = r ? r : posix_spawnattr_setsigmask(attr, &none);
    return r ? r : posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
}

bool browser_open(const char *url)
{
    static const char *const programs[] = { "xdg-open", "wslview", "open" };
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    bool opened = false;
    pid_t pid;

    if (!wanted() || prepare(&files, &attr))
        return false;
    for (u32 i = 0; i < ARRAY_LEN(programs) && !opened; i++) {
        char *argv[] = { (char *)programs[i], (char *)url, NULL };

        opened = posix_spawnp(&pid, programs[i], &files, &attr, argv, environ) == 0;
    }
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attr);
    return opened;
}
