/* test/fuzz/profile_fuzz.c -- CPU profiles: whatever the bytes, sums that fit each other or one
 * clear line; and the same ones, however many threads read them */
#include "profile/hotspots.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_alike(const struct profile *a, const struct profile *b)
{
    assert(a->names.count == b->names.count && a->frames == b->frames && a->nodes == b->nodes);
    assert(a->ticks == b->ticks && a->hits == b->hits && a->is_of_bytes == b->is_of_bytes);
    for (u32 i = 0; i < a->frames; i++)
        assert(str_eq(profile_name(a, i), profile_name(b, i)) &&
               str_eq(profile_url(a, i), profile_url(b, i)) &&
               a->frame[i].line == b->frame[i].line && a->frame[i].column == b->frame[i].column);
    for (u32 i = 0; i < a->nodes; i++)
        assert(a->node[i].parent == b->node[i].parent && a->node[i].frame == b->node[i].frame &&
               a->node[i].hits == b->node[i].hits);
    for (u32 i = 0; i < a->ticks; i++)
        assert(a->tick[i].node == b->tick[i].node && a->tick[i].line == b->tick[i].line &&
               a->tick[i].count == b->tick[i].count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct profile_conf alone = { 1, 1 }, together = { 2 + size % 3, 4 };
    struct str bytes = str_make((const char *)data, size);
    struct problem problem = { 0 }, again = { 0 };
    struct profile p, q;
    struct hotspots h = { 0 };
    int r = profile_read_by(&p, bytes, &alone, &problem);

    assert(r == 0 || r == -EINVAL);
    assert(!r == !problem.text[0]);
    assert(profile_read_by(&q, bytes, &together, &again) == r);
    assert(strcmp(problem.text, again.text) == 0);
    if (!r) {
        u64 self = 0;

        check_alike(&p, &q);
        assert(hotspots_find(&h, &p) == 0);
        for (u32 i = 0; i < p.nodes; i++)
            assert(p.node[i].parent == PROFILE_NONE || p.node[i].parent < i);
        for (u32 i = 0; i < h.functions; i++) {
            assert(h.function[i].total >= h.function[i].self);
            self += h.function[i].self;
        }
        assert(self <= p.hits);
    }
    hotspots_done(&h);
    profile_done(&p);
    profile_done(&q);
    return 0;
}
