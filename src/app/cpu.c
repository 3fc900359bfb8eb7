/* app/cpu.c -- `fettle cpu COMMAND`: its sub-commands, in one table */
#include "app/command.h"
#include "app/cpu_options.h"
#include "app/inspect_options.h"

/* clang-format off */
const struct command cpu_commands[] = {
{ "cpu record", "[FLAGS] TARGET", "record the CPU profile of a running Node",
  "TARGET is a worker of an app that fettle runs (shop/2), or all of its workers (shop: a file each), the pid of any Node from 16 on, however it was started, or host:port of an open inspector.\n"
  "V8 looks at the JavaScript stack every millisecond (--interval) and writes down what runs; the process stays in traffic. The file is what Chrome DevTools, VS Code and speedscope open. Ctrl-C ends it earlier, with what there is. The inspector is opened and closed as by fettle heap snapshot; a loop that JavaScript blocks is recorded, too.",
  .flags = &cpu_record_flags, .takes_app = true, .run = cpu_record_command },
{ "cpu report", "[FLAGS] FILE", "where the time went: functions, lines, packages",
  "FILE is a .cpuprofile of fettle cpu record, node --cpu-prof, Chrome DevTools or v8-profiler; it may be compressed (gzip, zstd), and - is the standard input.\n"
  "Self is the time in a function itself, total with what it calls, each sample once however often the function is on the stack. A sample is worth the profile's time divided by all samples, as in Chrome DevTools; shares are of the time that was not idle.",
  .flags = &cpu_report_flags, .takes_files = true, .run = cpu_report_command },
{ "cpu flame", "[FLAGS] FILE", "a flame graph: one file, to be searched and zoomed into",
  "FILE is what fettle cpu report reads, or a profile of allocations. -o NAME.html is a page that needs no network, NAME.svg a picture that is readable without its script, and NAME.speedscope.json what https://www.speedscope.app opens.\n"
  "Width is time, below a function is what it called, the largest first; colours tell the app from packages, Node, native code and garbage collection. Idle time is left out; the page can show it. Of a large profile the smallest calls are left out, which is said in the graph.",
  .flags = &cpu_flame_flags, .takes_files = true, .run = cpu_flame_command },
{ .name = NULL },
};
/* clang-format on */
