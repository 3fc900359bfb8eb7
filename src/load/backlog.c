/* load/backlog.c -- requests whose time has come while every connection is taken */
#include "load/backlog.h"

void backlog_done(struct backlog *b)
{
    free(b->items);
    *b = (struct backlog){ 0 };
}

/* Twice the room, which stays a power of two. */
static bool grow(struct backlog *b)
{
    u32 room = b->room ? b->room * 2 : 1024;
    struct backlog_item *items;

    if (room > BACKLOG_MAX)
        return false;
    items = malloc(room * sizeof(*items));
    if (!items)
        return false;
    for (u32 i = 0; i < b->count; i++)
        items[i] = b->items[(b->first + i) & (b->room - 1)];
    free(b->items);
    b->items = items;
    b->room = room;
    b->first = 0;
    return true;
}

bool backlog_put(struct backlog *b, struct backlog_item item)
{
    if (b->count == b->room && !grow(b))
        return false;
    b->items[(b->first + b->count++) & (b->room - 1)] = item;
    return true;
}

const struct backlog_item *backlog_first(const struct backlog *b)
{
    return b->count ? &b->items[b->first] : NULL;
}

struct backlog_item backlog_take(struct backlog *b)
{
    struct backlog_item item = b->items[b->first];

    assert(b->count);
    b->first = (b->first + 1) & (b->room - 1);
    b->count--;
    return item;
}
