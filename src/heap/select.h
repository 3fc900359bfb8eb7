/* heap/select.h -- the objects that a query asks for, and what they add up to */
#pragma once

#include "heap/duplicates.h"
#include "heap/query.h"

struct selection {
    u8 *is; /* [node_count] */
    u32 node_count;
    u32 count;             /* objects */
    u64 shallow, retained; /* bytes; retained: each byte once, however the objects are nested */
    struct duplicates duplicates; /* of all strings, when the query asks for duplicated ones */
    struct string_texts *texts;   /* NULL: not needed so far */
};

/* Finds them. The analysis has edges, distances, names and ids. Objects without a size, whose bytes
 * are counted with others, are left out unless ids or shallow sizes are asked for. -ENOMEM; -EIO:
 * the file has changed. The owner calls select_done in any case. */
MUST_USE int select_find(struct selection *s, const struct query *q, const struct analysis *a);
void select_done(struct selection *s);

/* Sums by class, one for each of a->c.class, as in DevTools' summary with a filter. -ENOMEM. */
MUST_USE int select_sums(const struct selection *s, const struct analysis *a, struct class **sums);
/* The nodes, those that retain most first; at most `top` (0: all): *count of them. NULL: out of
 * memory. */
MUST_USE u32 *select_largest(const struct selection *s, const struct analysis *a, u32 top,
                             u32 *count);
