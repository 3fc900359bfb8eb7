/* load/backlog.h -- requests whose time has come while every connection is taken
 *
 * A bounded first-in-first-out ring. A request keeps the time at which it was
 * meant to be sent: its waiting here is part of its latency.
 */
#pragma once

#include "base/base.h"

struct backlog_item {
    u64 meant_ns;
    u32 kind;
};

/* All zero is an empty backlog. */
struct backlog {
    struct backlog_item *items;
    u32 room, first, count;
};

enum { BACKLOG_MAX = 1 << 20 };

void backlog_done(struct backlog *b);
/* False: BACKLOG_MAX wait already, or no memory for more. */
MUST_USE bool backlog_put(struct backlog *b, struct backlog_item item);
/* The one that has waited longest, or NULL. */
const struct backlog_item *backlog_first(const struct backlog *b);
/* Takes it out; there must be one. */
struct backlog_item backlog_take(struct backlog *b);
