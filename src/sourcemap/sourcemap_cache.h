/* sourcemap/sourcemap_cache.h -- from a place in a script to the place in its source
 *
 *     struct sourcemap_cache c = { 0 };
 *     if (sourcemap_cache_find(&c, url, line, column, &place)) … place.source, place.line …
 *
 * A script's map is read when it is asked for first, and kept: a file beside the script, named in
 * the last «//# sourceMappingURL=» of it, or in that line itself (data:), or SCRIPT.map where there
 * is no such line. Scripts that have none, that are in no file system, and maps that are not there
 * are no mistake; a map that cannot be made sense of is ignored, and that is counted. Nothing is
 * fetched from a network. When all maps take more than SOURCEMAP_CACHE_BYTES_MAX, or there are too
 * many scripts, the one that has not been asked for longest is forgotten. One thread owns a cache.
 */
#pragma once

#include "sourcemap/sourcemap.h"

#define SOURCEMAP_CACHE_BYTES_MAX (512ull << 20)
#define SOURCEMAP_FILE_BYTES_MAX (256ull << 20)
enum { SOURCEMAP_CACHE_SCRIPTS_MAX = 4096 };

/* All zero at first, but for what its owner wants otherwise. */
struct sourcemap_cache {
    u64 bytes_max, file_bytes_max; /* 0: as above */
    u32 mappings_max;              /* of a map, 20 bytes each; 0: as many as it has */
    bool follows;           /* a script or a map whose file has become another one is read again */
    u32 ignored;            /* maps that were no use */
    struct problem problem; /* the first of them: its file and what is wrong with it */
    /* private */
    struct sourcemap_script **script; /* by url */
    u32 scripts, cap;
    u64 bytes, now;
};

/* Forgets all; it may be used again. */
void sourcemap_cache_done(struct sourcemap_cache *c);

/* `url`: as V8 names scripts, a file:// URL or a path; line and column from 0. False: it is not
 * known where that comes from: it is its own source. *out is valid until the next call. */
MUST_USE bool sourcemap_cache_find(struct sourcemap_cache *c, struct str url, u32 line, u32 column,
                                   struct sourcemap_place *out);

/* The same for a function that V8 calls `name` and that begins there: out->name is what the source
 * calls it, which differs when names were made short; empty: not said. */
MUST_USE bool sourcemap_cache_function(struct sourcemap_cache *c, struct str url, u32 line,
                                       u32 column, struct str name, struct sourcemap_place *out);

/* The same for a place in the body of a function that V8 calls `name`; out->name likewise. */
MUST_USE bool sourcemap_cache_enclosed(struct sourcemap_cache *c, struct str url, u32 line,
                                       u32 column, struct str name, struct sourcemap_place *out);

/* The same for the first place of a line, where nothing but the line is known. */
MUST_USE bool sourcemap_cache_line(struct sourcemap_cache *c, struct str url, u32 line,
                                   struct sourcemap_place *out);

/* The text of a source that the map of `url` has in itself ("sourcesContent"); `source` is as it
 * was found. False: it is not there. *out is valid until the next call. */
MUST_USE bool sourcemap_cache_content(struct sourcemap_cache *c, struct str url, struct str source,
                                      struct str *out);
