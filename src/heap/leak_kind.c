/* heap/leak_kind.c -- the kinds of leaks that servers have, in one table */
#include "heap/leak_kind.h"

const struct leak_kind_text leak_kinds[LEAK_KINDS] = {
    [LEAK_MAP] = { "map", "a Map without a bound",
                   "Delete entries when they are done with, or bound the Map: an LRU with a "
                   "largest size, a time to live. Where the key is an object, a WeakMap lets go of "
                   "it by itself." },
    [LEAK_SET] = { "set", "a Set without a bound",
                   "Delete members when they are done with, or bound the Set. Where members are "
                   "objects, a WeakSet lets go of them by itself." },
    [LEAK_ARRAY] = { "array", "an array that only gets longer",
                     "Write out what it collects and empty it, or keep the last ones only: a ring "
                     "of a fixed size." },
    [LEAK_OBJECT] = { "object", "an object that gets more and more properties",
                      "Use a Map with a bound (an LRU, a time to live) for what is looked up by "
                      "key, and delete what is done with." },
    [LEAK_LISTENER] = { "listener", "listeners that are never removed",
                        "Remove each listener when its request or connection ends "
                        "(emitter.off, removeEventListener, { signal }), use once() for what "
                        "comes once, or listen one time outside of the handler." },
    [LEAK_CLOSURE] = { "closure", "functions that keep their variables",
                       "Let the function use only what it needs (copy the field out of the large "
                       "object first), and drop the function when it has run; one that keeps the "
                       "one before it keeps them all." },
    [LEAK_TIMER] = { "timer", "timers that are never cleared",
                     "Keep what setInterval or setTimeout returns and clear it when the work ends; "
                     "unref() lets the process end, and does not let go of the callback." },
    [LEAK_PROMISE] = { "promise", "promises that never settle",
                       "Settle each of them: with a time-out, or by rejecting it when the request "
                       "ends. Do not race with a promise that lives as long as the process: each "
                       "race leaves a reaction on it." },
    [LEAK_SOCKET] = { "socket", "connections that are kept",
                      "Forget a connection on its 'close' event, and end those that nobody uses "
                      "(a time-out, a heartbeat for WebSockets)." },
    [LEAK_REQUEST] = { "request", "requests and responses that are kept",
                       "Keep the values that are needed (URL, id, time), not the request or "
                       "response, which holds its socket, headers and body." },
    [LEAK_STREAM] = { "stream", "streams that nobody reads to the end",
                      "Read each response or destroy it: response.resume() when only its head is "
                      "wanted, destroy() on errors, stream.pipeline instead of pipe()." },
    [LEAK_BUFFER] = { "buffer", "Buffers: memory outside of the JavaScript heap",
                      "Let go of them when they are sent, bound the cache by its bytes, and copy a "
                      "small part out of a large one (Buffer.from(part)): subarray() is a view "
                      "that "
                      "holds all of it." },
    [LEAK_ASYNC_CONTEXT] = { "async-context", "asynchronous contexts that are kept",
                             "What outlives a request (a queue, a pool, a hook) must not be made "
                             "inside of AsyncLocalStorage.run(): make it at the start, or wrap it "
                             "in asyncLocalStorage.exit(); keep little in the store." },
    [LEAK_ASYNC_HOOK] = { "async-hook", "what an async hook notes of each resource",
                          "Delete the note in destroy() (and in promiseResolve() for promises), or "
                          "use AsyncLocalStorage, which does that by itself." },
    [LEAK_TREE] = { "tree", "trees of which one node is kept",
                    "A node holds its whole tree through its parent. Keep the node's values, or "
                    "its key; take it out of the tree and clear its parent; or use a WeakMap." },
    [LEAK_STRING] = { "string", "strings that hold longer ones",
                      "A slice keeps the text that it is cut from, and a text that is put together "
                      "keeps its parts: copy what is kept (Buffer.from(s).toString()), and bound "
                      "what is appended to." },
    [LEAK_MODULE] = { "module", "modules that are loaded again and again",
                      "Load a module once. To read a file anew use fs and JSON.parse; deleting "
                      "from "
                      "require.cache leaves the module in its parent's children, and import() with "
                      "a new query keeps every version." },
    [LEAK_CODE] = { "code", "code that is compiled again and again",
                    "Compile once for each template, not for each request: no new Function, "
                    "vm.Script or template compiler on texts that differ every time." },
    [LEAK_REGEXP] = { "regexp", "regular expressions that are kept",
                      "Bound the cache of expressions, or compile them when they are needed: an "
                      "expression costs a few hundred bytes, its machine code some thousand." },
};
