/* opened_fuzz.c -- what a worker says of who opens so many: any bytes; texts stay within them, and
 * sums are those of the places
 */
#include "finding/opened.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct str s, const uint8_t *data, size_t size)
{
    assert(!s.len || ((const uint8_t *)s.ptr >= data && s.len <= size &&
                      (const uint8_t *)s.ptr + s.len <= data + size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    u64 alive = 0, expiring = 0;
    struct opened o;

    if (!opened_read(&o, data, size))
        return 0;
    assert(o.kind > SHM_OPENED_NONE && o.kind < SHM_OPENED_KINDS);
    assert(o.places <= OPENED_PLACES_MAX);
    for (u32 i = 0; i < o.places; i++) {
        const struct opened_place *p = &o.place[i];

        inside(p->function, data, size);
        inside(p->file, data, size);
        inside(p->stack, data, size);
        assert(p->expiring <= p->alive);
        alive += p->alive;
        expiring += p->expiring;
    }
    assert(alive == o.alive && expiring == o.expiring);
    return 0;
}
