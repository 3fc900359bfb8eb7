/* app/places.h -- what is said for listeners and routes (conf/routes.h), on its way from the file
 * to the proxy, and for people
 */
#pragma once

#include "base/strings.h"
#include "conf/routes.h"

/* Of an app: what the file calls it, and its name. */
struct places_app {
    struct str key, name;
};

/* In the settings of one of `apps`: takes away what a flag or a variable overrules, and gives
 * routes the names of the apps that they lead to, or none where such an app does not run. -ENOMEM.
 */
MUST_USE int places_settle(struct settings *s, const struct places_app *apps, u32 n);

/* The text of `routes` in which apps are known by their number; in the order of `names`. -ENOMEM.
 */
MUST_USE int places_number(const struct settings *s, const struct strings *names, struct buf *out);

/* "route :8080 shop.example/api", "route /upload", "listener :8080". */
void places_label(struct buf *out, const struct routes *r, u32 row);
void places_listener_label(struct buf *out, const struct routes_listener *l);

/* All that is said: a list of {"kind","address","host","path","app","strip","settings":[…]}; what
 * is not said is left out. */
void places_json(struct buf *out, const struct settings *s);
/* The same as lines, under those of `fettle config show`: values from column `name_column` on,
 * where they come from `value_column` further. */
void places_show(struct buf *out, const struct settings *s, u32 name_column, u32 value_column);

/* What of `fresh` a running proxy can take over, as the text of the setting `listeners`; what it
 * cannot stays as in `old`. -ENOMEM. */
MUST_USE int places_merge(const struct settings *old, const struct settings *fresh,
                          struct buf *listeners);
/* Adds to `notes` what differs, each with the app's name before it; those that hold for all apps
 * only when `shared`. True: something does. */
bool places_notes(const struct settings *old, const struct settings *fresh, const char *name,
                  bool shared, struct strings *notes);
