/* test/tap.h -- unit tests that speak TAP
 *
 * static void a_bucket_serves_its_burst(void) { CHECK(…); CHECK_EQ(a, b); }
 * int main(void) { TEST(a_bucket_serves_its_burst); return tap_done(); }
 * A test's name is a sentence; underscores become spaces.
 */
#pragma once

#include "base/str.h"

static int tap_tests, tap_failed_tests, tap_failures;

#define CHECK(cond)                                                       \
    do {                                                                  \
        if (!(cond)) {                                                    \
            tap_failures++;                                               \
            printf("# %s:%d: not true: %s\n", __FILE__, __LINE__, #cond); \
        }                                                                 \
    } while (0)
#define CHECK_EQ(got, want)                                                                   \
    do {                                                                                      \
        long long got_ = (long long)(got), want_ = (long long)(want);                         \
        if (got_ != want_) {                                                                  \
            tap_failures++;                                                                   \
            printf("# %s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, #got, got_, want_); \
        }                                                                                     \
    } while (0)
#define CHECK_STR(got, want)                                                            \
    do {                                                                                \
        struct str got_ = (got), want_ = str_of(want);                                  \
        if (!str_eq(got_, want_)) {                                                     \
            tap_failures++;                                                             \
            printf("# %s:%d: %s is \"%.*s\", not \"%.*s\"\n", __FILE__, __LINE__, #got, \
                   STR_ARG(got_), STR_ARG(want_));                                      \
        }                                                                               \
    } while (0)

#define TEST(fn) tap_run(fn, #fn)

static inline void tap_run(void (*fn)(void), const char *name)
{
    tap_failures = 0;
    fn();
    tap_tests++;
    tap_failed_tests += tap_failures > 0;
    printf("%sok %d - ", tap_failures ? "not " : "", tap_tests);
    for (; *name; name++)
        putchar(*name == '_' ? ' ' : *name);
    putchar('\n');
    fflush(stdout);
}

static inline int tap_done(void)
{
    printf("1..%d\n", tap_tests);
    return tap_failed_tests > 0;
}
