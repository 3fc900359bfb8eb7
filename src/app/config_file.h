/* app/config_file.h -- the files in which settings stand: found, read, and what they say
 *
 * For the app to be run, in rising precedence: the key `fettle` of its package.json, and
 * fettle.json or fettle.config.{js,cjs,mjs,ts}, of which there may be one. They are looked for in
 * the folder of the app; when that has no package.json, also in the nearest one above that has.
 * --config names another file; so does a TARGET that is a file of settings itself: one of ours,
 * pm2's ecosystem.config.js and its kin, or a Procfile.
 */
#pragma once

#include "conf/config.h"

struct config_file {
    struct config_app app;
    struct findings findings;
    struct buf path;   /* the file, as people see it, NUL-terminated; empty: there is none */
    struct buf folder; /* absolute, NUL-terminated: where app.run and app.command are to be found */
    bool has_package;  /* there is a key `fettle` in package.json */
    bool is_target;    /* TARGET is that file, and not what is to be run */
    struct strings chosen; /* the apps that are to run when they are several; empty: one, `app` */

    /* private: what the file holds, for config_file_load_app */
    struct json_value *document;
    const struct json_value *value; /* in the document */
};

/* Reads the files into `s`, of which flags and environment have been read, and *out. What is wrong
 * with what they say is in out->findings. -ENOENT and -EINVAL with *p when there is no such file,
 * or there are two; -ENOMEM. The caller calls config_file_done in any case. */
MUST_USE int config_file_load(struct config_file *out, struct settings *s, const char *target,
                              struct problem *p);
/* The same for one of `all->chosen`: the files were found and evaluated when *all was loaded. */
MUST_USE int config_file_load_app(struct config_file *out, struct settings *s, const char *target,
                                  const struct config_file *all, struct str app, struct problem *p);
void config_file_done(struct config_file *f);

/* Whether several apps are there, of which `what` can only be for one; *p then says how to choose.
 */
MUST_USE bool config_file_ambiguous(const struct config_file *f, const char *what,
                                    struct problem *p);

/* Whether the name (without folders) is that of a file of settings, not of an app. */
bool config_file_is(struct str name);
