/* app/supervise.h -- from starts to a running supervisor, and what a reload may change of it */
#pragma once

#include "app/start.h"

/* Fills all->conf, one for each start. -errno with a problem in one of them. */
MUST_USE int supervise_confs(struct starts *all);

/* The command line of the proxy for apps with these settings, in their order. -ENOMEM. */
MUST_USE int supervise_proxy_words(struct settings *const *settings, u32 n, struct strings *out);
/* Makes that the proxy's from now on. -ENOMEM. */
MUST_USE int supervise_proxy_take(struct starts *all, struct strings *words);
/* The addresses of the routes, which are views of the settings; *out is the caller's. -ENOMEM. */
MUST_USE int supervise_routed(struct starts *all, const struct settings *s, struct endpoint **out,
                              u32 *n);
/* What of the conf comes from settings that a reload may change. */
void supervise_conf_fill(const struct settings *set, struct app_conf *conf);

/* Runs until all is over; the exit code, or -errno before anything was started. */
MUST_USE int supervise(struct starts *all);
