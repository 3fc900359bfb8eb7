/* app/profile_file.c -- opening, reading, mapping */
#include "app/profile_file.h"

#include "app/heap_file.h"
#include "sourcemap/remap.h"

#include <sys/mman.h>

int profile_file_read_fd(struct profile *out, int fd, u64 size, struct problem *p)
{
    void *bytes;
    int err;

    *out = (struct profile){ 0 };
    if (!size)
        return problem_set(p, "is empty");
    bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED)
        return -errno;
    (void)madvise(bytes, size, MADV_SEQUENTIAL);
    err = profile_read(out, str_make(bytes, size), p);
    munmap(bytes, size);
    return err;
}

int profile_file_map(struct profile *p)
{
    AUTO(sourcemap_cache_done) struct sourcemap_cache cache = { 0 };
    int err = remap_profile(p, &cache, NULL);

    if (!err && cache.ignored)
        fprintf(stderr, "fettle: %s: %s%s\n", cache.problem.file, cache.problem.text,
                cache.ignored > 1 ? ", and others, too" : "");
    return err;
}

int profile_file_read(struct profile *out, const char *path, const char *kind, bool source_maps,
                      struct problem *p)
{
    AUTO(heap_file_close) struct heap_file file = { .fd = -1 };
    struct progress progress = { 0 };
    int err;

    *out = (struct profile){ 0 };
    err = heap_file_open_as(&file, path, ",", kind, &progress, p);
    if (!err)
        err = profile_file_read_fd(out, file.fd, file.in.size, p);
    progress_clear(&progress);
    return !err && source_maps ? profile_file_map(out) : err;
}
