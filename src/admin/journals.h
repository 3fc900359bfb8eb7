/* admin/journals.h -- the monitor reads what Node processes have to tell (shm/journal.h)
 *
 * The one reader of all journals. Each type of record has a handler, a row in journals.c; who adds
 * a type adds the row, and what the handler needs to struct journals_into. A handler gets a payload
 * that may hold anything, as any process may write anything: it checks every field.
 *
 * The rings are looked at every 20 ms while something comes, every 100 ms while nothing does; a
 * ring that has not moved costs one load. What was overwritten before it was read is counted.
 */
#pragma once

#include "admin/queries.h"
#include "finding/found.h"
#include "io/loop.h"
#include "otlp/exporter.h"
#include "shm/layout.h"

/* Who wrote a record. */
struct journals_from {
    u32 slot, generation;
    u32 app, worker; /* the worker's number from 1; 0: not known */
    u32 pid;
    u64 at_ns; /* when, clamped to now */
    u64 now_ns;
};

struct blocks;

/* Where handlers put what they learn. All outlive the journals. */
struct journals_into {
    struct shm *shm; /* written: how far its journals are read */
    struct found *found;
    struct blocks *blocks;
    struct queries *queries;
    struct leak_watch *leaks;
    struct exporter *exporter; /* NULL: nothing is sent */
};

/* What is wrong with an app, from whichever handler: counts it, and logs it when it is news. Its id
 * for found_lasts. */
u64 journals_found(const struct journals_into *into, const struct finding *what);

typedef void journals_fn(const struct journals_into *into, const struct journals_from *from,
                         const void *payload, u32 len);

struct journals;

/* Begins to read what is there from now on. -ENOMEM. */
MUST_USE int journals_new(struct journals **out, struct loop *loop,
                          const struct journals_into *into);
void journals_free(struct journals *js);

/* Looks at all of them; how many records there were. The timer calls it. */
u32 journals_read(struct journals *js, u64 now_ns);

/* Of all time: records that had a handler, records of no known type, bytes lost. */
struct journals_sums {
    u64 records, unknown, lost_bytes;
};
struct journals_sums journals_sums(const struct journals *js);
