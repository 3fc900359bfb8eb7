/* http/rules.h -- what a head's parts mean, and which may stand together (inside http/ only)
 *
 * The parser cuts the bytes; these judge each part once it is whole. They
 * return NULL, or say what is wrong: then p->error.status and .text are set.
 */
#pragma once

#include "http/head.h"

enum rules_option {
    RULES_CLOSE = BIT(0),
    RULES_KEEP_ALIVE = BIT(1),
    RULES_UPGRADE = BIT(2),
    RULES_NAMED = BIT(3) /* a field that has to be looked for at the end */
};

/* Sets p->error and returns false, to end a check. */
bool rules_fail(struct http_parser *p, u32 status, const char *text);

/* The request line is complete: fills in path, and authority where the target has one. */
MUST_USE bool rules_target(struct http_parser *p, const char *bytes);
/* A field is complete but for its id and drop. */
MUST_USE bool rules_field(struct http_parser *p, const char *bytes, struct http_field *f);
/* All fields are there. */
MUST_USE bool rules_head(struct http_parser *p, const char *bytes);
