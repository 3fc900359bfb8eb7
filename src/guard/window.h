/* guard/window.h -- a sliding window, exact at every moment
 *
 * Never more than `most` in any stretch of period_ns, wherever it begins. Time is cut into slots of
 * a ninth of the period; the requests of the newest slot and of the nine before it are counted,
 * which together always cover the period. So what was used comes back up to a ninth of the period
 * late, never early. (The usual estimate from two windows admits up to twice the limit across their
 * border.) Pure; whoever holds the words calls.
 */
#pragma once

#include "guard/rate.h"

struct window {
    u64 slot_ns;
    u32 most;
};

/* A slot is of whole units: those that the clock of a Redis has (redis/limitscript.h). */
enum { WINDOW_SLOTS = 10, WINDOW_WORDS = 8, WINDOW_UNIT_NS = 1000 };

/* None of them is 0. */
struct window window_make(u32 most, u64 period_ns);
struct rate_verdict window_take(const struct window *w, u64 *words, u64 now_ns);
/* Takes the newest out of the count again. */
void window_give(const struct window *w, u64 *words);
/* What has been used, as the time in which it comes back. */
u64 window_debt(const u64 *words, u64 now_ns);
