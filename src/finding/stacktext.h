/* finding/stacktext.h -- the frames in the text of a stack, as Error.stack prints them
 *
 *     at readFileSync (node:fs:441:20)
 *     at new Report (/srv/shop/report.js:12:5)
 *     at /srv/shop/server.js:7:3
 *
 * The text comes from a process that may write anything: what is no frame is passed over. Views of
 * the text. Pure.
 */
#pragma once

#include "base/str.h"

struct stacktext_frame {
    struct str function; /* empty: it has no name */
    struct str script;   /* "node:fs", "/srv/shop/report.js", "file:///…" as it was written */
    u32 line, column;    /* from 1; 0: not known */
};

/* The next frame; *text is what follows it. False: there are no more. */
MUST_USE bool stacktext_next(struct str *text, struct stacktext_frame *out);

/* Whose code it is. */
bool stacktext_is_node(const struct stacktext_frame *f);   /* Node's own JavaScript */
bool stacktext_is_fettle(const struct stacktext_frame *f); /* the agent's: "fettle:agent.js" */
bool stacktext_is_app(const struct stacktext_frame *f);    /* a file (or a source that
                                                            * webpack has taken in), and not
                                                            * under node_modules */

/* The path of a script: without file://, its escapes (%20) decoded into `out`. Empty: it is no file
 * (evalmachine.<anonymous>, wasm://…), or too long. */
struct str stacktext_path(const struct stacktext_frame *f, char *out, size_t room);
