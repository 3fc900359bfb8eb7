/* app/proxy_main.c -- `fettle __proxy`, started by the supervisor */
#include "app/command.h"
#include "app/exit_code.h"
#include "app/options.h"
#include "conf/cpus.h"
#include "proxy/proxy.h"
#include "shm/layout.h"

/* The settings of one app after the other, each after a "--". They live as long as the process. */
int proxy_command(int argc, char **argv)
{
    struct settings *list = calloc(SHM_APPS_MAX, sizeof(*list)), *s = list;
    int rest = 0, err;

    if (!list)
        return EXIT_APP;
    for (; rest < argc && s < list + SHM_APPS_MAX; s++, argc -= rest, argv += rest) {
        err = options_read_child(s, "proxy", argc, argv, &rest);
        if (err)
            return err;
        if (s->threads == 0)
            s->threads = min((cpus_allowed() + 1) / 2, 64u);
        /* The folder that the supervisor made, not the one that --runtime-dir asked for. */
        if (settings_put(s, &s->runtime_dir, str_of(getenv("FETTLE_DIR"))))
            return EXIT_APP;
        if (rest == argc)
            break;
    }
    return proxy_run(list, (u32)(s - list) + (rest == argc));
}
