/* base/base.h -- the words every file of fettle uses
 *
 * Integer names, ownership helpers, and the C library calls that nobody may
 * use. Include it first (any base/ header does).
 */
#pragma once

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t i64;

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define NORETURN __attribute__((noreturn))

#define BIT(n) (1u << (n))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#define min(a, b)                          \
    ({                                     \
        __typeof__(a) min_a_ = (a);        \
        __typeof__(b) min_b_ = (b);        \
        min_a_ < min_b_ ? min_a_ : min_b_; \
    })
#define max(a, b)                          \
    ({                                     \
        __typeof__(a) max_a_ = (a);        \
        __typeof__(b) max_b_ = (b);        \
        max_a_ > max_b_ ? max_a_ : max_b_; \
    })

/* AUTO(fd_closep) int fd = …; is closed on every way out; TAKE(fd, -1) hands it over. */
#define AUTO(cleaner) __attribute__((cleanup(cleaner)))
#define TAKE(var, empty)               \
    ({                                 \
        __typeof__(var) take_ = (var); \
        (var) = (empty);               \
        take_;                         \
    })

static inline void fd_closep(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static inline void freep(void *p)
{
    free(*(void **)p);
}

/* Text without a bound is how buffers overflow: struct str and struct buf instead. */
#pragma GCC poison strcpy strcat sprintf vsprintf strtok gets strncpy strncat
