/* conf/procfile.h -- a Procfile: one process type on each line, «web: node server.js»
 *
 * The form that Heroku made: the name is of letters, digits, _ and -; a line that
 * begins with # is a comment. The command is run as a script of package.json is.
 */
#pragma once

#include "conf/config.h"

/* Takes the type that from->app names, else the only one. A type other than web gets one worker,
 * unless more is said. As config_read. */
MUST_USE int procfile_read(struct str text, const struct config_from *from, struct settings *s,
                           struct config_app *app, struct findings *f);
