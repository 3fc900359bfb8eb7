/* profile/v8log.h -- what `node --prof` writes (isolate-0x…-v8.log, v8.log), as a profile
 *
 * V8's log (src/logging/log.cc; read by tools/tickprocessor.mjs, which is `node --prof-process`):
 * lines of code that came, moved and went, and ticks with the addresses on the stack. One pass;
 * each tick is a hit. A function is one, however often it was compiled and by which tier; handlers
 * of bytecodes count for the function that they interpret. Builtins, regular expressions and code
 * of libraries ("libc.so.6", not each of its functions) are functions without a file, as are those
 * that V8's profiler names in a .cpuprofile: ticks in a collection are "(garbage collector)", those
 * nowhere "(program)". V8 logs no tick while it waits: gaps are "(idle)", in ticks.
 *
 * Where --prof-process asks libraries first, here V8's own code goes first: Node 18's builtins,
 * which are inside of the program, have their names.
 */
#pragma once

#include "profile/profile.h"

bool v8log_is(struct str bytes);
/* As profile_read. A line that makes no sense is left out; a log without a tick is refused. */
MUST_USE int v8log_read(struct profile *out, struct str bytes, struct problem *p);
