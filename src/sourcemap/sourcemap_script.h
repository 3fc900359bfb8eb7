/* sourcemap/sourcemap_script.h -- one script and its map, found in the file system
 *
 * What sourcemap_cache.h keeps of each script. Whatever a file is, reading it waits for nobody, and
 * what it takes is bounded.
 */
#pragma once

#include "sourcemap/generated.h"
#include "sourcemap/sourcemap_cache.h"

/* What tells a file from the one that has taken its place. */
struct sourcemap_stamp {
    u64 inode, bytes;
    i64 modified_s, modified_ns;
};

struct sourcemap_script {
    char *url;
    size_t url_len;
    u64 asked;        /* when, counted in questions */
    struct buf bytes; /* of the script; empty, when it has no map */
    struct generated text;
    struct sourcemap *map; /* NULL: it has none */
    u64 memory;
    /* private */
    struct sourcemap_stamp stamp, map_stamp;
    struct buf map_path;            /* with its NUL; empty: the map is in the script */
    struct buf content_of, content; /* the source that was asked for last, and its text */
};

/* NULL: out of memory. What is wrong with its map is counted in the cache. */
struct sourcemap_script *sourcemap_script_load(struct sourcemap_cache *c, struct str url);
void sourcemap_script_free(struct sourcemap_script *s);

/* Whether the script or its map is another one by now. */
bool sourcemap_script_changed(const struct sourcemap_script *s);

/* The text of a source in "sourcesContent", valid until the next call. False: it is not there. */
MUST_USE bool sourcemap_script_content(struct sourcemap_cache *c, struct sourcemap_script *s,
                                       struct str source, struct str *out);
