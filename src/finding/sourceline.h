/* finding/sourceline.h -- what lines of JavaScript tell of calls, without a parser
 *
 * For the few lines around a place of which V8 has said line and column. It knows no strings,
 * comments or regular expressions: what it says is likely, and no more. Pure. Columns count from 0.
 */
#pragma once

#include "base/str.h"

bool sourceline_is_word(char c);

/* The name that stands at `at`, with "JSON." or "Atomics." before it, when a ( follows. */
struct str sourceline_call(struct str line, size_t at);
/* What stands in the parentheses behind the name at `at`, until a function begins there. */
struct str sourceline_arguments(struct str line, size_t at);
/* The last call of what is no keyword and no trifle (push, String), and that is over before
 * `until`, when that lies in the line: its name. */
struct str sourceline_last_call(struct str line, size_t until);
/* `name` is passed to `call`, ".then(". */
bool sourceline_passes(struct str line, struct str call, struct str name);

/* What stands above is another function's. */
bool sourceline_begins_function(struct str line);
bool sourceline_ends_function(struct str line);
/* A function begins at `at`, as V8 has it: at the ( of its parameters. */
bool sourceline_is_entry(struct str line, size_t at);

bool sourceline_is_loop(struct str line);
/* The loop that lines[0] begins: something is called in it; lines[at] belongs to it, and it waits
 * with await, but not for a turn of the loop that it asks for itself. */
bool sourceline_loop_calls(const struct str *lines, int count);
bool sourceline_loop_awaits(const struct str *lines, int count, int at);
