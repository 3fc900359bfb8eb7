/* inspect/afford.c -- whether a heap snapshot can be afforded */
#include "inspect/afford.h"

enum {
    MEMORY_LEAST = 5,
    MEMORY_MOST = 14,
    FILE_MOST = 2,
    COMPRESSED = 4, /* at least so many times smaller */
    SLOW_MAJOR = 20,
};

/* Below these nothing is worth a word. */
#define SMALL_BYTES (8ull << 20)
#define SLOW_BYTES (30ull << 20)

static double gb(u64 bytes)
{
    return (double)bytes / 1e9;
}

static u64 file_bytes(const struct afford *a)
{
    return a->used_bytes * FILE_MOST / (a->compressed ? COMPRESSED : 1);
}

int afford_check(const struct afford *a, struct problem *p)
{
    if (a->memory_bytes / MEMORY_LEAST < a->used_bytes)
        return problem_set(p,
                           "a snapshot of a heap of %.2f GB needs %.2f GB of memory or more, and "
                           "there are %.2f GB (of the machine, or of the process's control group): "
                           "the process could be killed for it. --force takes it all the same",
                           gb(a->used_bytes), gb(a->used_bytes * MEMORY_LEAST),
                           gb(a->memory_bytes));
    if (a->disk_bytes < file_bytes(a))
        return problem_set(p,
                           "a snapshot of a heap of %.2f GB may need %.2f GB on the disk, and %.2f "
                           "GB are free. --output FILE writes it elsewhere, FILE.gz makes it "
                           "smaller, --force begins all the same",
                           gb(a->used_bytes), gb(file_bytes(a)), gb(a->disk_bytes));
    return 0;
}

void afford_warnings(const struct afford *a, struct buf *out)
{
    if (a->used_bytes > SMALL_BYTES && a->memory_bytes / MEMORY_MOST < a->used_bytes)
        buf_addf(out,
                 "a snapshot of a heap of %.2f GB needs up to %.2f GB of memory when its objects "
                 "are small, and there are %.2f GB\n",
                 gb(a->used_bytes), gb(a->used_bytes * MEMORY_MOST), gb(a->memory_bytes));
    if (a->node_major && a->node_major <= SLOW_MAJOR && a->used_bytes > SLOW_BYTES)
        buf_addf(out,
                 "Node %u takes long for large heaps, minutes for 100 MB of small objects; from "
                 "Node 22 on that is mended\n",
                 a->node_major);
}
