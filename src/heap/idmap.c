/* heap/idmap.c -- open addressing, half full at most */
#include "heap/idmap.h"

#include "base/pages.h"

static u64 slot_of(const struct idmap *m, u32 id)
{
    u64 at = (id * 0x9e3779b97f4a7c15ull >> 32) & (m->slots - 1);

    while (m->slot[at] && m->id[m->slot[at] - 1] != id)
        at = (at + 1) & (m->slots - 1);
    return at;
}

int idmap_build(struct idmap *m, const u32 *id, u32 count)
{
    *m = (struct idmap){ .id = id, .slots = 1024 };
    while (m->slots < (u64)count + count / 2)
        m->slots *= 2;
    m->slot = pages_take_zeroed(m->slots * sizeof(u32));
    if (!m->slot)
        return -ENOMEM;
    for (u32 i = 0; i < count; i++) {
        u64 at = slot_of(m, id[i]);

        if (!m->slot[at])
            m->slot[at] = i + 1;
    }
    return 0;
}

void idmap_done(struct idmap *m)
{
    pages_give(m->slot, m->slots * sizeof(u32));
    *m = (struct idmap){ 0 };
}

u32 idmap_find(const struct idmap *m, u32 id)
{
    return m->slot[slot_of(m, id)] - 1; /* a free slot is 0, and 0 - 1 is IDMAP_NONE */
}
