/* heap/duplicates.h -- strings that are in memory more than once
 *
 * DevTools' rules (HeapSnapshot.ts, createDuplicatedStringsFilter, getDuplicateStrings): strings
 * and concatenated ones with a size, by their texts; a concatenated one that V8 has flattened is
 * not counted beside its own content. Where V8 says that a text is cut off, the length and the hash
 * of the whole have to be equal too.
 */
#pragma once

#include "heap/string_texts.h"

struct duplicates {
    /* Strings that are equal stand together, in the order of nodes. */
    struct duplicate {
        struct string_print print; /* of the text, and where it is cut off of what is said of it */
        u32 node;
        u32 group; /* from 0 */
    } * member;
    u32 count, groups;
};

/* -ENOMEM, -EIO. The owner calls duplicates_done in any case. */
MUST_USE int duplicates_find(struct duplicates *d, const struct analysis *a,
                             struct string_texts *texts);
void duplicates_done(struct duplicates *d);
