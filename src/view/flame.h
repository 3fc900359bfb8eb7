/* view/flame.h -- flame graphs: a profile as a picture in one file, that needs no network
 *
 * Three forms: a page that can be searched and zoomed into, a picture that can be so in a browser
 * and is readable without its script, and what speedscope opens (https://www.speedscope.app, its
 * file-format-schema.json).
 */
#pragma once

#include "profile/calltree.h"

enum flame_format { FLAME_HTML, FLAME_SVG, FLAME_SPEEDSCOPE };

enum flame_kind {
    FLAME_APP,
    FLAME_PACKAGE,
    FLAME_NODE,
    FLAME_NATIVE, /* functions without a file: V8's own, and those of C++ */
    FLAME_GC,
    FLAME_PROGRAM,
    FLAME_IDLE,
    FLAME_ROOT,
    FLAME_SMALL, /* what was left out */
};

struct flame {
    const struct profile *profile;
    struct calltree tree;
    struct str title; /* the profile's file */
    double hit_ms;    /* a hit's; of allocations 0 */
};

/* The tree for a form of it. -ENOMEM. `profile` and `title` outlive it; the owner calls flame_done
 * in any case. */
MUST_USE int flame_init(struct flame *f, const struct profile *profile, struct str title,
                        enum flame_format format);
void flame_done(struct flame *f);

/* Adds the file. -ENOMEM. */
MUST_USE int flame_write(const struct flame *f, enum flame_format format, struct buf *out);

/* What the writers share. */
void flame_html(const struct flame *f, struct buf *out);
void flame_svg(const struct flame *f, struct buf *out);
void speedscope_write(const struct flame *f, struct buf *out);

enum flame_kind flame_kind(const struct flame *f, u32 frame, struct str *package);
/* As in styles and in JSON: "app". */
const char *flame_kind_key(enum flame_kind kind);
/* "checksum", "(anonymous)"; a view. */
struct str flame_name(const struct flame *f, u32 frame);
/* A file without "file://". */
struct str flame_file(const struct flame *f, u32 frame);
/* «12.3 ms» or «4.2 MB». */
void flame_amount(const struct flame *f, u64 hits, struct buf *out);
