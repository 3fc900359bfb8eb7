/* upstream/load_report.h -- what a fettle says to the proxies in front of it of its event loops
 *
 * A field of each response, only to proxies that it trusts:
 *
 *     fettle-load: idle=3, queue=0
 *
 * a dictionary (RFC 9651 section 3.2, of integers): so many of the app's loops wait just now, so
 * many requests wait for one. Members that a later fettle adds are skipped.
 *
 * On each response, because it is then as old as that response, costs 30 bytes and no connection,
 * and comes most often from the hosts that get most. When a host gets nothing, the answers to its
 * health checks bring it.
 */
#pragma once

#include "base/str.h"

#define LOAD_REPORT_FIELD "fettle-load"
enum { LOAD_REPORT_MAX = 999999, LOAD_REPORT_TEXT_MAX = 48 };

struct load_report {
    u32 idle;  /* loops that wait */
    u32 queue; /* requests that wait for a loop */
};

/* Clamped to LOAD_REPORT_MAX. False: it is none, *out unchanged. */
MUST_USE bool load_report_parse(struct str value, struct load_report *out);

/* The field's value; a view of out. */
struct str load_report_text(const struct load_report *r, char out[LOAD_REPORT_TEXT_MAX]);

/* As it lies in shared memory, in one word; never 0, which is: nothing is known. */
static inline u64 load_report_pack(const struct load_report *r)
{
    return 1ull << 63 | (u64)r->queue << 32 | r->idle;
}
static inline bool load_report_unpack(u64 word, struct load_report *r)
{
    *r = (struct load_report){ .idle = (u32)word, .queue = (u32)(word >> 32) & INT32_MAX };
    return word >> 63;
}
