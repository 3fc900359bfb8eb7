/* test/fuzz/profile_fuzz.c -- CPU profiles: whatever the bytes, sums that fit each other or one
 * clear line */
#include "profile/hotspots.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct problem problem = { 0 };
    struct profile p;
    struct hotspots h = { 0 };
    int r = profile_read(&p, str_make((const char *)data, size), &problem);

    assert(r == 0 || r == -EINVAL);
    assert(!r == !problem.text[0]);
    if (!r) {
        u64 self = 0;

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
    return 0;
}
