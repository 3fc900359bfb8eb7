/* app/renewal.h -- settings that were read again, from the process that read them to the supervisor
 *
 * A line of JSON for each app: its settings as flags, and what its workers are to run. Of the
 * settings only those flagged reloadable are taken over, the others keep their value and are named;
 * what the workers run and their environment is taken over for new processes. An app that is new is
 * taken as it is.
 */
#pragma once

#include "app/app_user.h"
#include "base/strings.h"
#include "conf/config.h"
#include "conf/json_value.h"
#include "worker/supervisor.h"

/* What of a start is in the line besides conf. */
struct renewal_from {
    const struct settings *settings;
    const struct app_conf *conf;
    const struct config_app *app;
    bool has_pre; /* something is to be run before it */
};

/* Adds the line. */
void renewal_write(struct buf *out, const struct renewal_from *from);

/* What an app got with a renewal; all zero: nothing yet. */
struct renewal {
    struct json_value *line; /* owned: all texts of the lists below */
    char **argv, **env, **base_env;
    struct buf settings_json, places_json;
    bool has_first;
    struct settings first; /* those of the start live on: what cannot be reloaded may point there */
};
void renewal_done(struct renewal *r);

/* One that has been read, and not taken yet. */
struct renewal_next {
    struct renewal renewal;
    struct settings fresh;    /* as they stand in the file now */
    struct settings settings; /* what of them can hold */
    bool has_pre;
};
void renewal_next_done(struct renewal_next *next);

/* The name of the app that a line is about. */
struct str renewal_name(const struct renewal_next *next);

/* Reads a line. -EINVAL with *p, -ENOMEM. The caller calls renewal_next_done in any case. */
MUST_USE int renewal_read(struct renewal_next *out, struct str line, struct problem *p);
/* Makes of it what can hold for an app that has these settings; without that it is as a new app
 * has it. -EINVAL with *p, -ENOMEM. */
MUST_USE int renewal_fit(struct renewal_next *next, const struct settings *old,
                         const struct app_conf *conf, struct problem *p);
/* Adds to `notes` what changes and what does not; what holds for all apps only when `shared`. True:
 * some of it is for the proxy. */
bool renewal_notes(const struct renewal_next *next, const struct settings *old,
                   const struct app_conf *conf, bool shared, struct strings *notes);
/* *s and *r become the new ones, and `conf` points into them. An app that is new has nothing but
 * zeros in all three. */
void renewal_take(struct renewal_next *next, struct renewal *r, struct settings *s,
                  struct app_conf *conf);
/* Whom the workers of a new app run as. False: us. */
MUST_USE bool renewal_user(const struct renewal *r, struct app_user *out);
/* Whether a new app is known not to be Node. */
bool renewal_is_side(const struct renewal *r);
/* Whether it has no processes. */
bool renewal_is_hosts(const struct renewal *r);
/* What a new app watches; NULL: nothing. */
const char *renewal_watch(const struct renewal *r);
