/* app/heap.c -- `fettle heap COMMAND`: its sub-commands, in one table */
#include "app/command.h"
#include "app/inspect_options.h"

/* clang-format off */
const struct command heap_commands[] = {
{ "heap snapshot", "[FLAGS] TARGET", "take a heap snapshot of a running Node",
  "TARGET is a worker of an app that fettle runs (shop/2; shop: the one with the largest heap), the pid of any Node from 16 on, however it was started, or host:port of an open inspector.\n"
  "Node's inspector is opened for it by SIGUSR1, on 127.0.0.1 and behind an unguessable path, and closed again after it unless it was open before: also on Ctrl-C, and when something fails. The snapshot is written as it comes, in whole or not at all: FILE is there when it is complete. A name that ends in .gz is compressed; - is the standard output.\n"
  "While V8 takes a snapshot the process does nothing else, from 0.1 to 0.4 seconds for each MB of its heap, and needs 5 to 14 times the heap's memory besides. So a worker of fettle's gets no new requests meanwhile, and its own are waited for. Where memory or disk would not do, nothing is begun without --force.",
  .flags = &heap_snapshot_flags, .takes_app = true, .run = heap_snapshot_command },
{ .name = NULL },
};
/* clang-format on */
