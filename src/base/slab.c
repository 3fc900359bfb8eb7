/* base/slab.c -- objects of one size, packed together */
#include "base/slab.h"

/* The first word of what is free leads to the next; so does a chunk's. */
static void *next_of(void *p)
{
    void *next;

    memcpy(&next, p, sizeof(next));
    return next;
}

static void link_to(void *p, void *next)
{
    memcpy(p, &next, sizeof(next));
}

static bool grow(struct slab *s)
{
    char *chunk = malloc(_Alignof(max_align_t) + SLAB_CHUNK * s->size);

    if (!chunk)
        return false;
    link_to(chunk, s->chunks);
    s->chunks = chunk;
    for (u32 i = 0; i < SLAB_CHUNK; i++)
        slab_give(s, chunk + _Alignof(max_align_t) + i * s->size);
    return true;
}

void *slab_take(struct slab *s)
{
    void *object;

    assert(s->size >= sizeof(void *));
    if (!s->free && !grow(s))
        return NULL;
    object = s->free;
    s->free = next_of(object);
    return memset(object, 0, s->size);
}

void slab_give(struct slab *s, void *object)
{
    if (!object)
        return;
    link_to(object, s->free);
    s->free = object;
}

void slab_done(struct slab *s)
{
    while (s->chunks) {
        void *chunk = s->chunks;

        s->chunks = next_of(chunk);
        free(chunk);
    }
    s->free = NULL;
}
