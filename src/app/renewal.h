/* app/renewal.h -- settings that were read again, from the process that read them to the supervisor
 *
 * A line of JSON for each app: its settings as flags, and what its workers are to run. Of the
 * settings only those flagged reloadable are taken over, the others keep their value and are named;
 * what the workers run and their environment is taken over for new processes.
 */
#pragma once

#include "base/strings.h"
#include "conf/config.h"
#include "conf/json_value.h"
#include "worker/supervisor.h"

/* Adds the line. */
void renewal_write(struct buf *out, const struct settings *s, const struct app_conf *conf,
                   const struct config_app *app);

/* What an app got with a renewal; all zero: nothing yet. */
struct renewal {
    struct json_value *line; /* owned: all texts of the lists below */
    char **argv, **env, **base_env;
    struct buf settings_json;
    bool has_first;
    struct settings first; /* those of the start live on: what cannot be reloaded may point there */
};
void renewal_done(struct renewal *r);

/* The name of the app that a line is about. */
struct str renewal_name(const struct json_value *line);

/* Takes the line for an app with these settings: *s and *r become the new ones, and `conf` points
 * into them. `line` is the renewal's from then on. Adds to `notes` what has changed and what has
 * not; *proxy: some of that is for the proxy. -EINVAL with *p, -ENOMEM, and nothing has changed. */
MUST_USE int renewal_take(struct renewal *r, struct json_value *line, struct settings *s,
                          struct app_conf *conf, struct strings *notes, bool *proxy,
                          struct problem *p);
