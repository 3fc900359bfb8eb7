/* sourcemap/whereabouts.h -- where scripts, their maps and the sources in them are
 *
 * URLs and paths, as source maps and V8 write them, resolved against each other (RFC 3986, as far
 * as names of files go). What is in a file system is a plain path in the end; what is not
 * ("webpack://…") stays a URL.
 */
#pragma once

#include "base/buf.h"

/* The path of a script in the file system, of file:///a%20b.js or /a b.js, to `out`. False: it is
 * in none (node:fs, evalmachine.<anonymous>, https://…). */
MUST_USE bool whereabouts_path(struct str url, struct buf *out);

/* What `ref` means in the folder `base` ("" or with its slash: /app/dist/, webpack://shop/), added
 * to `out` without "." and "..". */
void whereabouts_resolve(struct str ref, struct str base, struct buf *out);

/* A path's or a URL's folder, with its slash; empty: it has none. */
struct str whereabouts_folder(struct str path);

/* The bytes of a data: URL (RFC 2397, base64 or not). False: it is none that is well-formed. */
MUST_USE bool whereabouts_data(struct str url, struct buf *out);
