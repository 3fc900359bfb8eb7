/* app/inspect_options.c -- what the commands that look into a running Node can be told */
#include "app/inspect_options.h"

#include "app/command.h"
#include "app/exit_code.h"

#define AT(field) offsetof(struct inspect_options, field)
#define HOUR_NS (3600 * NS_PER_S)

static const char *const group_title[] = { "Flags" };

/* clang-format off */
#define ROW_OUTPUT(HELP) \
{ .name = "output", .short_flag = 'o', .type = SETTINGS_PATH, .offset = AT(output), .default_text = "", .placeholder = "FILE", \
  .help = HELP }
#define ROW_FORCE(HELP) \
{ .name = "force", .type = SETTINGS_BOOL, .offset = AT(force), .default_text = "off", .help = HELP }
#define ROWS_COMMON \
{ .name = "wait-open", .type = SETTINGS_DURATION, .offset = AT(open_ns), .default_text = "10s", \
  .least = NS_PER_MS, .most = HOUR_NS, .placeholder = "TIME", \
  .help = "how long to wait until the inspector is open" }, \
{ .name = "timeout", .type = SETTINGS_DURATION, .offset = AT(control.timeout_ns), .default_text = "5m", \
  .least = NS_PER_MS, .most = 24 * HOUR_NS, .placeholder = "TIME", \
  .help = "how long nothing may come from it" }, \
{ .name = "json", .type = SETTINGS_BOOL, .offset = AT(control.json), .default_text = "off", \
  .help = "what was done as one JSON object" }, \
{ .name = "pid", .type = SETTINGS_COUNT, .offset = AT(control.pid), .default_text = "0", .most = INT32_MAX, .placeholder = "PID", \
  .help = "the fettle that is meant, where two run an app of the same name" }, \
{ .name = "runtime-dir", .type = SETTINGS_PATH, .offset = AT(control.runtime_dir), .default_text = "", .placeholder = "DIR", \
  .help = "look here only, as for one that was started with this flag" }

static const struct settings_row snapshot_rows[] = {
ROW_OUTPUT("write it here; - is the standard output, .gz is compressed"),
{ .name = "numbers", .type = SETTINGS_BOOL, .offset = AT(numbers), .default_text = "off",
  .help = "with the values of numbers; the file gets larger" },
{ .name = "drain", .type = SETTINGS_DURATION, .flags = SETTINGS_ZERO_OFF, .offset = AT(drain_ns), .default_text = "30s",
  .least = NS_PER_MS, .most = HOUR_NS, .placeholder = "TIME",
  .help = "how long requests in a worker may take before; off: it stays in traffic" },
ROW_FORCE("also where memory or disk would not do, or it looks like no Node"),
ROWS_COMMON,
};

#define ROW_SECONDS(DEFAULT) \
{ .name = "seconds", .short_flag = 's', .type = SETTINGS_COUNT, .offset = AT(seconds), .default_text = DEFAULT, \
  .least = 1, .most = 86400, .placeholder = "N", \
  .help = "how long; Ctrl-C ends it earlier, with what there is" }

#define ROWS_FLAME \
ROW_OUTPUT("write it here; of several workers FILE-1, FILE-2; - is the standard output; .html, .svg and .speedscope.json are flame graphs"), \
{ .name = "flame", .type = SETTINGS_BOOL, .offset = AT(flame), .default_text = "off", \
  .help = "a flame graph besides, as FILE.flame.html" }, \
{ .name = "source-maps", .type = SETTINGS_BOOL, .offset = AT(source_maps), .default_text = "on", \
  .help = "in the flame graph: places as in the sources" }

static const struct settings_row heap_record_rows[] = {
ROW_SECONDS("30"),
ROWS_FLAME,
{ .name = "interval", .type = SETTINGS_SIZE, .offset = AT(interval_bytes), .default_text = "32K", .least = 64, .most = 1 << 30, .placeholder = "SIZE",
  .help = "bytes between two samples, on average" },
{ .name = "garbage", .type = SETTINGS_BOOL, .offset = AT(with_garbage), .default_text = "off",
  .help = "also what has been freed by then; else what stays" },
ROW_FORCE("also if it looks like no Node"),
ROWS_COMMON,
};
static const struct settings_row cpu_record_rows[] = {
ROW_SECONDS("10"),
ROWS_FLAME,
{ .name = "interval", .type = SETTINGS_DURATION, .offset = AT(interval_ns), .default_text = "5ms", .least = 50 * NS_PER_US, .most = NS_PER_S, .placeholder = "TIME",
  .help = "time between two samples; at 1ms the app serves about 7 % less meanwhile" },
ROW_FORCE("also if it looks like no Node"),
ROWS_COMMON,
};
/* clang-format on */

static const u32 snapshot_count = ARRAY_LEN(snapshot_rows),
                 heap_record_count = ARRAY_LEN(heap_record_rows),
                 cpu_record_count = ARRAY_LEN(cpu_record_rows);

#define TABLE(NAME, COMMAND, ROWS)                                           \
    const struct settings_table NAME##_flags = { .command = COMMAND,         \
                                                 .rows = ROWS##_rows,        \
                                                 .count = &ROWS##_count,     \
                                                 .group_title = group_title, \
                                                 .groups = 1 }
TABLE(heap_snapshot, "heap snapshot", snapshot);
TABLE(heap_record, "heap record", heap_record);
TABLE(cpu_record, "cpu record", cpu_record);

int inspect_options_read(struct inspect_options *o, const struct settings_table *t, int argc,
                         char **argv, const char **target)
{
    struct settings_values to = { o, &o->control.texts };
    struct settings_args args = { 0 };
    struct problem p = { .text = "out of memory" };
    int err = settings_table_init(t, &to);

    if (!err)
        err = settings_table_read_args(t, &to, argc, argv, 1, &args, &p);
    if (!err && args.help)
        return help_of(argv[0]) ? EXIT_APP : -1;
    if (!err && args.operands == 0)
        err = problem_set(&p,
                          "%s needs a TARGET: a worker (shop/2), the pid of a Node, or host:port "
                          "of an inspector",
                          argv[0]);
    if (!err && args.operands > 1)
        err = problem_set(&p, "%s takes one TARGET, and \"%.100s\" is one word too many", argv[0],
                          argv[args.operand[1]]);
    if (err) {
        command_problem(&p);
        return err == -ENOMEM ? EXIT_APP : EXIT_USAGE;
    }
    *target = argv[args.operand[0]];
    return 0;
}

void inspect_options_done(struct inspect_options *o)
{
    control_options_done(&o->control);
}
