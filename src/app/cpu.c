/* app/cpu.c -- `fettle cpu COMMAND`: its sub-commands, in one table */
#include "app/command.h"
#include "app/cpu_options.h"
#include "app/inspect_options.h"

/* clang-format off */
const struct command cpu_commands[] = {
{ "cpu record", "[FLAGS] TARGET", "record the CPU profile of a running Node",
  "TARGET is a worker of an app that fettle runs (shop/2), or all of its workers (shop: a file each), the pid of any Node from 16 on, however it was started, or host:port of an open inspector.\n"
  "V8 looks at the JavaScript stack every five milliseconds (--interval), which takes 2 % of a busy loop's time, and writes down what runs; the process stays in traffic. The file is what Chrome DevTools, VS Code and speedscope open. Ctrl-C ends it earlier, with what there is. The inspector is opened and closed as by fettle heap snapshot; a loop that JavaScript blocks is recorded, too.",
  .flags = &cpu_record_flags, .takes_app = true, .run = cpu_record_command },
{ "cpu report", "[FLAGS] FILE", "where the time went: functions, lines, packages",
  "FILE is a .cpuprofile of fettle cpu record, node --cpu-prof, Chrome DevTools or v8-profiler, a trace of DevTools' Performance panel or of node --trace-event-categories v8.cpu_profiler,disabled-by-default-v8.cpu_profiler, or a log of node --prof (isolate-0x…-v8.log); it may be compressed (gzip, zstd), and - is the standard input.\n"
  "Self is the time in a function itself, total with what it calls, each sample once however often the function is on the stack. A sample is worth the profile's time divided by all samples, as in Chrome DevTools; shares are of the time that was not idle.",
  .flags = &cpu_report_flags, .takes_files = true, .run = cpu_report_command },
{ "cpu flame", "[FLAGS] FILE", "a flame graph: one file, to be searched and zoomed into",
  "FILE is what fettle cpu report reads, or a profile of allocations. -o NAME.html is a page that needs no network, NAME.svg a picture that is readable without its script, and NAME.speedscope.json what https://www.speedscope.app opens.\n"
  "Width is time, below a function is what it called, the largest first; colours tell the app from packages, Node, native code and garbage collection. Idle time is left out; the page can show it. Of a large profile the smallest calls are left out, which is said in the graph.",
  .flags = &cpu_flame_flags, .takes_files = true, .run = cpu_flame_command },
{ "cpu diff", "[FLAGS] BEFORE AFTER", "what became slower or faster, and not by chance",
  "BEFORE and AFTER are profiles as for fettle cpu report; several runs of one side have commas between them: a1.cpuprofile,a2.cpuprofile. Functions are matched by name and file, so that lines may have moved, and compared by self time, which parts the whole.\n"
  "Samples are counts: what is reported has a likelihood-ratio test behind it, for as many functions as there are (Benjamini and Hochberg, 5 %). How much runs scatter is taken from the runs of a side; of single runs it is taken to be 3 % (--noise), so that several runs see smaller changes.\n"
  "--per run compares milliseconds, for the same work on both sides; second compares the milliseconds of CPU in each second, for the same load; busy compares shares of the busy time. auto is run where all profiles saw their program start (node --cpu-prof, --prof), else second.\n"
  "With --max-regression 10%, the exit code is 1 when a function, or all of them together, became slower by more than that, significantly.",
  .flags = &cpu_diff_flags, .takes_files = true, .run = cpu_diff_command },
{ "cpu scale", "[FLAGS] FILE…", "which functions grow faster than the work",
  "FILEs are profiles of one program that did the same work at growing sizes, each from its start to its end: run-1000.cpuprofile, run-2000.cpuprofile, run-4000.cpuprofile. Several files of one size are several runs. The size is the number in which the names differ, or what --sizes says.\n"
  "The self time of each function is fitted as a power of the size, by its samples: exponent 1 is linear, 2 is n². With three sizes and more, a 95 % interval says how sure that is, and a function is said to grow faster than linearly when all of it is above 1. What would take most at the next size stands first. Functions of too few samples are counted, and not guessed at.",
  .flags = &cpu_scale_flags, .takes_files = true, .run = cpu_scale_command },
{ .name = NULL },
};
/* clang-format on */
