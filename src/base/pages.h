/* base/pages.h -- large arrays, straight from the kernel, and kept for the next one
 *
 * For what is as large as a file. Huge pages where the kernel has them: random access to gigabytes
 * is bound by the TLB otherwise. What is given is handed out again before the kernel is asked: an
 * analysis in phases takes and gives the same sizes over and over, and a kernel's cleared page
 * costs more than all that is done with it. Thread-safe.
 */
#pragma once

#include "base/base.h"

/* `bytes` bytes, aligned to a page, with anything in them; NULL when out of memory. 0 bytes: not
 * NULL either. */
MUST_USE void *pages_take(u64 bytes);
/* The same, all zero. */
MUST_USE void *pages_take_zeroed(u64 bytes);
/* Accepts NULL. `bytes` as they were taken. */
void pages_give(void *ptr, u64 bytes);
/* Gives what is kept back to the kernel. */
void pages_trim(void);
