/* addon/stats.h -- memory, collections and handles of this process, in shared memory
 *
 * Collections are timed by V8's own callbacks (v8::Isolate::AddGCPrologueCallback) on the main
 * thread; the rest is numbers that the agent's JavaScript brings once a second. Readers may look
 * at any time: every word is stored whole, a name is complete before the count that covers it.
 */
#pragma once

#include <stdbool.h>

#include "shm/layout.h"

/* All of these run on the main thread. stats_init empties `a`; it returns false when V8's
 * functions are not exported, and the JavaScript has to time the collections. `busy_since_ns`:
 * since when the loop's turn runs. */
bool stats_init(struct shm_agent *a, void *isolate, const _Atomic uint64_t *busy_since_ns);
void stats_done(void);

enum stats_number {
    STATS_HEAP_TOTAL,
    STATS_HEAP_USED,
    STATS_HEAP_LIMIT,
    STATS_EXTERNAL,
    STATS_ARRAY_BUFFERS,
    STATS_MALLOCED,
    STATS_SPACES,    /* how many; each has four numbers from STATS_FIRST_SPACE on */
    STATS_RESOURCES, /* how many; each has one number from STATS_FIRST_RESOURCE on */
    STATS_FIRST_SPACE,
    STATS_FIRST_RESOURCE = STATS_FIRST_SPACE + 4 * SHM_SPACES_MAX,
    STATS_NUMBERS = STATS_FIRST_RESOURCE + SHM_RESOURCES_MAX,
};

/* Names are given once, before the first publish that counts them. False: i is too large. */
bool stats_space_name(uint32_t i, const char *name);
bool stats_resource_name(uint32_t i, const char *type, uint32_t kind);
void stats_publish(const double numbers[STATS_NUMBERS]);

/* How long V8 has collected garbage in the turn of the loop that began at `since_ns`, the
 * collection that runs now included; *now: whether one does. Any thread may ask. */
uint64_t stats_gc_in_turn_ns(uint64_t since_ns, bool *now);

/* One collection; kind: 0 minor, 1 major, 2 incremental, 3 weakcb. */
void stats_gc_add(uint32_t kind, uint64_t took_ns);
