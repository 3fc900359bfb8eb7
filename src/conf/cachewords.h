/* conf/cachewords.h -- the words of the setting cache-key
 *
 *     query:page     of the query, only the parameters that are named so count; query:* is all
 *     -query:utm_*   parameters of the query that do not count (a * at the end: all that begin so)
 *     -query         no query counts
 *     header:x-shop  a field of the request counts
 *     cookie:lang    a cookie counts
 */
#pragma once

#include "base/problem.h"

/* Commas between them. -EINVAL with p->text. */
MUST_USE int cachewords_check(struct str words, struct problem *p);
