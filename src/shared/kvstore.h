/* shared/kvstore.h -- keys and values in memory that processes share, any of which may die in it
 *
 * A fixed piece of memory is cut into shards by the key's hash. A shard has a lock that the kernel
 * gives on when its owner dies (pthread robust mutex), a table of 7 slots a cache line, and two
 * rings of entries (shared/ringlog.h). Readers take no lock and wait for nobody: a value is copied,
 * and is taken if slot and version are afterwards what they were. An entry never changes.
 *
 * What dies half-way: the tables are made anew from the rings, in which an entry either is or is
 * not. Of a change that was not completed either the value before or the one after is there.
 *
 * Who stays (W-TinyLFU, Einziger et al., 2017): what is new is in a small ring, the window. The
 * oldest of that gets a place among the others if it was asked for more often lately than the
 * oldest there that was not asked for since it was looked at last (CLOCK, not LRU: readers write
 * one bit).
 *
 * Each key has a version word, of few others' too, which changes before a set, delete, clear or
 * eviction of it is complete: whoever has a copy of a value and finds the word unchanged has the
 * newest value.
 *
 * Times are of CLOCK_MONOTONIC, the caller's. Any thread of any process.
 */
#pragma once

#include "base/str.h"
#include "shared/owner.h"

enum { KVSTORE_SHARDS_MAX = 64, KVSTORE_KEY_MAX = 4096, KVSTORE_CLAIMS = 64 };
#define KVSTORE_BYTES_MIN (256 * 1024ull)
#define KVSTORE_BYTES_MAX (1024ull << 30)
#define KVSTORE_ENTRIES_MAX 4000000000ull

struct kvstore;

/* What a store of these limits looks like; the same in every process of one version. */
struct kvstore_shape {
    u64 bytes;       /* of memory, all of it: a multiple of 4096 */
    u64 entries_max; /* 0: as many as the bytes hold */
    /* private */
    u32 shards;
    u32 buckets;          /* of a shard, a power of two */
    u32 frequency_blocks; /* likewise */
    u64 shard_bytes, rings_at;
};

/* -EINVAL: bytes are out of KVSTORE_BYTES_MIN … MAX, or so few that as many entries have no room.
 */
MUST_USE int kvstore_shape(struct kvstore_shape *out, u64 bytes, u64 entries_max);

/* More of the memory is about to be used: from byte `at` on, so many. 0 or -errno; the store goes
 * on with what it has. May be NULL. */
typedef int kvstore_reserve_fn(void *context, u64 at, u64 bytes);

/* What of it is used from the beginning on, told to `reserve`: 0 or what that returned. */
MUST_USE int kvstore_reserve(const struct kvstore_shape *shape, kvstore_reserve_fn *reserve,
                             void *context);

/* Memory of this shape that is all zero becomes an empty store. Nobody else may use it yet. */
MUST_USE int kvstore_make(void *memory, const struct kvstore_shape *shape);
/* A store that was made there. *out is the caller's, for kvstore_close, and keeps `memory`, which
 * must stay mapped. -EPROTO: there is none of this shape. */
MUST_USE int kvstore_open(struct kvstore **out, void *memory, const struct kvstore_shape *shape,
                          kvstore_reserve_fn *reserve, void *context);
/* Accepts NULL. */
void kvstore_close(struct kvstore *s);

/* The version words: where they are in the memory, how many bytes. */
u64 kvstore_versions_at(const struct kvstore *s, u64 *bytes);

u64 kvstore_hash(const struct kvstore *s, struct str key);

/* A value as it is stored. */
struct kvstore_value {
    struct str bytes;
    u8 kind;        /* the caller's */
    u64 expires_ns; /* 0: never */
};

enum kvstore_set {
    KVSTORE_STORED,
    KVSTORE_TOO_LARGE, /* no room is made for it; what the key had is removed */
    KVSTORE_BUSY,      /* a process holds the lock and stands still: nothing was changed */
};

struct kvstore_place {
    u32 version_word; /* its number */
    u32 version;      /* what it was before the value was looked for */
};

/* *place (may be NULL) is as kvstore_get says. */
MUST_USE enum kvstore_set kvstore_set(struct kvstore *s, struct str key, u64 hash,
                                      const struct kvstore_value *value, u64 now_ns,
                                      struct kvstore_place *place);

struct kvstore_got {
    char *buf; /* the caller's, `room` bytes: a value that is longer is not copied */
    size_t room;
    size_t len; /* of the value, always */
    u8 kind;
    u64 expires_ns;
    struct kvstore_place place;
};

enum kvstore_found { KVSTORE_MISSING, KVSTORE_HIT, KVSTORE_EXPIRED };

/* With now_ns 0 nothing is over yet; got->expires_ns says the time. The value is in got->buf if
 * got->len <= got->room: else call again with more. EXPIRED: it is there, but its time is over.
 * got->place is set in any case. */
enum kvstore_found kvstore_get(struct kvstore *s, struct str key, u64 hash, u64 now_ns,
                               struct kvstore_got *got);
/* Counts what the caller has made of kvstore_get. */
void kvstore_count(struct kvstore *s, bool is_hit);
/* As kvstore_get without a copy, and without counting as asked for. */
enum kvstore_found kvstore_has(struct kvstore *s, struct str key, u64 hash, u64 now_ns);
/* It was asked for so often: somebody has answered with a copy of his own. */
void kvstore_touch(struct kvstore *s, struct str key, u64 hash, u32 hits);

enum kvstore_removed { KVSTORE_NOT_THERE, KVSTORE_REMOVED, KVSTORE_REMOVE_BUSY };
MUST_USE enum kvstore_removed kvstore_remove(struct kvstore *s, struct str key, u64 hash,
                                             u64 now_ns);
/* False: some of it could not be locked. */
MUST_USE bool kvstore_clear(struct kvstore *s);

/* A number that all count up together; its store has nothing else in it. */
struct kvstore_number {
    u64 n;
    u64 expires_ns; /* when it begins anew */
};
enum kvstore_add {
    KVSTORE_ADDED,
    KVSTORE_ADD_REFUSED, /* no lock, or no room: nothing is counted */
};
/* Adds one, or takes one away (not below 0; what is not there stays so). A key that is not there,
 * or is over, begins with nothing and lasts until now_ns + lasts_ns. */
MUST_USE enum kvstore_add kvstore_add(struct kvstore *s, struct str key, u64 hash, bool is_more,
                                      u64 lasts_ns, u64 now_ns, struct kvstore_number *out);

/* Whoever has a key's claim makes its value; others wait for that. */
enum kvstore_claim {
    KVSTORE_CLAIMED, /* by this owner now */
    KVSTORE_AWAITED, /* somebody else makes it, who lives */
    KVSTORE_CROWDED, /* there is no place for a claim, or no lock: make it unclaimed */
};
enum kvstore_claim kvstore_claim(struct kvstore *s, u64 hash, const struct owner *owner);
/* Gives it back; whoever has none may call. */
void kvstore_unclaim(struct kvstore *s, u64 hash, const struct owner *owner);
/* All of this owner's: it ends. */
void kvstore_unclaim_all(struct kvstore *s, const struct owner *owner);

struct kvstore_use {
    u64 entries, live_bytes; /* expired ones count until they are removed */
    u64 bytes, largest;      /* of memory; of an entry, key and all */
    u64 sets, evicted, rejected, removed, too_large;
    u64 hits, misses; /* as kvstore_count was told */
    u64 repaired;     /* a shard whose lock's owner had died */
};
void kvstore_use(struct kvstore *s, struct kvstore_use *out);
