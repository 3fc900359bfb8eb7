/* app/renew.h -- what a reload makes of the apps: their settings, those that are new, those that
 * are gone
 */
#pragma once

#include "app/start.h"

/* supervisor_conf.reread_take, of a `conf` that is starts.supervisor. */
MUST_USE int renew_take(const struct supervisor_conf *conf, struct str text,
                        struct supervisor_news *news, struct problem *p);
