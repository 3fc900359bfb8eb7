/* base/names.c -- open addressing over one buffer of texts */
#include "base/names.h"

struct str names_text(const struct names *n, u32 number)
{
    u64 begin = number ? n->end[number - 1] : 0;

    /* Nothing but the empty text has no bytes. */
    return str_make(n->bytes.ptr ? n->bytes.ptr + begin : NULL, n->end[number] - begin);
}

static u32 slot_of(const struct names *n, const u32 *slot, u32 slots, struct str text)
{
    u32 at = (u32)hash_str(&n->key, text) & (slots - 1);

    while (slot[at] && !str_eq(names_text(n, slot[at] - 1), text))
        at = (at + 1) & (slots - 1);
    return at;
}

static bool grow(struct names *n)
{
    u32 slots = n->slots ? n->slots * 2 : 256, *slot;

    if (n->count < n->slots / 2)
        return true;
    if (!n->slots)
        hash_key_random(&n->key);
    slot = calloc(slots, sizeof(u32));
    if (!slot)
        return false;
    for (u32 i = 0; i < n->count; i++)
        slot[slot_of(n, slot, slots, names_text(n, i))] = i + 1;
    free(n->slot);
    n->slot = slot;
    n->slots = slots;
    return true;
}

u32 names_intern(struct names *n, struct str text)
{
    u32 at;

    if (!grow(n))
        return NAMES_FAILED;
    at = slot_of(n, n->slot, n->slots, text);
    if (n->slot[at])
        return n->slot[at] - 1;
    if (n->count == n->cap) {
        u32 cap = n->cap ? n->cap * 2 : 256;
        u64 *end = realloc(n->end, cap * sizeof(u64));

        if (!end)
            return NAMES_FAILED;
        n->end = end;
        n->cap = cap;
    }
    buf_add(&n->bytes, text);
    if (n->bytes.failed)
        return NAMES_FAILED;
    n->end[n->count] = n->bytes.len;
    n->slot[at] = n->count + 1;
    return n->count++;
}

u32 names_find(const struct names *n, struct str text)
{
    u32 found = n->slots ? n->slot[slot_of(n, n->slot, n->slots, text)] : 0;

    return found ? found - 1 : NAMES_FAILED;
}

void names_done(struct names *n)
{
    buf_done(&n->bytes);
    free(n->end);
    free(n->slot);
    *n = (struct names){ 0 };
}
