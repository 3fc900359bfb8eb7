/* inspect/message.h -- one message of the DevTools protocol, from bytes that come in pieces
 *
 * A message is a JSON object: {"id":4,"result":{…}}, {"id":4,"error":{…}} or
 * {"method":"Debugger.paused","params":{…}}. Two values in it can be large, and are never held: the
 * text of params.chunk (a piece of a heap snapshot), which is unescaped, and result.profile (a CPU
 * or an allocation profile), whose JSON is passed on as it is. What is left is the message with
 * null in their place, small enough to be parsed as a whole.
 *
 * Source: https://chromedevtools.github.io/devtools-protocol/ (HeapProfiler, Profiler).
 */
#pragma once

#include "inspect/unescape.h"

enum { MESSAGE_TEXT_MAX = 16 << 20, MESSAGE_KEY_MAX = 16 };

enum message_bulk { MESSAGE_NO_BULK, MESSAGE_CHUNK, MESSAGE_PROFILE };

/* All zero at first. */
struct message {
    struct buf text;        /* what has been read of it */
    enum message_bulk bulk; /* what it had that is not in `text` */
    /* private */
    u8 state;
    bool in_string, escaped;
    u32 depth;      /* of objects and arrays */
    u32 bulk_depth; /* the same within result.profile */
    struct unescape unescape;
    char word[MESSAGE_KEY_MAX]; /* the newest string, cut off */
    u8 word_len;
    char key[2][MESSAGE_KEY_MAX]; /* of the members we are in, at depth 1 and 2 */
};

void message_done(struct message *m);
/* Ready for the next one; keeps the memory. */
void message_clear(struct message *m);

/* Takes bytes of the message; adds to `bulk` what they hold of a large value. -EPROTO: an escape
 * that there is not. A message whose rest is longer than MESSAGE_TEXT_MAX shows as text.failed. */
MUST_USE int message_feed(struct message *m, struct str bytes, struct buf *bulk);
