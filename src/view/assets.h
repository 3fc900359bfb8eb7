/* view/assets.h -- the files of web/, which are in the program itself
 *
 * Plain HTML, CSS and JavaScript modules, as they stand in web/: nothing is fetched, nothing is
 * built.
 */
#pragma once

#include "base/str.h"

struct asset {
    const char *name; /* "heap.html" */
    const char *content_type;
    const char *begin, *end;
};

/* NULL: there is no such file. */
const struct asset *assets_find(struct str name);

static inline struct str assets_text(const struct asset *a)
{
    return str_make(a->begin, (size_t)(a->end - a->begin));
}
