/* sourcemap/stackmap.h -- a stack of what runs becomes one of what was written
 *
 * The text is as finding/stacktext.h reads it. Frames of scripts that have a source map get the
 * file, line, column and function of their sources; all others stay as they are.
 */
#pragma once

#include "finding/stacktext.h"
#include "sourcemap/sourcemap_cache.h"

/* Where a frame comes from; line and column from 0. False: from its script. *out is valid until
 * the next call. */
MUST_USE bool stackmap_frame(struct sourcemap_cache *c, const struct stacktext_frame *f,
                             struct sourcemap_place *out);

/* Adds the lines of `text` to `out`. False: none of them has changed. */
MUST_USE bool stackmap_text(struct sourcemap_cache *c, struct str text, struct buf *out);
