/* heap/filters.h -- kinds of objects that have a name
 *
 * DevTools' own filters (HeapSnapshot.ts, createNamedFilter) say exactly what they say there:
 * "retained by contexts" is what could not be reached from the root any more if there were no
 * contexts of closures. The others look at the shape of objects, and at nothing that a snapshot
 * does not have: numbers and undefined in an array, a Map or a Set leave no trace in it.
 */
#pragma once

#include "heap/analysis.h"

enum filter {
    FILTER_DUPLICATED_STRINGS,
    FILTER_EMPTY_COLLECTIONS, /* Map, Set, WeakMap, WeakSet, Array, Object */
    FILTER_OVERSIZED_ARRAYS,  /* a store of four times what it holds, and 1 KB too much */
    FILTER_DETACHED,          /* DOM nodes in no document */
    FILTER_BY_CONTEXTS,
    FILTER_BY_DETACHED,
    FILTER_BY_CONSOLE,
    FILTER_BY_HANDLERS,
    FILTER_COUNT,
};

enum {
    FILTERS_ARRAY_TIMES = 4,
    FILTERS_ARRAY_BYTES = 1024,
    FILTERS_TABLE_BYTES =
        192, /* of a Map with the smallest table, which holds up to four numbers */
};

/* "empty-collections" */
const char *filters_name(enum filter f);

/* Sets is[node] to 1 for what the filter lets through, and to 0 else. The analysis has edges,
 * distances, names and ids. Not for FILTER_DUPLICATED_STRINGS (heap/duplicates.h). -ENOMEM, -EIO.
 */
MUST_USE int filters_mark(const struct analysis *a, enum filter f, u8 *is);
