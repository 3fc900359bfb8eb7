/* base/pages.c -- anonymous mappings, and a few of them in reserve */
#include "base/pages.h"

#include <pthread.h>
#include <sys/mman.h>

enum { HUGE_PAGE = 2 << 20, RESERVE_MAX = 64 };

struct block {
    char *ptr;
    u64 bytes;
};

/* Sorted by address, neighbours joined. */
static struct block reserve[RESERVE_MAX];
static u32 reserved;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Smaller ones are not worth keeping; larger ones are whole huge pages. */
static bool is_large(u64 bytes)
{
    return bytes >= 2 * HUGE_PAGE;
}

static u64 rounded(u64 bytes)
{
    u64 unit = is_large(bytes) ? HUGE_PAGE : (u64)sysconf(_SC_PAGESIZE);

    return bytes ? (bytes + unit - 1) / unit * unit : unit;
}

static void drop(u32 at)
{
    memmove(&reserve[at], &reserve[at + 1], (--reserved - at) * sizeof(reserve[0]));
}

/* Takes the first bytes of a block. */
static char *cut(u32 at, u64 bytes)
{
    char *ptr = reserve[at].ptr;

    reserve[at].ptr += bytes;
    reserve[at].bytes -= bytes;
    if (!reserve[at].bytes)
        drop(at);
    return ptr;
}

/* The smallest block in reserve that is large enough; what it has too much stays there. */
static char *from_reserve(u64 bytes)
{
    u32 best = RESERVE_MAX;

    for (u32 i = 0; i < reserved; i++)
        if (reserve[i].bytes >= bytes &&
            (best == RESERVE_MAX || reserve[i].bytes < reserve[best].bytes))
            best = i;
    return best == RESERVE_MAX ? NULL : cut(best, bytes);
}

/* New memory that begins where a huge page does, if it is large. */
static char *from_kernel(u64 bytes)
{
    u64 extra = is_large(bytes) ? HUGE_PAGE : 0, before;
    char *ptr =
        mmap(NULL, bytes + extra, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (ptr == MAP_FAILED)
        return NULL;
    if (!extra)
        return ptr;
    before = (HUGE_PAGE - (u64)(uintptr_t)ptr % HUGE_PAGE) % HUGE_PAGE;
    if (before)
        munmap(ptr, before);
    if (extra > before)
        munmap(ptr + before + bytes, extra - before);
    (void)madvise(ptr + before, bytes, MADV_HUGEPAGE);
    return ptr + before;
}

/* Moves pages of the reserve under a new mapping; how many bytes of it have old contents now. */
static u64 fill_from_reserve(char *ptr, u64 bytes)
{
    u64 filled = 0;

    while (reserved && filled < bytes) {
        u64 piece = min(reserve[reserved - 1].bytes, bytes - filled);
        char *from = cut(reserved - 1, piece);

        if (mremap(from, piece, piece, MREMAP_MAYMOVE | MREMAP_FIXED, ptr + filled) == MAP_FAILED) {
            munmap(from, piece);
            break;
        }
        filled += piece;
    }
    return filled;
}

/* *used: how many bytes from the beginning on are not zero. */
static char *take(u64 bytes, u64 *used)
{
    char *ptr;

    *used = 0;
    if (bytes > SIZE_MAX / 2)
        return NULL;
    bytes = rounded(bytes);
    if (!is_large(bytes))
        return from_kernel(bytes);
    pthread_mutex_lock(&lock);
    ptr = from_reserve(bytes);
    if (ptr) {
        *used = bytes;
    } else {
        ptr = from_kernel(bytes);
        if (ptr)
            *used = fill_from_reserve(ptr, bytes);
    }
    pthread_mutex_unlock(&lock);
    return ptr;
}

void *pages_take(u64 bytes)
{
    u64 used;

    return take(bytes, &used);
}

void *pages_take_zeroed(u64 bytes)
{
    u64 used;
    char *ptr = take(bytes, &used);

    if (ptr && used)
        memset(ptr, 0, min(used, bytes));
    return ptr;
}

/* Puts a block into the reserve, joined with its neighbours; false: there is no room. */
static bool keep(char *ptr, u64 bytes)
{
    u32 at = 0;

    while (at < reserved && reserve[at].ptr < ptr)
        at++;
    if (at && reserve[at - 1].ptr + reserve[at - 1].bytes == ptr) {
        reserve[at - 1].bytes += bytes;
        if (at < reserved && ptr + bytes == reserve[at].ptr) {
            reserve[at - 1].bytes += reserve[at].bytes;
            drop(at);
        }
        return true;
    }
    if (at < reserved && ptr + bytes == reserve[at].ptr) {
        reserve[at].ptr = ptr;
        reserve[at].bytes += bytes;
        return true;
    }
    if (reserved == RESERVE_MAX)
        return false;
    memmove(&reserve[at + 1], &reserve[at], (reserved - at) * sizeof(reserve[0]));
    reserve[at] = (struct block){ ptr, bytes };
    reserved++;
    return true;
}

void pages_give(void *ptr, u64 bytes)
{
    bool kept;

    if (!ptr)
        return;
    bytes = rounded(bytes);
    if (!is_large(bytes)) {
        munmap(ptr, bytes);
        return;
    }
    pthread_mutex_lock(&lock);
    kept = keep(ptr, bytes);
    pthread_mutex_unlock(&lock);
    if (!kept)
        munmap(ptr, bytes);
}

void pages_trim(void)
{
    pthread_mutex_lock(&lock);
    for (u32 i = 0; i < reserved; i++)
        munmap(reserve[i].ptr, reserve[i].bytes);
    reserved = 0;
    pthread_mutex_unlock(&lock);
}
