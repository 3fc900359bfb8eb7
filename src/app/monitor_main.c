/* app/monitor_main.c -- `fettle __monitor`, started by the supervisor */
#include "admin/monitor.h"
#include "app/command.h"
#include "app/exit_code.h"
#include "app/options.h"

int monitor_command(int argc, char **argv)
{
    AUTO(settings_done) struct settings s = { 0 };
    int err = options_read_child(&s, "monitor", argc, argv, NULL);

    if (err)
        return err;
    /* The folder that the supervisor made, not the one that --runtime-dir asked for. */
    if (settings_put(&s, &s.runtime_dir, str_of(getenv("FETTLE_DIR"))))
        return EXIT_APP;
    return monitor_run(&s);
}
