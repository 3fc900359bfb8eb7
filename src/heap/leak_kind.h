/* heap/leak_kind.h -- the kinds of leaks that servers have, in one table
 *
 * The report, its JSON and the documentation take names and advice from here.
 */
#pragma once

#include "base/str.h"

enum leak_kind {
    LEAK_MAP,
    LEAK_SET,
    LEAK_ARRAY,
    LEAK_OBJECT,
    LEAK_LISTENER,
    LEAK_CLOSURE,
    LEAK_TIMER,
    LEAK_PROMISE,
    LEAK_SOCKET,
    LEAK_REQUEST,
    LEAK_STREAM,
    LEAK_BUFFER,
    LEAK_ASYNC_CONTEXT,
    LEAK_ASYNC_HOOK,
    LEAK_TREE,
    LEAK_STRING,
    LEAK_MODULE,
    LEAK_CODE,
    LEAK_REGEXP,
    LEAK_KINDS,
};

struct leak_kind_text {
    const char *name;  /* in JSON: "async-context" */
    const char *title; /* what grows: "a Map without a bound" */
    const char *fix;   /* what usually mends it; full sentences */
};

extern const struct leak_kind_text leak_kinds[LEAK_KINDS];
