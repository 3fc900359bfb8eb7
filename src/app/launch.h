/* app/launch.h -- what `fettle run TARGET` starts: a command line, a folder, an environment
 *
 *   a file         node FILE ARGS
 *   a folder       its package.json: scripts.start if there is one, because that is how its author
 *                  starts it (main is what other code loads); else main, if it exists;
 *                  else index.js, server.js or app.js
 *   npm:NAME       that script of the package.json here or in the nearest folder above, with the
 *                  environment that npm gives; its pre script first and once
 *   nothing        the current folder, or that of --cwd
 *
 * A file or folder is looked for from where fettle was started, whatever --cwd says; npm:NAME from
 * --cwd.
 *
 * A command line, which only a file of settings can name, is run as a script is.
 *
 * A script that is one plain command running JavaScript is started as node itself (app/script.h).
 * Reads files, starts nothing.
 */
#pragma once

#include "base/problem.h"
#include "base/strings.h"
#include "conf/settings.h"

struct launch_ask {
    const char *target;    /* NULL: none */
    const char *command;   /* instead: a command line, as a script of package.json has; or NULL */
    bool is_side;          /* `command` is a program that is not Node, if it is not node */
    bool may_be_program;   /* `target` is a program in PATH, when there is no such file */
    char *const *app_args; /* up to a NULL */
    struct str node_args;  /* setting node-args */
    struct str cwd;        /* setting cwd, made absolute, NUL-terminated; empty: not set */
    const char *node_path; /* absolute */
    const char *here;      /* the current folder, absolute */
    const char *path;      /* PATH */
};

struct launch {
    struct strings argv; /* the whole command, argv[0] included */
    struct strings env;  /* NAME=value to add */
    struct strings pre;  /* shell commands to be run once, before, in `cwd` with `env` */
    struct buf cwd;      /* absolute, NUL-terminated; empty: stay */
    struct buf name;     /* the app's, at most 47 bytes, NUL-terminated */
    struct buf what;     /* for people, NUL-terminated: "server.js", "npm:start (next start)" */
    bool is_node;        /* argv runs node itself */
    bool is_side;        /* argv runs a program that is not Node */
    bool is_hosts;       /* nothing is run: requests go to other hosts */
    bool typescript;     /* the file that node runs is TypeScript */
};

/* 0; -ENOENT with *p when something named is not there; -EINVAL with *p for what cannot be run;
 * -ENOMEM. The caller calls launch_done in any case. */
MUST_USE int launch_resolve(struct launch *out, const struct launch_ask *ask, struct problem *p);
void launch_done(struct launch *l);
/* Instead: nothing is run. `folder` names it. -ENOMEM. */
MUST_USE int launch_hosts(struct launch *out, struct str folder);

/* Adds the path of the nearest package.json in `folder` or above it. False: there is none. */
MUST_USE bool launch_package_find(struct str folder, struct buf *path);
