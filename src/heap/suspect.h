/* heap/suspect.h -- one thing that seems to leak: what, where, of what kind, and whose line
 *
 * Takes what accumulates (heap/growth.h, heap/fanout.h) and looks at the objects: what the items
 * are made of, what holds them, what that is called in the app's code.
 */
#pragma once

#include "heap/facts.h"
#include "heap/growth.h"
#include "heap/leak_kind.h"
#include "heap/naming.h"
#include "heap/statement.h"

enum { SUSPECT_FILE_MAX = 512, SUSPECT_STEPS_MAX = 40 };

/* What line is named. */
enum suspect_line {
    SUSPECT_LINE_NONE,
    SUSPECT_LINE_FUNCTION, /* the function that was left behind: listener, callback */
    SUSPECT_LINE_SCOPE,    /* a function that can use the holder; a statement is better */
    SUSPECT_LINE_CLASS,    /* the class of the items */
    SUSPECT_LINE_STATEMENT,
};

struct suspect {
    enum leak_kind kind;
    enum growth_how how;
    bool guess; /* from one snapshot */
    char class[96];
    char holder[192]; /* "catalogue.cache", "ticker, event \"price\"" */
    char holder_class[64];
    char detail[192];                /* a sentence part, or empty: "showPrice keeps page" */
    u32 holder_node, item, function; /* nodes; BROWSE_NONE: none */
    u64 holder_id, item_id;
    u32 before, added[2]; /* items in the first snapshot, and more in each step */
    i64 growth_bytes;
    u64 retained_bytes[3]; /* by the holder, in each snapshot; of one snapshot: the last */

    char file[SUSPECT_FILE_MAX]; /* empty: not known */
    u32 line, column;            /* from 1; 0: not known */
    enum suspect_line line_is;
    /* What to look for in the text of `file`, or of every file of the app when it is empty. */
    bool wants_statement;
    enum statement_adds adds;
    char wanted[96];
    struct str source; /* the beginning of file's text; lives as long as the struct browse */

    u32 path[SUSPECT_STEPS_MAX]; /* edges from the root to the item */
    u32 path_count;
    bool path_cut; /* its beginning is left out */
};

/* Fills *out; false: it is no leak of an app's (Node's own growth). */
MUST_USE bool suspect_explain(struct browse *b, const struct growth_holder *h, struct suspect *out);

/* Names the line in `text`, the whole text of `file` (one of the app's, when the suspect has
 * none): a statement that adds, if there is one. True: found, s->file and s->line are set. */
bool suspect_locate(struct suspect *s, struct str file, struct str text, u32 *best_rank);

/* One step of the path as text: ".cache Map @31", "sessions (variable) Map @31". */
void suspect_step(struct browse *b, u32 edge, struct buf *out);
