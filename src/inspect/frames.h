/* inspect/frames.h -- the JavaScript stack of a process, by its inspector
 *
 * The debugger halts what runs for a moment, also in the midst of `while (true)`, and tells its
 * frames. Source: https://chromedevtools.github.io/devtools-protocol/v8/Debugger/ (paused).
 */
#pragma once

#include "inspect/devtools.h"

enum { FRAMES_MAX = 64 };

/* Which script has which number (Debugger.scriptParsed): "12 file:///srv/app.js" on a line. */
void frames_script(struct buf *scripts, const struct json_value *params);
/* The frames of Debugger.paused as Error.stack prints them, a line each, the innermost first. Both
 * pure. */
void frames_text(struct buf *out, const struct json_value *params, struct str scripts);

/* Halts it as soon as it runs JavaScript, and adds its stack; frames_release in any case. 0;
 * -ETIMEDOUT: it ran none until then; else as devtools_wait. */
MUST_USE int frames_take(struct devtools *c, u64 until_ns, struct buf *out);
/* Lets it go on. As devtools_wait; it goes on as well when the connection ends. */
MUST_USE int frames_release(struct devtools *c, u64 until_ns);
