/* app/script.h -- what a script of package.json would do, when that can be told
 *
 * Most start scripts are one plain command: `node --enable-source-maps dist/main.js`,
 * `NODE_ENV=production next start`. fettle then starts node itself, without a
 * shell and npm between it and the app; anything else is left to the shell.
 * Pure: text in, kind out.
 */
#pragma once

#include "base/strings.h"

enum script_kind {
    SCRIPT_NODE,    /* node with flags and a file */
    SCRIPT_PACKAGE, /* npm, yarn or pnpm starting another script of the same package */
    SCRIPT_PROGRAM, /* another program with plain words */
    SCRIPT_FETTLE,  /* fettle itself */
    SCRIPT_SHELL,   /* needs a shell, or is not understood */
};

struct script {
    enum script_kind kind;
    struct strings env;   /* NAME=value that stand before the program, `cross-env` included */
    struct strings words; /* the program and its arguments; for SCRIPT_PACKAGE only the name of
                           * that script and its arguments. Empty for SCRIPT_SHELL */
};

/* -ENOMEM. The caller calls script_done in any case. */
MUST_USE int script_parse(struct script *out, struct str text);
void script_done(struct script *s);
