/* conf/override.h -- settings that hold at one place only: a listener, or a route
 *
 * In the settings the overrides of a place are one text, so that they reach the proxy in a flag:
 *
 *   max-body:12=1G slow:13=10s
 *
 * the name, the line of the file on which it stands (0: unknown), and the value as settings_set
 * reads it, in which blanks, %, ; and all that is not printable ASCII are written as %41.
 */
#pragma once

#include "conf/settings.h"

struct override {
    const struct settings_row *row;
    u32 line;
    struct str value; /* still encoded: a view */
};

/* Any text as a word of such a list, and back. False: it cannot have been encoded. */
void override_encode(struct str text, struct buf *out);
MUST_USE bool override_decode(struct str word, struct buf *out);

/* Adds one to a list, with a blank before it. */
void override_add(struct buf *out, const struct settings_row *row, u32 line, struct str value);
/* Takes the first off the list. False: the list is at its end, and empty now; or what comes next is
 * no override, and stays. */
MUST_USE bool override_next(struct str *list, struct override *out);
/* The one of this row. False: it is not in the list. */
MUST_USE bool override_find(struct str list, const struct settings_row *row, struct override *out);

/* Where a list stands, for messages and origins. */
struct override_from {
    enum settings_source source;
    struct str file;  /* empty: unknown */
    struct str place; /* "routes.:8080[1]": what stands before the names of the settings */
};

/* Sets all of them. A value from a stronger source stays. -EINVAL with *p, -ENOMEM. */
MUST_USE int override_apply(struct settings *s, struct str list, const struct override_from *from,
                            struct problem *p);
