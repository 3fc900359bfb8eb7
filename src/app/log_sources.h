/* app/log_sources.h -- which log files `fettle logs` reads */
#pragma once

#include "app/logs_options.h"
#include "base/problem.h"
#include "base/strings.h"

/* The paths, each once: those that the options name; else those of the settings in this folder;
 * else those of the apps that run. -ENOENT with *p when there are none, -EINVAL, -ENOMEM. */
MUST_USE int log_sources_find(struct strings *paths, const struct logs_options *o,
                              struct problem *p);
