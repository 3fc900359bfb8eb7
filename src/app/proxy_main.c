/* app/proxy_main.c -- `fettle __proxy`, started by the supervisor */
#include "app/command.h"
#include "app/exit_code.h"
#include "app/options.h"
#include "conf/cpus.h"
#include "proxy/proxy.h"

int proxy_command(int argc, char **argv)
{
    AUTO(settings_done) struct settings s = { 0 };
    int err = options_read_child(&s, "proxy", argc, argv);

    if (err)
        return err;
    if (s.threads == 0)
        s.threads = min((cpus_allowed() + 1) / 2, 64u);
    /* The folder that the supervisor made, not the one that --runtime-dir asked for. */
    if (settings_put(&s, &s.runtime_dir, str_of(getenv("FETTLE_DIR"))))
        return EXIT_APP;
    return proxy_run(&s);
}
