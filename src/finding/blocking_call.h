/* finding/blocking_call.h -- the functions that block until they are done, by their names
 *
 * As they stand in lines of JavaScript (finding/sourceline.h): "readFileSync", "JSON.parse".
 */
#pragma once

#include "finding/finding.h"

/* What is called by that name blocks; FINDING_NONE: not that we know. `instead`: the call that does
 * not block, a literal; NULL: the kind's advice is as good. */
enum finding_kind blocking_call_kind(struct str name, const char **instead);
/* Whether `name` has words of its own to use instead. */
bool blocking_call_known(struct str name);

/* Whether the method of that name runs a regular expression. */
bool blocking_call_is_regexp(struct str name);

/* The last call of something that blocks before column `until` (from 0), but require: its name, a
 * view of the line. */
enum finding_kind blocking_call_last(struct str line, size_t until, struct str *name,
                                     const char **instead);
