/* app/heap_record.c -- `fettle heap record TARGET` */
#include "app/command.h"
#include "app/exit_code.h"
#include "app/recording.h"

int heap_record_command(int argc, char **argv)
{
    AUTO(inspect_options_done) struct inspect_options o = { 0 };
    struct capture_conf conf = { .what = CAPTURE_ALLOCATIONS };
    const char *target;
    int code = inspect_options_read(&o, &heap_record_flags, argc, argv, &target);

    if (code)
        return max(code, 0);
    conf.interval = (u32)o.interval_bytes;
    conf.with_garbage = o.with_garbage;
    return recording_run(&o, &conf, target);
}
