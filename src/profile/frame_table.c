/* profile/frame_table.c -- a table of functions by name and place */
#include "profile/frame_table.h"

static u64 mix(u64 x)
{
    x *= 0x9e3779b97f4a7c15ull;
    return x ^ x >> 29;
}

static u64 frame_hash(const struct profile_frame *f)
{
    return mix(mix((u64)f->name << 32 | f->url) ^ ((u64)(u32)f->line << 32 | (u32)f->column));
}

static bool frames_grow(struct frame_table *t, struct profile *p)
{
    u32 slots = t->slots ? t->slots * 2 : 1024, *slot;

    if (p->frames == t->cap) {
        u32 cap = t->cap ? t->cap * 2 : 256;
        struct profile_frame *more = cap > t->cap ? realloc(p->frame, cap * sizeof(*more)) : NULL;

        if (!more)
            return false;
        p->frame = more;
        t->cap = cap;
    }
    if (p->frames < t->slots / 2)
        return true;
    slot = calloc(slots, sizeof(u32));
    if (!slot)
        return false;
    for (u32 i = 0; i < p->frames; i++) {
        u32 at = (u32)frame_hash(&p->frame[i]) & (slots - 1);

        while (slot[at])
            at = (at + 1) & (slots - 1);
        slot[at] = i + 1;
    }
    free(t->slot);
    t->slot = slot;
    t->slots = slots;
    return true;
}

u32 frame_table_intern(struct frame_table *t, struct profile *p, struct profile_frame f)
{
    u32 at;

    if (f.name == NAMES_FAILED || f.url == NAMES_FAILED || !frames_grow(t, p))
        return PROFILE_NONE;
    for (at = (u32)frame_hash(&f) & (t->slots - 1); t->slot[at]; at = (at + 1) & (t->slots - 1)) {
        const struct profile_frame *g = &p->frame[t->slot[at] - 1];

        if (g->name == f.name && g->url == f.url && g->line == f.line && g->column == f.column)
            return t->slot[at] - 1;
    }
    p->frame[p->frames] = f;
    t->slot[at] = ++p->frames;
    return p->frames - 1;
}

void frame_table_done(struct frame_table *t)
{
    free(t->slot);
    *t = (struct frame_table){ 0 };
}
