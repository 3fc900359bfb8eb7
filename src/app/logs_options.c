/* app/logs_options.c -- what `fettle logs` can be told, in one table */
#include "app/logs_options.h"

#include "app/command.h"
#include "app/exit_code.h"
#include "app/since.h"

#define AT(field) offsetof(struct logs_options, field)

enum { LINES_USUAL = 20, LINES_MOST = 1000000 };

#define LINES_UNSAID UINT32_MAX

static const char *const group_title[] = { "Which lines", "How they are shown" };
enum { WHICH, HOW, GROUPS };

/* clang-format off */
static const struct settings_row rows[] = {
{ .name = "follow", .short_flag = 'f', .type = SETTINGS_BOOL, .group = WHICH, .offset = AT(follow), .default_text = "off",
  .help = "and those that come, until Ctrl-C" },
{ .name = "lines", .short_flag = 'n', .type = SETTINGS_COUNT, .group = WHICH, .offset = AT(lines),
  .default_text = "20", .least = 1, .most = LINES_MOST, .words = "all", .placeholder = "N",
  .help = "the last N, or all; with --since all" },
{ .name = "since", .type = SETTINGS_TEXT, .group = WHICH, .offset = AT(since), .default_text = "", .placeholder = "TIME",
  .help = "not older: 10m, 2h, 3d, or 2026-11-26T04:02:26Z" },
{ .name = "grep", .type = SETTINGS_TEXT, .group = WHICH, .offset = AT(grep), .default_text = "", .placeholder = "PATTERN",
  .help = "only those that a regular expression (grep -E) matches" },
{ .name = "errors", .type = SETTINGS_BOOL, .group = WHICH, .offset = AT(errors), .default_text = "off",
  .help = "only standard error, and fettle's warnings and errors" },
{ .name = "access", .type = SETTINGS_BOOL, .group = WHICH, .offset = AT(access), .default_text = "off",
  .help = "the access log, too" },
{ .name = "file", .type = SETTINGS_LINES, .group = WHICH, .offset = AT(files), .default_text = "", .placeholder = "FILE",
  .help = "this log file instead; may be repeated" },
{ .name = "config", .type = SETTINGS_PATH, .group = WHICH, .offset = AT(config), .default_text = "", .placeholder = "FILE",
  .help = "the log files that this file of settings names" },
{ .name = "runtime-dir", .type = SETTINGS_PATH, .group = WHICH, .offset = AT(runtime_dir), .default_text = "", .placeholder = "DIR",
  .help = "where the fettle was told to make its folder" },
{ .name = "json", .type = SETTINGS_BOOL, .group = HOW, .offset = AT(json), .default_text = "off",
  .help = "each line as a JSON object" },
};
/* clang-format on */

static const u32 row_count = ARRAY_LEN(rows);
const struct settings_table logs_flags = {
    .command = "logs",
    .rows = rows,
    .count = &row_count,
    .group_title = group_title,
    .groups = GROUPS,
};

void logs_options_done(struct logs_options *o)
{
    settings_texts_free(&o->texts);
    *o = (struct logs_options){ 0 };
}

/* "shop", "shop/2", "/2" */
static int app_read(struct logs_options *o, const char *text, struct problem *p)
{
    const char *slash = strrchr(text, '/');
    u64 n;

    o->app = slash ? str_make(text, (size_t)(slash - text)) : str_of(text);
    if (!slash)
        return 0;
    if (!str_to_u64(str_of(slash + 1), &n) || n == 0 || n > UINT32_MAX)
        return problem_set(p,
                           "\"%.100s\": what follows the / is the number of a worker, such as "
                           "shop/2; for a file write --file %.100s",
                           text, text);
    o->worker = (u32)n;
    return 0;
}

int logs_options_read(struct logs_options *o, int argc, char **argv)
{
    struct problem p = { .text = "out of memory" };
    struct settings_args args;
    struct settings_values to = { o, &o->texts };
    int err;

    *o = (struct logs_options){ 0 };
    err = settings_table_init(&logs_flags, &to);
    o->lines = LINES_UNSAID;
    if (!err)
        err = settings_table_read_args(&logs_flags, &to, argc, argv, 1, &args, &p);
    o->help = !err && args.help;
    if (o->help)
        return 0;
    if (!err && args.operands > 1)
        err = problem_set(&p, "logs shows one app or all, and \"%.100s\" is one word too many",
                          argv[args.operand[1]]);
    if (!err && args.operands)
        err = app_read(o, argv[args.operand[0]], &p);
    if (!err)
        err = since_read(o->since, &o->since_ms, &p);
    if (err) {
        command_problem(&p);
        return err == -ENOMEM ? EXIT_APP : EXIT_USAGE;
    }
    if (o->lines == LINES_UNSAID)
        o->lines = o->since_ms ? 0 : LINES_USUAL;
    return 0;
}
