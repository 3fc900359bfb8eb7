/* shm/opened.h -- who opens so many sockets, timers, descriptors or child processes
 *
 * When the monitor suspects that a process leaks such (finding/handle_leak.h), it writes into
 * shm_slot.opened_wanted, and for so many seconds the agent (addon/opened.js) notes where resources
 * of that kind are opened. Then it says, in a record of the type SHM_RECORD_OPENED, which places
 * those come from that are still there: struct shm_opened, and text. A place is ALIVE EXPIRING
 * OPENED LINE COLUMN     numbers the function's name, or an empty line the file its stack, in lines
 * that begin with a blank an empty line with the place of most first. ALIVE: about so many were
 * still there at the end of OPENED; EXPIRING of these are timers that will end by themselves, later
 * than anybody has waited.
 *
 * Plain C11 for the addon, like layout.h. Readers trust nothing.
 */
#pragma once

#include <stdint.h>

enum shm_opened_kind {
    SHM_OPENED_NONE,
    SHM_OPENED_SOCKETS,
    SHM_OPENED_TIMERS,
    SHM_OPENED_FILES,
    SHM_OPENED_CHILDREN,
    SHM_OPENED_KINDS,
};

enum { SHM_OPENED_SECONDS_MAX = 3600, SHM_OPENED_TEXT_MAX = 12000 };

/* A word of shm_slot.opened_wanted; 0: nothing is wanted. `kinds`: bit KIND of each that is; one
 * that the agent is at already goes on. `number` makes each question a new one. */
static inline uint32_t shm_opened_wanted(uint32_t kinds, uint32_t seconds, uint32_t number)
{
    return (kinds >> 1 & 15) |
           (seconds < SHM_OPENED_SECONDS_MAX ? seconds : SHM_OPENED_SECONDS_MAX) << 4 |
           number << 16;
}

struct shm_opened {
    uint32_t kind;    /* enum shm_opened_kind */
    uint32_t seconds; /* for so long it was looked at */
    uint32_t opened;  /* so many of the kind were opened meanwhile */
    uint32_t text_len;
};
