/* sourcemap/mappings.h -- which place of a source each place of a generated file comes from
 *
 * The field "mappings" of a source map (ECMA-426 section 9.2): groups of base64 VLQ numbers,
 * decoded into one sorted array of 20 bytes each, with an index of lines. Lines and columns count
 * from 0, columns in UTF-16 units, as JavaScript counts them.
 */
#pragma once

#include "base/problem.h"

#define MAPPINGS_NONE UINT32_MAX
enum { MAPPINGS_LINES_MAX = 1 << 24 };

/* From `column` of its line on, up to the next one. */
struct mapping {
    u32 column;
    u32 source; /* MAPPINGS_NONE: what begins here comes from nowhere */
    u32 source_line, source_column;
    u32 name; /* MAPPINGS_NONE: it has none */
};

struct mappings {
    struct mapping *mapping;
    u32 *line_begin; /* [lines]: its first mapping */
    u32 count, lines;
    u32 count_max; /* more are a mistake; 0: there is no limit */
    /* private */
    u32 cap, line_cap;
};

/* Where a part of the file begins and ends that has a map of its own, and what its numbers refer
 * to: sources [source_base, source_base + sources) and so on. A number beyond is no place. */
struct mappings_part {
    u32 line, column;
    u32 stop_line, stop_column; /* UINT32_MAX: it goes to the end */
    u32 source_base, sources, name_base, names;
};

/* Adds a part, which begins where the last one ends or later. 0; -EINVAL with *p; -ENOMEM. */
MUST_USE int mappings_add(struct mappings *m, struct str vlq, const struct mappings_part *part,
                          struct problem *p);
void mappings_done(struct mappings *m);

/* The last mapping at or before a column of a line (of several at the same column the first);
 * NULL: there is none. */
const struct mapping *mappings_find(const struct mappings *m, u32 line, u32 column);
/* The first one of a line that has a source; NULL: none has. */
const struct mapping *mappings_line_first(const struct mappings *m, u32 line);
