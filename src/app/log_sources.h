/* app/log_sources.h -- which logs `fettle logs` reads */
#pragma once

#include "app/logs_options.h"
#include "base/problem.h"
#include "base/strings.h"

struct log_source_live {
    u32 pid;        /* of the fettle that runs it */
    struct str app; /* a view of log_sources.names */
};

/* All zero: none. */
struct log_sources {
    struct strings paths; /* files */
    struct strings names;
    struct log_source_live live[64]; /* apps whose lines are in memory */
    u32 lives;
};
void log_sources_done(struct log_sources *s);

/* The paths, each once: those that the options name; else those of the settings in this folder;
 * else those of the apps that run. -ENOENT with *p when there are none, -EINVAL, -ENOMEM. */
MUST_USE int log_sources_find(struct log_sources *sources, const struct logs_options *o,
                              struct problem *p);
