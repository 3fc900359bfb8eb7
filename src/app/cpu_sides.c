/* app/cpu_sides.c -- lists of files, read one after the other */
#include "app/cpu_sides.h"

#include "app/exit_code.h"
#include "app/heap_load.h"
#include "app/profile_file.h"

void cpu_side_add(struct cpu_side *side, struct str list)
{
    struct str rest = list;

    while (rest.ptr) {
        struct str path = str_trim(str_cut(rest, ',', &rest));

        if (path.len)
            strings_add(&side->path, path);
    }
}

int cpu_side_read(struct cpu_side *side, bool source_maps)
{
    struct problem p = { 0 };

    side->profile = calloc(side->path.count + 1, sizeof(*side->profile));
    if (!side->profile || side->path.bytes.failed)
        return heap_load_failed(-ENOMEM, "profiles", &p);
    for (u32 i = 0; i < side->path.count; i++) {
        const char *path = strings_at(&side->path, i).ptr;
        int err = profile_file_read(&side->profile[i], path, "CPU profile", source_maps, &p);

        side->profiles++;
        if (!err && side->profile[i].is_of_bytes)
            err = problem_set(&p, "is a profile of allocations, not of CPU time");
        if (err)
            return heap_load_failed(err, path, &p);
    }
    return 0;
}

void cpu_side_done(struct cpu_side *side)
{
    for (u32 i = 0; i < side->profiles; i++)
        profile_done(&side->profile[i]);
    free(side->profile);
    strings_done(&side->path);
    *side = (struct cpu_side){ 0 };
}
