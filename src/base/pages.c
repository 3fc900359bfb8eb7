/* base/pages.c -- anonymous mappings */
#include "base/pages.h"

#include <sys/mman.h>

enum { HUGE_FROM = 4 << 20 }; /* bytes; below, huge pages would only waste */

static u64 rounded(u64 bytes)
{
    u64 page = (u64)sysconf(_SC_PAGESIZE);

    return bytes ? (bytes + page - 1) / page * page : page;
}

void *pages_take(u64 bytes)
{
    void *ptr;

    if (bytes > SIZE_MAX / 2)
        return NULL;
    ptr = mmap(NULL, rounded(bytes), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (ptr == MAP_FAILED)
        return NULL;
    if (bytes >= HUGE_FROM)
        (void)madvise(ptr, rounded(bytes), MADV_HUGEPAGE);
    return ptr;
}

void pages_give(void *ptr, u64 bytes)
{
    if (ptr)
        munmap(ptr, rounded(bytes));
}
