/* heap/facts.h -- what one object is made of
 *
 * What an object alone holds (what it dominates) tells what it is about: a record with a request in
 * it is mostly a request. Classes are known by name; only the topmost object of each kind counts.
 */
#pragma once

#include "heap/browse.h"

enum fact {
    FACT_NONE,
    FACT_SOCKET,
    FACT_REQUEST,
    FACT_STREAM,
    FACT_BUFFER,
    FACT_PROMISE, /* one that has not settled */
    FACT_ASYNC,   /* AsyncResource and what it captured */
    FACT_TIMER,
    FACT_MODULE,
    FACT_LISTENER, /* of an EventTarget */
    FACT_SLICE,    /* a string that holds a longer one */
    FACT_REGEXP,
    FACT_SCRIPT,
    FACT_COUNT,
};

struct facts {
    enum fact self;        /* what the object itself is */
    u64 total;             /* bytes retained */
    u64 bytes[FACT_COUNT]; /* of these, by the topmost objects of each kind */
    u32 first[FACT_COUNT]; /* the first of these, or BROWSE_NONE */
    u64 code;
    u32 nodes; /* that were looked at */
};

void facts_find(struct browse *b, u32 node, struct facts *out);
enum fact facts_of_class(struct str name);
