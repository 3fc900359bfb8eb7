/* shm/journal.h -- what happens inside a Node process, told to the monitor
 *
 * A ring of records for each slot, in shared memory. The process writes: its agent thread, its main
 * thread and its worker threads, one at a time (addon/journal.c has the lock). The monitor reads,
 * and nobody waits for it: what is overwritten before it was read is lost, and counted; who has
 * much to tell can see in `read` how far it is. A record is a header and `len` bytes, at a multiple
 * of 8; it goes over the end of the ring to its beginning.
 *
 * `reserved` moves before a record is written and `tail` after it, so a reader that has copied a
 * record and then finds `reserved` no further than a ring's length from it has copied no torn one.
 * A writer that died half-way leaves `reserved` ahead of `tail`; its successor in the slot begins
 * at `reserved`, and the reader, for whom the bytes before it are no record, skips to the tail.
 *
 * Plain C11 for the addon, like layout.h. The reader trusts nothing.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    SHM_JOURNAL_BYTES = 65536,
    SHM_RECORD_MAX = 16384, /* bytes of one record's payload */
};

/* What a record is about: the payload of each is described where it is written. */
enum shm_record_type {
    SHM_RECORD_NONE,
    SHM_RECORD_SPAN,        /* shm/trace.h */
    SHM_RECORD_BLOCKED,     /* shm/blocked.h */
    SHM_RECORD_CALLS_ROUTE, /* shm/calls.h */
    SHM_RECORD_CALLS_STATEMENT,
    SHM_RECORD_CALLS_REPEATED,
    SHM_RECORD_CALLS_SEQUENTIAL,
    SHM_RECORD_CALLS_SLOW,
    SHM_RECORD_OPENED,    /* shm/opened.h */
    SHM_RECORD_ALLOCATED, /* shm/allocated.h */
    SHM_RECORD_TYPES,
};

struct shm_record {
    uint32_t check; /* shm_record_check() of its place: this is a record's beginning */
    uint32_t len;   /* of the payload */
    uint32_t type;  /* enum shm_record_type */
    uint32_t spare;
    uint64_t at_ns; /* CLOCK_MONOTONIC */
};

struct shm_journal {
    _Atomic uint64_t reserved; /* bytes ever, with what is being written */
    _Atomic uint64_t tail;     /* bytes ever, with what is complete */
    _Atomic uint64_t read;     /* up to here the monitor has read; it writes that */
    _Atomic uint64_t dropped;  /* records that were to wait for room, and had no room to wait */
    uint64_t spare[4];
    unsigned char ring[SHM_JOURNAL_BYTES];
};

static inline uint32_t shm_record_check(uint64_t at)
{
    return (uint32_t)(at >> 3) ^ 0x6a6f7572u; /* "jour" */
}

static inline uint64_t shm_record_bytes(uint32_t len)
{
    return (sizeof(struct shm_record) + len + 7) & ~7ull;
}

static inline void shm_journal_copy_in(struct shm_journal *j, uint64_t at, const void *from,
                                       size_t n)
{
    size_t place = at % SHM_JOURNAL_BYTES, first = SHM_JOURNAL_BYTES - place;

    first = n < first ? n : first;
    memcpy(j->ring + place, from, first);
    memcpy(j->ring, (const char *)from + first, n - first);
}

static inline void shm_journal_copy_out(const struct shm_journal *j, uint64_t at, void *to,
                                        size_t n)
{
    size_t place = at % SHM_JOURNAL_BYTES, first = SHM_JOURNAL_BYTES - place;

    first = n < first ? n : first;
    memcpy(to, j->ring + place, first);
    memcpy((char *)to + first, j->ring, n - first);
}

/* A new process writes here from now on. */
static inline void shm_journal_take(struct shm_journal *j)
{
    uint64_t at = (atomic_load_explicit(&j->reserved, memory_order_acquire) + 7) & ~7ull;

    atomic_store_explicit(&j->reserved, at, memory_order_relaxed);
    atomic_store_explicit(&j->tail, at, memory_order_release);
}

/* Bytes that have not been read. */
static inline uint64_t shm_journal_unread(const struct shm_journal *j)
{
    return atomic_load_explicit(&j->tail, memory_order_relaxed) -
           atomic_load_explicit(&j->read, memory_order_relaxed);
}

/* One writer at a time. False, and nothing is written: `len` is above SHM_RECORD_MAX. */
static inline bool shm_journal_put(struct shm_journal *j, uint32_t type, uint64_t at_ns,
                                   const void *payload, uint32_t len)
{
    uint64_t at = atomic_load_explicit(&j->tail, memory_order_relaxed);
    struct shm_record r = { shm_record_check(at), len, type, 0, at_ns };
    uint64_t end = at + shm_record_bytes(len);

    if (len > SHM_RECORD_MAX)
        return false;
    atomic_store_explicit(&j->reserved, end, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    shm_journal_copy_in(j, at, &r, sizeof r);
    shm_journal_copy_in(j, at + sizeof r, payload, len);
    atomic_store_explicit(&j->tail, end, memory_order_release);
    return true;
}

/* The next record after *at, which moves behind it: its payload is in `payload`, which has room for
 * SHM_RECORD_MAX, its header in *r. False: there is none. *lost grows by the bytes that were
 * overwritten, or made no sense. *at begins as the tail, or as 0 for whatever is still there. */
static inline bool shm_journal_get(const struct shm_journal *j, uint64_t *at, struct shm_record *r,
                                   void *payload, uint64_t *lost)
{
    uint64_t tail = atomic_load_explicit(&j->tail, memory_order_acquire), from = *at;

    if (tail == from)
        return false;
    if (tail - from >= sizeof *r && tail - from <= SHM_JOURNAL_BYTES) {
        shm_journal_copy_out(j, from, r, sizeof *r);
        if (r->check == shm_record_check(from) && r->len <= SHM_RECORD_MAX &&
            shm_record_bytes(r->len) <= tail - from) {
            shm_journal_copy_out(j, from + sizeof *r, payload, r->len);
            atomic_thread_fence(memory_order_acquire);
            if (atomic_load_explicit(&j->reserved, memory_order_relaxed) - from <=
                SHM_JOURNAL_BYTES) {
                *at = from + shm_record_bytes(r->len);
                return true;
            }
        }
    }
    *lost += tail - from;
    *at = tail;
    return false;
}
