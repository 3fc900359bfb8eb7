/* load/mix.h -- the kinds of requests that are sent, and how often each
 *
 * One kind from the command line, or several from a JSON file:
 *   [{ "name": "slow", "weight": 2, "method": "GET", "path": "/slow",
 *      "headers": { "x": "y" }, "body": "…" or "body_file": "…" }]
 * Only what is there is needed: weight 1, GET (POST with a body), the URL's
 * path, the path as the name.
 */
#pragma once

#include "base/buf.h"
#include "base/problem.h"
#include "base/random.h"

enum { MIX_KINDS_MAX = 64, MIX_BODY_MAX = 64 << 20, MIX_WEIGHT_MAX = 1000000 };

struct mix_kind {
    struct buf name;   /* empty: its path */
    struct buf method; /* empty: GET, or POST with a body */
    struct buf path;   /* begins with "/"; empty: the URL's */
    struct buf fields; /* "name: value\r\n" lines */
    struct buf body;
    u32 weight;
    bool has_host, has_body;
};

/* All zero is an empty mix. */
struct mix {
    struct mix_kind *kinds;
    u32 count;
    u64 weights; /* their sum */
};

void mix_done(struct mix *m);

/* A new kind of weight 1 at the end; NULL: no memory. */
MUST_USE struct mix_kind *mix_add(struct mix *m);
/* Checks and takes over one value of a kind. -EINVAL with *p, -ENOMEM. */
MUST_USE int mix_kind_method(struct mix_kind *k, struct str method, struct problem *p);
MUST_USE int mix_kind_path(struct mix_kind *k, struct str path, struct problem *p);
MUST_USE int mix_kind_field(struct mix_kind *k, struct str name, struct str value,
                            struct problem *p);
MUST_USE int mix_kind_body(struct mix_kind *k, struct str body);
MUST_USE int mix_kind_body_file(struct mix_kind *k, const char *path, struct problem *p);

/* Adds the kinds in `text`; `path` is the file's, for messages and for what body_file is relative
 * to. -EINVAL with *p, -ENOMEM. */
MUST_USE int mix_parse(struct mix *m, struct str text, const char *path, struct problem *p);
MUST_USE int mix_read(struct mix *m, const char *path, struct problem *p);

/* Which kind comes next: each as often as its weight says. */
u32 mix_pick(const struct mix *m, struct random *r);
