/* balance/kind.h -- kinds of requests, and how long each kind blocks a loop
 *
 * A request is of the kind of its route, once an app has told the route of one like it ("GET
 * /users/:id"), else of its path with what looks like an identifier left out. When requests of
 * one kind differ much, what they carry may tell them apart: the kind is then also known by each
 * of its query parameters, by the last part of its path and by the size of its body, and what has
 * been wrong least is believed.
 *
 * What is known lies in shared memory (struct shm_kinds), a table of one size in sets of four: a
 * new kind takes the place of the one least used, so hostile paths push out each other. All threads
 * of the proxy read and write it without a lock. Routes with variable parts are kept in the
 * process (struct kind_routes); a proxy that comes back learns them again.
 */
#pragma once

#include "base/hash.h"
#include "shm/layout.h"

#include <pthread.h>

enum {
    KIND_FEATURES_MAX = 6,
    KIND_KNOWN_MIN = 4, /* observations before a kind counts as known */
    KIND_MEMORY = 16,   /* an observation's weight falls to this part in one */
    KIND_ROUTES_MAX = 512,
    KIND_SHAPE_MAX = 256, /* of method and path as the key is made from them; the rest is cut */
    KIND_CACHE = 256,
    KIND_PATHS = 64,
    KIND_PATH_MAX = 93, /* longer ones are worked out each time */
};

/* Views that must last for the call only. */
struct kind_request {
    struct str method; /* "GET" */
    struct str path;   /* "/users/42?sort=name" */
    u64 body_bytes;    /* 0: none, or not known */
};

/* What one request is. Kept by its owner until it is over. All zero: nothing is known of it, and
 * nothing is learned from it. */
struct kind {
    u64 key;      /* of its route or path; 0: nothing */
    u64 wide_key; /* of its path without the last part; 0: it needs none, being known itself */
    u64 feature[KIND_FEATURES_MAX];
    u32 features;
    bool literal; /* the key is that of method and path as they are */
    u32 route;    /* of struct kind_routes, from 1; 0: none that has variable parts */
    u64 block_ns; /* how long it is expected to block; 0: not at all, or unknown */
    u64 loop_ns;  /* how long to keep the loop running; 0: unknown */
};

/* Routes with variable parts, as frameworks write them. Only grows. */
struct kind_routes {
    pthread_mutex_t lock; /* of writers */
    _Atomic u32 n;
    struct kind_route {
        u8 len;
        char text[SHM_ROUTE_MAX];
    } route[KIND_ROUTES_MAX];
};

/* A thread's own memory of which path is of which kind: of whole paths that come again and again,
 * and, for those with identifiers, of which shape is of which route. All zero is empty. */
struct kind_cache {
    struct kind_path {
        u64 key;
        u32 route, routes_n; /* 0: none of the first routes_n */
        u8 app;
        u8 len; /* of text; 0: empty */
        bool literal;
        char text[KIND_PATH_MAX]; /* method and path, without anything between them */
    } path[KIND_PATHS];
    struct {
        u64 shape;
        u32 route, routes_n;
    } line[KIND_CACHE];
};

/* Those of one app. Apps share the table; their keys differ, so that no kind is another's. */
struct kinds {
    struct shm_kinds *table;
    u32 app;
    struct kind_routes *routes;
    struct hash_key key;
};

/* Chooses the key when there is none yet, and for the first app clears what a writer has left
 * half-done. No other thread may use the table yet. */
void kinds_init(struct kinds *k, struct shm_kinds *table, struct kind_routes *routes, u32 app);

/* What the request is and what is expected of it. */
void kind_of(const struct kinds *k, struct kind_cache *cache, const struct kind_request *request,
             struct kind *out);

/* What a request did, that is over. */
struct kind_outcome {
    struct str route; /* what the app said, or empty */
    u64 block_ns;     /* for how long it has blocked its loop … */
    u64 loop_ns;      /* … and for how long kept it running */
};

/* True: its kind is known, and one like it is expected to block for *expected_ns. */
bool kind_learn(const struct kinds *k, const struct kind *kind, const struct kind_request *request,
                const struct kind_outcome *outcome, u64 now_ns, u64 *expected_ns);

/* A path with its identifiers left out, without its query: "/users/:id"; a view of `out`.
 * Empty for what is no path, as of OPTIONS. */
struct str kind_path(struct str path, char out[KIND_SHAPE_MAX]);

/* Whether `path` (without query) is of `route`, in which a part that begins with ':' or '{' stands
 * for any one part and '*' for the rest. Routes with optional parts or regular expressions match
 * no path. */
bool kind_route_matches(struct str route, struct str path);
