/* shared/word.h -- memory that others read while it is written
 *
 * What lies in memory that is shared without a lock is read and written word by word where the
 * thread sanitizer looks, and by memcpy elsewhere: whoever reads knows afterwards whether what he
 * has is whole (shared/kvstore.h). Addresses are multiples of 8.
 */
#pragma once

#include "base/base.h"

#include <stdatomic.h>

#if defined(__SANITIZE_THREAD__)
#define WORD_BY_WORD 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WORD_BY_WORD 1
#endif
#endif

#ifdef WORD_BY_WORD
static inline void words_read(void *out, const void *from, size_t bytes)
{
    const u64 *w = (const u64 *)from;

    for (size_t i = 0; i < bytes; i += 8) {
        u64 v = __atomic_load_n(w + i / 8, __ATOMIC_RELAXED);

        memcpy((char *)out + i, &v, min((size_t)8, bytes - i));
    }
}

static inline void words_write(void *to, const void *from, size_t bytes)
{
    u64 *w = (u64 *)to;

    for (size_t i = 0; i < bytes; i += 8) {
        u64 v = 0;

        memcpy(&v, (const char *)from + i, min((size_t)8, bytes - i));
        __atomic_store_n(w + i / 8, v, __ATOMIC_RELAXED);
    }
}
#else
static inline void words_read(void *out, const void *from, size_t bytes)
{
    memcpy(out, from, bytes);
}

static inline void words_write(void *to, const void *from, size_t bytes)
{
    memcpy(to, from, bytes);
}
#endif
