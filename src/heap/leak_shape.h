/* heap/leak_shape.h -- which kind of leak it is, by the shape of what leaks
 *
 * What the items are says most (a Timeout, a WebSocket), then what they are mostly made of (a
 * record with a request in it), then how they hang together, and last what holds them.
 */
#pragma once

#include "heap/facts.h"
#include "heap/growth.h"
#include "heap/leak_kind.h"
#include "heap/naming.h"

/* `holder`: what holds the items of `h`, or BROWSE_NONE, called `name`; `item`: one of them, or
 * BROWSE_NONE. */
enum leak_kind leak_shape_kind(struct browse *b, const struct growth_holder *h, u32 holder,
                               u32 item, const struct naming *name);
/* By what holds the items alone: LEAK_MAP, LEAK_SET, LEAK_ARRAY, LEAK_CLOSURE, LEAK_OBJECT. */
enum leak_kind leak_shape_of_container(struct browse *b, u32 holder);
