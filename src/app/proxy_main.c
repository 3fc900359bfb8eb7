/* app/proxy_main.c -- `fettle __proxy`, started by the supervisor */
#include "app/command.h"
#include "app/exit_code.h"
#include "app/options.h"
#include "conf/cpus.h"
#include "proxy/proxy.h"
#include "shm/layout.h"

/* Up to the next "--", at *rest. */
static int section_read(struct settings *s, int argc, char **argv, int *rest)
{
    int err = options_read_child(s, "proxy", argc, argv, rest);

    if (err)
        return err;
    if (s->threads == 0)
        s->threads = min((cpus_allowed() + 1) / 2, 64u);
    /* The folder that the supervisor made, not the one that --runtime-dir asked for. */
    return settings_put(s, &s->runtime_dir, str_of(getenv("FETTLE_DIR"))) ? EXIT_APP : 0;
}

/* The settings of one app after the other. */
int proxy_command(int argc, char **argv)
{
    struct settings *list = calloc(SHM_APPS_MAX, sizeof(*list));
    u32 apps = 0;
    int err, rest;

    if (!list)
        return EXIT_APP;
    do {
        err = section_read(&list[apps++], argc, argv, &rest);
        if (err)
            return err;
        argc -= rest;
        argv += rest;
    } while (argc > 0 && apps < SHM_APPS_MAX);
    return proxy_run(list, apps);
}
