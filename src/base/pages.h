/* base/pages.h -- large arrays, straight from the kernel
 *
 * For what is as large as a file: zeroed, on huge pages where the kernel has them (random access
 * to gigabytes is bound by the TLB otherwise), and given back at once when freed, so that phases
 * of one analysis do not add up.
 */
#pragma once

#include "base/base.h"

/* `bytes` zeroed bytes, aligned to a page; NULL when out of memory. 0 bytes: not NULL either. */
MUST_USE void *pages_take(u64 bytes);
/* Accepts NULL. `bytes` as they were taken. */
void pages_give(void *ptr, u64 bytes);
