/* test/fuzz/v8log_fuzz.c -- logs of `node --prof`: whatever the bytes, sums that fit each other or
 * one clear line */
#include "profile/hotspots.h"
#include "profile/v8log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct problem problem = { 0 };
    struct profile p;
    struct hotspots h = { 0 };
    int r = v8log_read(&p, str_make((const char *)data, size), &problem);

    assert(r == 0 || r == -EINVAL);
    assert(!r == !problem.text[0]);
    if (!r) {
        u64 self = 0;

        assert(hotspots_find(&h, &p) == 0);
        for (u32 i = 0; i < p.nodes; i++)
            assert(p.node[i].parent == PROFILE_NONE ? !i : p.node[i].parent < i);
        for (u32 i = 0; i < h.functions; i++) {
            assert(h.function[i].total >= h.function[i].self);
            self += h.function[i].self;
        }
        assert(self == p.hits);
    }
    hotspots_done(&h);
    profile_done(&p);
    return 0;
}
