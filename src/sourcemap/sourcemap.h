/* sourcemap/sourcemap.h -- one source map, read
 *
 * JSON of version 3 (ECMA-426), index maps ("sections") included. What it does not need
 * (extensions; sourcesContent, unless it is asked for) is skipped. Without I/O: the bytes may be
 * anybody's.
 */
#pragma once

#include "base/buf.h"
#include "base/names.h"
#include "sourcemap/mappings.h"

enum { SOURCEMAP_SECTIONS_DEPTH_MAX = 4 };

struct sourcemap {
    struct mappings mappings;
    struct names texts;
    u32 *source, *name; /* in texts: the number of each source and name */
    u32 sources, names;
    /* private */
    u32 source_cap, name_cap;
};

/* A place in a source; line and column from 0. */
struct sourcemap_place {
    struct str source; /* a path, or a URL (webpack://…); a view into the map */
    u32 line, column;
    struct str name; /* what the source calls what stands here; empty: not said */
};

/* `folder` (with its slash) is where the map is: its sources are beside it. 0; -EINVAL with *p;
 * -ENOMEM. The owner calls sourcemap_done in any case. */
MUST_USE int sourcemap_read(struct sourcemap *out, struct str bytes, struct str folder,
                            struct problem *p);
/* The same of a map that has no more than so many mappings, which take 20 bytes each; -EINVAL: it
 * has more. */
MUST_USE int sourcemap_read_some(struct sourcemap *out, struct str bytes, struct str folder,
                                 u32 mappings_max, struct problem *p);
void sourcemap_done(struct sourcemap *map);

/* Where a place of the generated file comes from; false: it is not said. */
MUST_USE bool sourcemap_find(const struct sourcemap *map, u32 line, u32 column,
                             struct sourcemap_place *out);
/* The same for the first place of a line that comes from anywhere. */
MUST_USE bool sourcemap_find_line(const struct sourcemap *map, u32 line,
                                  struct sourcemap_place *out);
/* The name that begins right there; empty: none does. */
struct str sourcemap_name_at(const struct sourcemap *map, u32 line, u32 column);

/* The text of a source, as it is in the map ("sourcesContent"), to `out`, which is empty;
 * `source` as sourcemap_find tells it. -ENOENT: it is not there; -EINVAL with *p; -ENOMEM. */
MUST_USE int sourcemap_content(struct str bytes, struct str folder, struct str source,
                               struct buf *out, struct problem *p);

/* Bytes of memory that it takes. */
u64 sourcemap_bytes(const struct sourcemap *map);
