/* sourcemap/generated.h -- the text of a script that a tool has written
 *
 * It says in its last lines where its source map is, and what a function of it is called.
 */
#pragma once

#include "base/str.h"

/* All zero but `text` at first. */
struct generated {
    struct str text;
    /* private: the place that was asked for last; later ones are found from there */
    u32 line, column;
    size_t at;
};

/* What follows the last «//# sourceMappingURL=»; empty: there is none. */
struct str generated_map_url(struct str text);

/* In which column of its line the name of a function stands, of which V8 says that it is called
 * `name` and begins at line:column (the bracket of its parameters, or an arrow function's
 * parameters): function NAME(…), NAME = (…) =>, NAME: function(…), NAME(…) {. False: not in this
 * line. Quick for places in rising order. */
MUST_USE bool generated_name_column(struct generated *g, u32 line, u32 column, struct str name,
                                    u32 *out);

/* Where the name of the function stands, of which V8 says that it is called `name` and that it runs
 * at line:column: the nearest one before it that is declared so and has not ended there. False:
 * there is none near. */
MUST_USE bool generated_enclosing(struct generated *g, u32 line, u32 column, struct str name,
                                  u32 *name_line, u32 *name_column);
