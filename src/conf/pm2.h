/* conf/pm2.h -- pm2's ecosystem files, read as they are
 *
 * pm2_keys[] has one row for each key that pm2 knows (its lib/API/schema.json, its
 * documentation and its types), and what becomes of it here. doc/pm2.md is made from it.
 * Names are taken in pm2's three forms: max_memory_restart, maxMemoryRestart, aliases.
 *
 * Unlike in files of fettle's own, relative paths relate to the folder in which fettle is
 * started, and one process is started where `instances` is missing: as with pm2.
 */
#pragma once

#include "conf/config.h"

/* As config_read. `from->folder` is the folder in which fettle is started. */
MUST_USE int pm2_read(const struct json_value *root, const struct config_from *from,
                      struct settings *s, struct config_app *app, struct findings *f);

/* Whether a document has pm2's form: a list of apps, alone or as `apps` or `pm2`. */
bool pm2_is(const struct json_value *root);

enum pm2_fate {
    PM2_HONOURED,   /* it does here what it does there, or the setting that does is set */
    PM2_WARNED,     /* does not happen here (yet): said at every start, when it is asked for */
    PM2_WARNED_OFF, /* the same, when it is false: true is pm2's default and does happen */
    PM2_NOT_NEEDED, /* nothing needs to be done */
};

struct pm2_reader;
struct pm2_key {
    const char *name;
    const char *aliases; /* with a blank between; NULL: none */
    enum pm2_fate fate;
    const char *text; /* what becomes of it: a sentence without a full stop */
    void (*read)(struct pm2_reader *r, const struct json_value *v); /* NULL: nothing is read */
};
extern const struct pm2_key pm2_keys[];
extern const u32 pm2_key_count;
/* Keys beside `apps`. */
extern const struct pm2_key pm2_top_keys[];
extern const u32 pm2_top_key_count;

/* The key that `name` means in any of its forms; NULL: pm2 has none. */
const struct pm2_key *pm2_key_find(struct str name);
