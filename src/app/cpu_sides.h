/* app/cpu_sides.h -- the profiles that `fettle cpu diff` and `fettle cpu scale` compare */
#pragma once

#include "app/cpu_options.h"
#include "base/strings.h"
#include "profile/profile.h"

/* Files in their order, and what is in them. */
struct cpu_side {
    struct strings path;
    struct profile *profile;
    u32 profiles;
};

/* Adds the files of a list with commas between. */
void cpu_side_add(struct cpu_side *side, struct str list);
/* Reads them all. 0, or an exit code after a message. The owner calls cpu_side_done in any case. */
MUST_USE int cpu_side_read(struct cpu_side *side, bool source_maps);
void cpu_side_done(struct cpu_side *side);
