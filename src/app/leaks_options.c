/* app/leaks_options.c -- what `fettle heap leaks` can be told */
#include "app/leaks_options.h"

#include "app/command.h"
#include "app/exit_code.h"

#define AT(field) offsetof(struct leaks_options, field)
#define HOUR_NS (3600 * NS_PER_S)

static const char *const group_title[] = { "Flags", "Flags for a TARGET" };

/* clang-format off */
static const struct settings_row rows[] = {
{ .name = "json", .type = SETTINGS_BOOL, .offset = AT(inspect.control.json), .default_text = "off",
  .help = "JSON instead of text" },
{ .name = "top", .type = SETTINGS_COUNT, .offset = AT(top), .default_text = "10", .most = 1000, .placeholder = "N",
  .help = "show so many suspects at most; 0: all" },
{ .name = "check", .type = SETTINGS_BOOL, .offset = AT(check), .default_text = "off",
  .help = "exit code 1 when there is a suspect" },
{ .name = "interval", .type = SETTINGS_DURATION, .group = 1, .offset = AT(interval_ns), .default_text = "30s",
  .least = NS_PER_MS, .most = 24 * HOUR_NS, .placeholder = "TIME",
  .help = "how long it is used between two snapshots" },
{ .name = "drain", .type = SETTINGS_DURATION, .group = 1, .flags = SETTINGS_ZERO_OFF, .offset = AT(inspect.drain_ns), .default_text = "30s",
  .least = NS_PER_MS, .most = HOUR_NS, .placeholder = "TIME",
  .help = "how long requests in a worker may take before a snapshot; off: it stays in traffic" },
{ .name = "wait-open", .type = SETTINGS_DURATION, .group = 1, .offset = AT(inspect.open_ns), .default_text = "10s",
  .least = NS_PER_MS, .most = HOUR_NS, .placeholder = "TIME",
  .help = "how long to wait until the inspector is open" },
{ .name = "timeout", .type = SETTINGS_DURATION, .group = 1, .offset = AT(inspect.control.timeout_ns), .default_text = "5m",
  .least = NS_PER_MS, .most = 24 * HOUR_NS, .placeholder = "TIME",
  .help = "how long nothing may come from it" },
{ .name = "force", .type = SETTINGS_BOOL, .group = 1, .offset = AT(inspect.force), .default_text = "off",
  .help = "also where memory or disk would not do, or it looks like no Node" },
{ .name = "pid", .type = SETTINGS_COUNT, .group = 1, .offset = AT(inspect.control.pid), .default_text = "0", .most = INT32_MAX, .placeholder = "PID",
  .help = "the fettle that is meant, where two run an app of the same name" },
{ .name = "runtime-dir", .type = SETTINGS_PATH, .group = 1, .offset = AT(inspect.control.runtime_dir), .default_text = "", .placeholder = "DIR",
  .help = "look here only, as for one that was started with this flag" },
};
/* clang-format on */

static const u32 row_count = ARRAY_LEN(rows);

const struct settings_table heap_leaks_flags = { .command = "heap leaks",
                                                 .rows = rows,
                                                 .count = &row_count,
                                                 .group_title = group_title,
                                                 .groups = ARRAY_LEN(group_title) };

static int operands_take(struct leaks_options *o, const struct settings_args *args, char **argv,
                         struct problem *p)
{
    if (args->operands != 1 && args->operands != LEAKS_OPERANDS_MAX)
        return problem_set(p,
                           "heap leaks takes three snapshots of one process (before, after some "
                           "use, after as much use again), one snapshot, or one TARGET to watch; "
                           "it was given %u",
                           args->operands);
    o->operands = args->operands;
    for (u32 i = 0; i < o->operands; i++)
        o->operand[i] = argv[args->operand[i]];
    return 0;
}

int leaks_options_read(struct leaks_options *o, int argc, char **argv)
{
    struct settings_values to = { o, &o->inspect.control.texts };
    struct settings_args args = { 0 };
    struct problem p = { .text = "out of memory" };
    int err = settings_table_init(&heap_leaks_flags, &to);

    if (!err)
        err = settings_table_read_args(&heap_leaks_flags, &to, argc, argv, 1, &args, &p);
    if (!err && args.help)
        return help_of(argv[0]) ? EXIT_APP : -1;
    if (!err)
        err = operands_take(o, &args, argv, &p);
    if (!err)
        return 0;
    command_problem(&p);
    return err == -ENOMEM ? EXIT_APP : EXIT_USAGE;
}

void leaks_options_done(struct leaks_options *o)
{
    inspect_options_done(&o->inspect);
}
