/* heap/emitter.h -- listeners: whose they are, of which event, and which function it is
 *
 * An EventEmitter has its listeners in _events, by event: a function, or an array of them. An
 * EventTarget (an AbortSignal, say) has a Map of linked lists behind a symbol.
 */
#pragma once

#include "heap/sources.h"

struct emitter {
    u32 node;         /* BROWSE_NONE: none */
    struct str event; /* empty: not known, or of several events */
};

/* Of an EventEmitter's _events, or of the array of one event. False: it is neither. */
MUST_USE bool emitter_of_list(struct browse *b, u32 list, struct emitter *out);
/* Of an EventTarget's list, or of a listener in it. */
MUST_USE bool emitter_of_target(struct browse *b, u32 list, struct emitter *out);

/* The function itself, not the wrapper of once() or of an EventTarget; BROWSE_NONE: there is none.
 */
u32 emitter_listener(struct browse *b, u32 item);
