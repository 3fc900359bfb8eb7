/* app/inspect_options.h -- what the commands that look into a running Node can be told */
#pragma once

#include "app/control_options.h"

/* Texts are owned by the options and NUL-terminated; an empty one was not given. */
struct inspect_options {
    struct control_options control; /* json, pid, runtime_dir, timeout_ns */
    struct str output;
    bool force, numbers, with_garbage;
    bool flame, source_maps; /* of a profile: a flame graph besides; followed in it */
    u32 seconds;
    u64 interval_ns, interval_bytes; /* between two samples */
    u64 open_ns;                     /* until the inspector is open */
    u64 drain_ns;                    /* until nothing is in the worker any more */
};

extern const struct settings_table heap_snapshot_flags, heap_record_flags, cpu_record_flags;

/* Reads flags and the one TARGET. 0; or an exit code after a message; or -1 after --help has been
 * answered. */
MUST_USE int inspect_options_read(struct inspect_options *o, const struct settings_table *t,
                                  int argc, char **argv, const char **target);
void inspect_options_done(struct inspect_options *o);
