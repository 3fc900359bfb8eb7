/* heap/emitter.c -- listeners: whose they are, of which event, and which function it is */
#include "heap/emitter.h"

enum { UP_MAX = 12 };

static bool is_events(struct browse *b, u32 events, struct emitter *out)
{
    out->node = browse_owner(b, events, STR("_events"));
    return out->node != BROWSE_NONE;
}

bool emitter_of_list(struct browse *b, u32 holder, struct emitter *out)
{
    struct retainer in[UP_MAX];
    u32 count;
    struct graph_edge e;

    *out = (struct emitter){ .node = BROWSE_NONE };
    if (holder == BROWSE_NONE)
        return false;
    if (is_events(b, holder, out))
        return true;
    count = browse_retainers(b, holder, in, UP_MAX);
    for (u32 i = 0; i < count; i++)
        if (browse_edge(b, in[i].edge, &e) && e.type == EDGE_PROPERTY &&
            graph_type(b->graph, in[i].from) == NODE_OBJECT && is_events(b, in[i].from, out)) {
            out->event = browse_label(b, &e);
            return true;
        }
    return false;
}

bool emitter_of_target(struct browse *b, u32 list, struct emitter *out)
{
    u32 at = list;

    for (u32 i = 0; i < UP_MAX && at != BROWSE_NONE && at != b->graph->root; i++) {
        u32 owner = browse_owner(b, at, STR("<symbol kEvents>"));

        if (owner != BROWSE_NONE) {
            *out = (struct emitter){ .node = owner };
            return true;
        }
        at = b->dominators->dominator[at];
    }
    return false;
}

u32 emitter_listener(struct browse *b, u32 item)
{
    u32 inner = browse_follow(b, item, STR("listener"));

    if (browse_is_closure(b, inner))
        return inner;
    inner = browse_follow(b, item, STR("callback"));
    return browse_is_closure(b, inner)  ? inner
           : browse_is_closure(b, item) ? item
                                        : sources_app_function(b, item);
}
