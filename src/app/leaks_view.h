/* app/leaks_view.h -- the leak report, for people and for programs */
#pragma once

#include "heap/leaks.h"

struct leaks_view {
    struct leaks *leaks;
    const char *const *file; /* the snapshots' names, `files` of them */
    u32 files;
    u32 top;            /* 0: all */
    const char *target; /* that was watched; NULL: files were given */
    u64 interval_ns;
};

void leaks_view_text(const struct leaks_view *v, struct buf *out);
void leaks_view_json(const struct leaks_view *v, struct buf *out);
