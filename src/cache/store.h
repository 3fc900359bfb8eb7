/* cache/store.h -- stored responses, in one slab of memory of a fixed size that all threads share
 *
 * The slab is divided into shards by the key's digest; each has a lock that is held for some
 * hundred nanoseconds and never over a system call. What is found is pinned: it may be removed
 * meanwhile, but its bytes stay until it is let go. What is stored never changes: a new response
 * takes the place of the old one as a whole, once it is there as a whole.
 *
 * All of it, links and tables included, is within the bytes that were asked for. Any thread.
 */
#pragma once

#include "cache/freshness.h"
#include "cache/vary.h"

#include <stdatomic.h>
#include <sys/uio.h>

enum { STORE_BLOCK_BYTES = 512, STORE_SHARDS_MAX = 64, STORE_VARIANTS_MAX = 32 };

struct store;

/* A part of a stored response: counted from its first byte. */
struct store_span {
    u32 at, len;
};

/* At the beginning of its first block; what its Vary names follows. Written before it is
 * published, then only read, but for what is private. */
struct stored {
    struct digest key, variant;
    struct freshness freshness;
    struct store_span head; /* status line and fields as they are sent, without the empty line */
    struct store_span body;
    struct store_span name, tags; /* its path and query; its surrogate keys, spaces between */
    struct store_span etag, last_modified, date; /* len 0: it has none */
    u32 line_bytes;                              /* of the head: its status line */
    u16 status;
    u16 vary_len;
    u8 app, route_len; /* whose; the app's pattern follows what Vary names */
    bool marker;       /* nothing but the news that it is of no use to wait for this key */

    /* private: under the shard's lock */
    u8 list;
    u32 prev, next, bucket_next, blocks;
    _Atomic u32 refs;
};

/* The app's own pattern for it; empty: none. In its first block, so a view. */
static inline struct str stored_route(const struct stored *e)
{
    return str_make((const char *)(e + 1) + e->vary_len, e->route_len);
}

/* What has happened in all shards. */
struct store_counts {
    u64 stored, evicted, rejected, removed;
};
struct store_use {
    struct store_counts counts;
    u64 entries, bytes, bytes_max;
};

struct store_conf {
    u64 bytes;  /* of all: exactly so much address space, and no more memory */
    u32 shards; /* a power of two */
    struct digest_keys keys;
};

/* -ENOMEM; -EINVAL when a shard is too small to be of use. */
MUST_USE int store_new(struct store **out, const struct store_conf *conf);
/* Nothing may be pinned. Accepts NULL. */
void store_free(struct store *s);
const struct digest_keys *store_keys(const struct store *s);
/* The largest response that can be stored, head and all. */
u64 store_largest(const struct store *s);
void store_use(struct store *s, struct store_use *out);

/* For whom something is looked for. */
struct store_ask {
    struct digest key;
    const char *bytes; /* of the request's head */
    const struct http_head *head;
};
enum store_found {
    STORE_NOTHING,
    STORE_MARKED, /* it was found that waiting for this key is of no use */
    STORE_HIT,    /* *out is pinned */
};
/* *epoch: how true the key's removals are, to be handed to store_begin if the app is asked now. */
enum store_found store_find(struct store *s, const struct store_ask *ask, u64 now_ns,
                            const struct stored **out, u32 *epoch);
void store_pin(const struct stored *e);
void store_unpin(struct store *s, const struct stored *e);

/* Copies a part of it, which is within it. */
void store_read(const struct store *s, const struct stored *e, struct store_span part, char *out);

/* A place in it, for sending. */
struct store_cursor {
    u32 block, at;
};
struct store_cursor store_seek(const struct store *s, const struct stored *e, u32 at);
/* The next `len` bytes as at most `room` pieces; how many pieces, and *bytes of them. The cursor
 * stays. */
u32 store_pieces(const struct store *s, const struct stored *e, struct store_cursor c, u64 len,
                 struct iovec *iov, u32 room, u64 *bytes);
void store_advance(const struct store *s, const struct stored *e, struct store_cursor *c, u64 len);

/* What is being stored: nobody sees it before store_commit. All zero: nothing. */
struct filling {
    struct stored *e; /* NULL: nothing */
    u32 last, used;   /* block that is written, bytes in it */
    u32 epoch;
};
/* What it begins with. Texts are copied. */
struct store_beginning {
    struct digest key;
    const struct store_ask *ask; /* for its variant */
    struct freshness freshness;
    struct str name, tags, vary, head, route;
    u32 line_bytes;
    struct store_span etag, last_modified, date; /* within head */
    u64 body_bytes;                              /* 0: not known */
    u32 epoch;
    u16 status;
    u8 app;
};
/* -ENOSPC: there is no room for it, or what is there is worth more. */
MUST_USE int store_begin(struct store *s, struct filling *f, const struct store_beginning *b);
/* False: as above; it is aborted then. */
MUST_USE bool store_add(struct store *s, struct filling *f, struct str body);
/* False: something of this key was removed since the app was asked, so it is not stored. *pinned
 * (may be NULL) is what was stored. */
bool store_commit(struct store *s, struct filling *f, const struct stored **pinned);
void store_abort(struct store *s, struct filling *f);

/* Notes that waiting for this key is of no use until then. */
void store_mark(struct store *s, struct digest key, u64 until_ns);
/* Removes one of them: it is no longer true. */
void store_remove(struct store *s, const struct stored *e);
/* All of a key. How many. */
u32 store_invalidate(struct store *s, struct digest key);

/* What a purge is for. */
struct store_purge {
    u32 app;         /* UINT32_MAX: of all apps */
    struct str path; /* ptr NULL: any; with a * at its end all that begin so */
    struct str tag;  /* ptr NULL: any */
};
/* Whether it is about what has this path and these tags, of an app that fits. */
MUST_USE bool store_purge_is_about(const struct store_purge *p, struct str path, struct str tags);
/* Removes what fits; how many. Locks a shard for a short time at once. */
u64 store_purge(struct store *s, const struct store_purge *p);
