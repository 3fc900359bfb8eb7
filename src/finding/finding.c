/* finding/finding.c -- the words of what can be wrong */
#include "finding/finding.h"

/* clang-format off */
static const struct {
    struct str word, title, advice;
} kinds[FINDING_KINDS] = {
[FINDING_NONE] = { STR(""), STR(""), STR("") },
[FINDING_SYNC_IO] = { STR("blocked-loop/sync-io"),
    STR("synchronous file access"),
    STR("Use the function of the same name in node:fs/promises, and await it.") },
[FINDING_CHILD_PROCESS] = { STR("blocked-loop/child-process"),
    STR("waiting for a child process"),
    STR("Use spawn() or execFile() of node:child_process, which do not wait.") },
[FINDING_SYNC_CRYPTO] = { STR("blocked-loop/sync-crypto"),
    STR("synchronous cryptography"),
    STR("Use the function with a callback (or util.promisify of it): it runs on the thread pool.") },
[FINDING_SYNC_ZLIB] = { STR("blocked-loop/sync-zlib"),
    STR("synchronous compression"),
    STR("Use the function with a callback or a stream of node:zlib: it runs on the thread pool.") },
[FINDING_SYNC_DATABASE] = { STR("blocked-loop/sync-database"),
    STR("a synchronous database call"),
    STR("Make the statement cheaper (an index, a LIMIT), or run it in a worker thread.") },
[FINDING_MODULE_LOAD] = { STR("blocked-loop/module-load"),
    STR("loading a module while requests are served"),
    STR("Load it when the app starts, at the top of the file.") },
[FINDING_WAIT] = { STR("blocked-loop/wait"),
    STR("Atomics.wait on the main thread"),
    STR("Use Atomics.waitAsync, or wait in a worker thread.") },
[FINDING_JSON] = { STR("blocked-loop/json"),
    STR("JSON of a large value"),
    STR("Send or read it in pieces (a stream), keep the text that was made before, or do it in a worker thread.") },
[FINDING_REGEXP] = { STR("blocked-loop/regexp"),
    STR("a regular expression that backtracks"),
    STR("Rewrite it without nested or adjoining repetitions, and limit the length of what it is given.") },
[FINDING_JAVASCRIPT] = { STR("blocked-loop/javascript"),
    STR("a long computation in JavaScript"),
    STR("Do it in pieces with setImmediate() between them, or in a worker thread.") },
[FINDING_MICROTASKS] = { STR("blocked-loop/microtasks"),
    STR("promises or nextTick callbacks that follow one another without an end"),
    STR("Let the loop turn now and then: await setImmediate() of node:timers/promises.") },
[FINDING_TIMERS] = { STR("blocked-loop/timers"),
    STR("many timers that are due at once"),
    STR("Use one timer for all of them, or spread them.") },
[FINDING_GC] = { STR("blocked-loop/gc"),
    STR("garbage collection"),
    STR("See what allocates so much with `fettle heap record`, and what is kept with `fettle heap leaks`.") },
[FINDING_NATIVE] = { STR("blocked-loop/native"),
    STR("a native function that runs long"),
    STR("Look for an asynchronous form of it, or call it in a worker thread.") },
[FINDING_UNKNOWN] = { STR("blocked-loop/unknown"),
    STR("something that gave no stack"),
    STR("Record where the time goes with `fettle cpu record`.") },
[FINDING_N_PLUS_ONE] = { STR("n-plus-one"),
    STR("the same statement again and again in one request"),
    STR("Ask for all of them with one statement (IN, JOIN).") },
[FINDING_SEQUENTIAL_AWAITS] = { STR("sequential-awaits"),
    STR("calls that wait for one another and need not"),
    STR("Start them together: await Promise.all([…]).") },
[FINDING_SLOW_STATEMENT] = { STR("slow-statement"),
    STR("a statement that takes long"),
    STR("See what its time goes to with `fettle sql explain`.") },
[FINDING_SOCKET_LEAK] = { STR("handle-leak/socket"),
    STR("sockets that are opened and never closed"),
    STR("Close it on every way out (destroy() after an error too, and read answers to their end), or use a pool.") },
[FINDING_TIMER_LEAK] = { STR("handle-leak/timer"),
    STR("timers that are started and never cleared"),
    STR("Call clearInterval() or clearTimeout() when what they were started for is over.") },
[FINDING_FD_LEAK] = { STR("handle-leak/fd"),
    STR("files that are opened and never closed"),
    STR("Close it in a finally block; give streams to pipeline(), which ends them after an error too.") },
[FINDING_CHILD_LEAK] = { STR("handle-leak/child-process"),
    STR("child processes that are started and do not end"),
    STR("Give them a timeout or a signal to abort them, and end their input.") },
};
/* clang-format on */

struct str finding_word(enum finding_kind kind)
{
    return (u32)kind < FINDING_KINDS ? kinds[kind].word : STR("");
}

struct str finding_title(enum finding_kind kind)
{
    return (u32)kind < FINDING_KINDS ? kinds[kind].title : STR("");
}

struct str finding_advice(enum finding_kind kind)
{
    return (u32)kind < FINDING_KINDS ? kinds[kind].advice : STR("");
}

bool finding_is_block(enum finding_kind kind)
{
    return kind >= FINDING_SYNC_IO && kind <= FINDING_UNKNOWN;
}

bool finding_is_sum(enum finding_kind kind)
{
    return kind == FINDING_SLOW_STATEMENT;
}
