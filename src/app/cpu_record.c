/* app/cpu_record.c -- `fettle cpu record TARGET` */
#include "app/command.h"
#include "app/exit_code.h"
#include "app/recording.h"

int cpu_record_command(int argc, char **argv)
{
    AUTO(inspect_options_done) struct inspect_options o = { 0 };
    struct capture_conf conf = { .what = CAPTURE_CPU };
    const char *target;
    int code = inspect_options_read(&o, &cpu_record_flags, argc, argv, &target);

    if (code)
        return max(code, 0);
    conf.interval = (u32)(o.interval_ns / NS_PER_US);
    return recording_run(&o, &conf, target);
}
