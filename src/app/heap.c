/* app/heap.c -- `fettle heap COMMAND`: its sub-commands, in one table */
#include "app/command.h"
#include "app/cpu_options.h"
#include "app/heap_options.h"
#include "app/inspect_options.h"
#include "app/leaks_options.h"

/* clang-format off */
const struct command heap_commands[] = {
{ "heap summary", "[FLAGS] FILE", "classes of objects and what they hold, as Chrome DevTools counts",
  "FILE is a .heapsnapshot of Node 16 to 26 or of Chrome; it may be compressed (gzip, zstd), and - is the standard input.\n"
  "Shallow is the size of the objects themselves with their insides; retained is what would be freed with them. Sizes, classes and counts are those of the Summary and the Statistics in Chrome DevTools' Memory panel.",
  .flags = &heap_summary_flags, .takes_files = true, .run = heap_summary_command },
{ "heap leaks", "[FLAGS] A B C | FILE | TARGET", "name what leaks, and the line to blame",
  "A, B and C are snapshots of one process: after it has warmed up, after some use, and after as much use again. What grew in both steps and is still there is a suspect; what is full, has warmed up or comes and goes is none. TARGET is a running Node (as with heap snapshot) that is watched: three snapshots, --interval apart, while it is used. One FILE shows what is there in large numbers and has the shape of a leak: a suspicion.\n"
  "For each suspect: its kind, what holds it as the app's code calls it, the line, how many there were in each snapshot and what they retain, the path from the root, and what usually mends it. The line is that of the function that was left behind (listener, timer), or of the statement that adds to the collection, if the source file is still where it was.\n"
  "doc/heap.md lists the kinds and tells how the verdict is made.",
  .flags = &heap_leaks_flags, .takes_app = true, .takes_files = true, .run = heap_leaks_command },
{ "heap biggest", "[FLAGS] FILE", "the tree of what holds the memory, the largest first",
  "Each object stands below the one that holds it: its dominator, without which it would be freed. Many siblings of one class are one line.",
  .flags = &heap_biggest_flags, .takes_files = true, .run = heap_biggest_command },
{ "heap show", "[FLAGS] FILE @ID", "one object: its sizes, its fields, what refers to it", NULL,
  .flags = &heap_show_flags, .takes_files = true, .run = heap_show_command },
{ "heap path", "[FLAGS] FILE @ID", "why an object is still there: the shortest paths that hold it",
  "From a root down to the object, with the names of variables, properties and functions, and the lines where they are declared. Weak references hold nothing and are left out.",
  .flags = &heap_path_flags, .takes_files = true, .run = heap_path_command },
{ "heap diff", "[FLAGS] BEFORE AFTER", "what came and what went between two snapshots, and where",
  "Both are snapshots of one process, the older one first: V8 gives an object one number for its life, so that new and gone are meant literally. By class it is the Comparison of Chrome DevTools' Memory panel.\n"
  "The second table has what came and went by the object that holds it: the nearest one that is in both and without which it would be freed.",
  .flags = &heap_diff_flags, .takes_files = true, .run = heap_diff_command },
{ "heap query", "[FLAGS] FILE [QUERY]", "the objects that fit a description",
  "QUERY is conditions with blanks between, all of which have to hold. class, type, name and text take = and !=, with * for anything, ? for one character and | between alternatives; a value in quotes is taken literally. shallow, retained (1M, 2%), distance, edges and id take = != > >= < <=. ! before a condition is its opposite, and @12345 the object with this id.\n"
  "Kinds of objects: duplicated-strings, empty-collections, oversized-arrays, detached, and what would be free without them: retained-by-contexts, retained-by-detached, retained-by-console, retained-by-event-handlers.\n"
  "Objects without a size, whose bytes are counted with others, are left out, unless id or shallow is asked for.",
  .flags = &heap_query_flags, .takes_files = true, .run = heap_query_command },
{ "heap check", "[FLAGS] FILE...", "for CI: does a heap keep to its budgets",
  "Each FILE has to keep to the limits of sizes and counts; a limit of growth is from the first to the last one. Classes are named as in the summary, with * for anything, ? for one character and | between alternatives.\n"
  "The exit code is 0 when all limits are kept, 1 when one is not, and 2 when something is wrong with what was asked or with a file.",
  .flags = &heap_check_flags, .takes_files = true, .run = heap_check_command },
{ "heap view", "[FLAGS] FILE [FILE2]", "the same in the browser: a map of the memory, classes, objects and what holds them",
  "FILE2 is a later snapshot of the same process: both can be looked at, and compared.\n"
  "The page is served on 127.0.0.1 only, to programs of the same user that know its address, which is random, until Ctrl-C. It needs no network, and nothing leaves the machine.",
  .flags = &heap_view_flags, .takes_files = true, .run = heap_view_command },
{ "heap snapshot", "[FLAGS] TARGET", "take a heap snapshot of a running Node",
  "TARGET is a worker of an app that fettle runs (shop/2; shop: the one with the largest heap), the pid of any Node from 16 on, however it was started, or host:port of an open inspector.\n"
  "Node's inspector is opened for it by SIGUSR1, on 127.0.0.1 and behind an unguessable path, and closed again after it unless it was open before: also on Ctrl-C, and when something fails. The snapshot is written as it comes, in whole or not at all: FILE is there when it is complete. A name that ends in .gz is compressed; - is the standard output.\n"
  "While V8 takes a snapshot the process does nothing else, from 0.1 to 0.4 seconds for each MB of its heap, and needs 5 to 14 times the heap's memory besides. So a worker of fettle's gets no new requests meanwhile, and its own are waited for. Where memory or disk would not do, nothing is begun without --force.",
  .flags = &heap_snapshot_flags, .takes_app = true, .run = heap_snapshot_command },
{ "heap record", "[FLAGS] TARGET", "record which lines allocate what stays, on a running Node",
  "TARGET is a worker of an app that fettle runs (shop/2), or all of its workers (shop: a file each), the pid of any Node from 16 on, however it was started, or host:port of an open inspector.\n"
  "V8 notes the stack of one allocation in every 32 KB (--interval); what is freed by the end is left out, unless --garbage is given. The process stays in traffic, and nothing stops meanwhile. The file (.heapprofile) is what Chrome DevTools opens. Ctrl-C ends it earlier, with what there is. The inspector is opened and closed as by fettle heap snapshot.",
  .flags = &heap_record_flags, .takes_app = true, .run = heap_record_command },
{ "heap report", "[FLAGS] FILE", "which functions allocated what stays",
  "FILE is a .heapprofile of fettle heap record, node --heap-prof or Chrome DevTools; it may be compressed (gzip, zstd), and - is the standard input.\n"
  "Self is what was allocated in a function itself, total with what it called; sizes are V8's estimates from what it sampled.",
  .flags = &heap_report_flags, .takes_files = true, .run = heap_report_command },
{ "heap flame", "[FLAGS] FILE", "a flame graph of what was allocated, and stays",
  "FILE is a .heapprofile of fettle heap record, node --heap-prof or Chrome DevTools; it may be compressed (gzip, zstd), and - is the standard input. Width is bytes; else as fettle cpu flame.",
  .flags = &heap_flame_flags, .takes_files = true, .run = heap_flame_command },
{ .name = NULL },
};
/* clang-format on */
