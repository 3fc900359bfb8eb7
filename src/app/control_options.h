/* app/control_options.h -- what the commands that talk to a running fettle can be told */
#pragma once

#include "conf/settings.h"

/* Texts are owned by the options and NUL-terminated; an empty one was not given. */
struct control_options {
    bool json, show_secrets, follow;
    u64 timeout_ns, interval_ns;
    struct str kind, since, tag;
    bool everything;
    u32 sort; /* of a table: its column, from 1 on; 0: as it comes */
    u32 pid;  /* of the fettle that is meant; 0: any */
    struct str runtime_dir;
    /* private */
    struct settings_text *texts;
};

extern const struct settings_table ps_flags, describe_flags, env_flags, findings_flags,
    routes_flags, cache_flags, circuits_flags, upstreams_flags;
extern const struct settings_table reload_flags, restart_flags, stop_flags, start_flags,
    scale_flags, signal_flags, upgrade_flags;

/* Reads flags. 0; or an exit code after a message; or -1 after --help has been answered. */
MUST_USE int control_options_read(struct control_options *o, const struct settings_table *t,
                                  int argc, char **argv, struct settings_args *args);
void control_options_done(struct control_options *o);

/* What --sort of fettle routes takes, separated by |; the first is 0: as they come. */
#define CONTROL_ROUTES_SORTS                                                                    \
    "name|requests|rate|errors|p50|p99|mean|loop|loop-total|cpu|cpu-total|allocates|size|sent|" \
    "received|queries|queries-time"
