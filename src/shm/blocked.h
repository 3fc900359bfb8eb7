/* shm/blocked.h -- what a blocked loop is at: a record of the journal (SHM_RECORD_BLOCKED)
 *
 * The monitor sees in shared memory that a turn of a loop takes long, and asks the agent by way of
 * the supervisor (WIRE_STACK with value 1). The answer goes through the journal: this struct and
 * `text_len` bytes, the JavaScript stack as Error.stack prints frames, a line each, the innermost
 * first. While native code runs there is none: a record of SHM_BLOCKED_NATIVE comes within some
 * milliseconds, and one of SHM_BLOCKED_RETURNED when JavaScript runs again in the same turn.
 *
 * Plain C11 for the addon, like layout.h.
 */
#pragma once

#include <stdint.h>

enum shm_blocked_how {
    SHM_BLOCKED_STACK,    /* it runs JavaScript: the stack */
    SHM_BLOCKED_NATIVE,   /* it runs no JavaScript: no stack yet */
    SHM_BLOCKED_RETURNED, /* native code has returned: the stack, as near to the call as V8 tells */
    SHM_BLOCKED_UNABLE,   /* this node does not export what a stack takes; `text` says why there is
                           * none. Its inspector may be opened by SIGUSR1 */
    SHM_BLOCKED_CLOSED,   /* likewise, but the signal would not open it: it is not to be sent */
    SHM_BLOCKED_HOWS,
};

struct shm_blocked {
    uint64_t since_ns; /* busy_since_ns of the turn that was asked about */
    uint64_t gc_ns;    /* that V8 has collected garbage in this turn, so far */
    uint32_t how;      /* enum shm_blocked_how */
    uint32_t in_gc;    /* 1: it does so now */
    int32_t call;      /* the system call in which the thread sits; -1: it runs; -2: not known */
    uint32_t text_len;
    char call_name[24]; /* NUL-terminated; empty: not known */
    char channel[40];   /* the kernel's function in which it waits, likewise */
};
