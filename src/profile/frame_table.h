/* profile/frame_table.h -- the functions of a profile, each once, while it is read */
#pragma once

#include "profile/profile.h"

/* All zero is an empty one. */
struct frame_table {
    u32 *slot; /* 1 + number of a frame */
    u32 slots, cap;
};

/* The number of a frame, new or known; PROFILE_NONE: out of memory, or one of its names is
 * NAMES_FAILED. */
u32 frame_table_intern(struct frame_table *t, struct profile *p, struct profile_frame f);
void frame_table_done(struct frame_table *t);
