/* heap/statement.h -- the line of a program that adds to a collection
 *
 * A snapshot has the places of functions, and none of variables or statements. Where the source is
 * at hand, its text is searched for the variable's name followed by what adds to its kind:
 * sessions.set(…), this.cache[key] = …, log += …. Comments and texts are skipped; it is no parser,
 * and needs none: what it finds is shown to people as it stands.
 */
#pragma once

#include "base/str.h"

enum statement_adds {
    STATEMENT_SET,     /* NAME.set(…) */
    STATEMENT_ADD,     /* NAME.add(…) */
    STATEMENT_PUSH,    /* NAME.push(…), NAME.unshift(…) */
    STATEMENT_ASSIGN,  /* NAME[key] = …, NAME.key = … */
    STATEMENT_APPEND,  /* NAME += …, NAME = … */
    STATEMENT_USE,     /* race([…, NAME]), NAME.then(…), await NAME, NAME.on(…) */
    STATEMENT_IMPORT,  /* import(… NAME …), require.cache */
    STATEMENT_REQUEST, /* http.get(…), fetch(…), createReadStream(…) */
};

struct statement {
    u32 line, column; /* from 1 */
    u32 rank;         /* 0: just what was looked for; more: something less sure */
    struct str text;  /* the line, without blanks at its ends; a view of the source */
};

/* The first statement of the best rank. False: the name does not occur, but for its declaration. */
MUST_USE bool statement_find(struct str source, enum statement_adds adds, struct str name,
                             struct statement *out);
/* Line number `line`, without blanks at its ends. */
struct str statement_line(struct str source, u32 line);
