/* conf/config.h -- what a file of settings says
 *
 *   { "workers": 4, "run": "server.js", "env": { "NODE_ENV": "production" } }
 *   { "drain": "20s", "apps": { "shop": { "run": "shop.js" }, "jobs": { … } } }
 *
 * A document in, settings out; reads no file. Keys are the names of the settings
 * (conf/settings_table.c) and the few of config_keys[], which no flag can say.
 * What stands outside `apps` holds for all of them; what an app says wins.
 * All apps are checked, and the chosen one is taken.
 */
#pragma once

#include "base/strings.h"
#include "conf/findings.h"
#include "conf/json_value.h"
#include "conf/settings.h"

enum { CONFIG_BYTES_MAX = 1 << 20, CONFIG_MEMBERS_MAX = 1000 };

/* Where a document came from, and what is wanted of it. */
struct config_from {
    const char *file;  /* as people see it */
    struct str folder; /* absolute: to what relative paths in it relate */
    bool package;      /* it is the key `fettle` of a package.json */
    struct str app;    /* the chosen app; empty: the only one */
    bool several;      /* it is one of several that run together */
    struct str env;    /* pm2: also take env_… */
    u32 cpus;          /* pm2: what `instances: "max"` and -1 relate to */
};

/* What is to be run, beside the settings. All zero: nothing is said. */
struct config_app {
    struct buf name;       /* the app that was taken from `apps` */
    struct buf names;      /* of all apps, ", " between, for people; empty: there are no `apps` */
    struct strings all;    /* the same, to choose by */
    struct buf run;        /* a TARGET of `fettle run`, from `folder`, NUL-terminated */
    struct buf command;    /* instead: a command line as in scripts of package.json, likewise */
    bool is_side;          /* `command` is not Node */
    bool may_be_program;   /* `run` is a program when there is no such file (pm2's script: "npm") */
    bool found;            /* the app that was asked for is there */
    bool choose;           /* there are several and none was asked for: nothing of them is taken */
    struct strings args;   /* for the app */
    struct strings env;    /* NAME=value; the last one of a name counts */
    bool env_clear;        /* pm2's filter_env: take nothing of our environment … */
    struct strings env_no; /* … or nothing whose name contains one of these */
};

void config_app_done(struct config_app *app);

/* Reads the document into `s` and `app`; what is wrong with it goes to `f`. -ENOMEM. */
MUST_USE int config_read(const struct json_value *root, const struct config_from *from,
                         struct settings *s, struct config_app *app, struct findings *f);

/* Keys of a file that are no settings. */
struct config_reader;
struct config_key {
    const char *name;
    const char *form; /* "a text" */
    const char *help; /* a full sentence */
    bool in_app;      /* also inside of an app */
    void (*read)(struct config_reader *r, const struct json_value *v);
};
extern const struct config_key config_keys[];
extern const u32 config_key_count;

/* The row or key most like `name` that may stand in a file; NULL: none is near. */
const char *config_nearest(struct str name);
