/* finding/found.h -- the table of what has been found
 *
 * Bounded: FOUND_MAX entries, each with texts of bounded length. What is found again in the same
 * place is counted, not listed twice: the same kind, app, file, line, route and subject are one
 * entry, and its texts are those of its worst time. When the table is full, the entry that was seen
 * least lately goes; how many of each kind there were is counted for ever. Pure: no clock, no log.
 */
#pragma once

#include "finding/finding.h"

enum {
    FOUND_MAX = 256,
    FOUND_NAME_MAX = 256,    /* bytes of a route, function, subject, source line, advice */
    FOUND_FILE_MAX = 1024,   /* … of a file's path */
    FOUND_TEXT_MAX = 4096,   /* … of the evidence */
    FOUND_WORKERS_MAX = 256, /* workers with a larger number are not told apart */
    FOUND_APPS_MAX = 32,
};

/* Of one entry. Texts are views of what the entry owns. */
struct found_entry {
    u64 id;                 /* 0: no entry; never used twice */
    struct finding finding; /* took_ns: the longest; at_ns and stack_ns: the newest;
                             * count: all */
    u64 first_ns, last_ns;
    u64 total_ns;
    u64 workers[FOUND_WORKERS_MAX / 64]; /* bit n: it was found in worker n */
};

struct found;

MUST_USE int found_new(struct found **out);
void found_free(struct found *f);

/* Counts a finding, and makes an entry of it when there is none. *news: whether it should be told
 * of now: the first of its entry, and then whenever the count reaches a power of ten. Its id, for
 * found_lasts; 0: out of memory, or it is of no kind. */
u64 found_add(struct found *f, const struct finding *what, bool *news);

/* One that was counted in entry `id` as having taken `before_ns` has taken `took_ns` by now. An id
 * that is not there any more is passed over. */
void found_lasts(struct found *f, u64 id, u64 before_ns, u64 took_ns);

/* One that was counted in entry `id` as having taken `took_ns` was another: it is not counted there
 * any more, and the entry goes when it has no others. found_total keeps it: a counter does not go
 * back. */
void found_take_back(struct found *f, u64 id, u64 took_ns);

/* An app has ended for good: its entries go. */
void found_forget(struct found *f, u32 app);

/* Entry `i` in the order of their last time, the newest first; NULL: there are no more. Valid until
 * the next found_add or found_forget. */
const struct found_entry *found_at(struct found *f, u32 i);
const struct found_entry *found_get(const struct found *f, u64 id);

/* How many there have ever been. */
u64 found_total(const struct found *f, u32 app, enum finding_kind kind);
/* Entries that had to go for others. */
u64 found_evicted(const struct found *f);
