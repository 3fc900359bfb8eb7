/* app/cpu_options.c -- what the commands that read CPU profiles can be told */
#include "app/cpu_options.h"

#include "app/command.h"
#include "app/exit_code.h"
#include "conf/units.h"

#define AT(field) offsetof(struct cpu_options, field)

static const char *const group_title[] = { "Flags" };

/* clang-format off */
#define ROW_SOURCE_MAPS \
{ .name = "source-maps", .type = SETTINGS_BOOL, .offset = AT(source_maps), .default_text = "on", \
  .help = "places as in the sources that TypeScript or a bundler was given" }

static const struct settings_row report_rows[] = {
{ .name = "top", .short_flag = 'n', .type = SETTINGS_COUNT, .offset = AT(top), .default_text = "15", .most = INT32_MAX,
  .words = "all", .placeholder = "N", .help = "how many functions, lines and packages; all of them are in --json" },
ROW_SOURCE_MAPS,
{ .name = "json", .type = SETTINGS_BOOL, .offset = AT(json), .default_text = "off", .help = "JSON instead of text" },
};
static const struct settings_row flame_rows[] = {
{ .name = "output", .short_flag = 'o', .type = SETTINGS_PATH, .offset = AT(output), .default_text = "", .placeholder = "FILE",
  .help = "write it here: .html, .svg or .speedscope.json; else FILE.flame.html in this folder" },
{ .name = "format", .type = SETTINGS_ENUM, .offset = AT(format), .default_text = "auto", .words = "auto|html|svg|speedscope", .placeholder = "WHAT",
  .help = "a page, a picture, or a file for speedscope; auto: as the ending of -o says" },
{ .name = "open", .type = SETTINGS_BOOL, .offset = AT(open), .default_text = "off", .help = "open it in the browser" },
ROW_SOURCE_MAPS,
{ .name = "json", .type = SETTINGS_BOOL, .offset = AT(json), .default_text = "off", .help = "what was written as one JSON object" },
};
static const struct settings_row diff_rows[] = {
{ .name = "max-regression", .type = SETTINGS_TEXT, .offset = AT(max_regression), .default_text = "", .placeholder = "PERCENT",
  .help = "exit code 1 when a function, or all together, became slower by more, and not by chance" },
{ .name = "before", .type = SETTINGS_LIST, .offset = AT(before), .default_text = "", .placeholder = "FILES", .help = "several runs of the older side, with commas; may be repeated" },
{ .name = "after", .type = SETTINGS_LIST, .offset = AT(after), .default_text = "", .placeholder = "FILES", .help = "several runs of the newer side" },
{ .name = "per", .type = SETTINGS_ENUM, .offset = AT(per), .default_text = "auto", .words = "auto|run|second|busy", .placeholder = "WHAT",
  .help = "compare time a run, time in a second, or shares of the busy time" },
{ .name = "min-share", .type = SETTINGS_TEXT, .offset = AT(min_share), .default_text = "1%", .placeholder = "PERCENT",
  .help = "what takes less of the busy time on both sides does not fail --max-regression" },
{ .name = "noise", .type = SETTINGS_TEXT, .offset = AT(noise), .default_text = "", .placeholder = "PERCENT",
  .help = "how much runs of the same program scatter, at least (3% for single runs, else 1%)" },
{ .name = "top", .short_flag = 'n', .type = SETTINGS_COUNT, .offset = AT(top), .default_text = "15", .most = INT32_MAX,
  .words = "all", .placeholder = "N", .help = "how many slower and how many faster functions; all of them are in --json" },
ROW_SOURCE_MAPS,
{ .name = "json", .type = SETTINGS_BOOL, .offset = AT(json), .default_text = "off", .help = "JSON instead of text" },
};
static const struct settings_row scale_rows[] = {
{ .name = "sizes", .type = SETTINGS_LIST, .offset = AT(sizes), .default_text = "", .placeholder = "N,N,…",
  .help = "how large the work was, in the order of the files; else a number in their names says so" },
{ .name = "top", .short_flag = 'n', .type = SETTINGS_COUNT, .offset = AT(top), .default_text = "15", .most = INT32_MAX,
  .words = "all", .placeholder = "N", .help = "how many functions of each kind; all of them are in --json" },
ROW_SOURCE_MAPS,
{ .name = "json", .type = SETTINGS_BOOL, .offset = AT(json), .default_text = "off", .help = "JSON instead of text" },
};
/* clang-format on */

static const u32 report_count = ARRAY_LEN(report_rows), diff_count = ARRAY_LEN(diff_rows),
                 scale_count = ARRAY_LEN(scale_rows), flame_count = ARRAY_LEN(flame_rows);

const struct settings_table cpu_diff_flags = { .command = "cpu diff",
                                               .rows = diff_rows,
                                               .count = &diff_count,
                                               .group_title = group_title,
                                               .groups = 1 };

const struct settings_table cpu_scale_flags = { .command = "cpu scale",
                                                .rows = scale_rows,
                                                .count = &scale_count,
                                                .group_title = group_title,
                                                .groups = 1 };

const struct settings_table cpu_report_flags = { .command = "cpu report",
                                                 .rows = report_rows,
                                                 .count = &report_count,
                                                 .group_title = group_title,
                                                 .groups = 1 };

const struct settings_table heap_report_flags = { .command = "heap report",
                                                  .rows = report_rows,
                                                  .count = &report_count,
                                                  .group_title = group_title,
                                                  .groups = 1 };

const struct settings_table cpu_flame_flags = { .command = "cpu flame",
                                                .rows = flame_rows,
                                                .count = &flame_count,
                                                .group_title = group_title,
                                                .groups = 1 };

const struct settings_table heap_flame_flags = { .command = "heap flame",
                                                 .rows = flame_rows,
                                                 .count = &flame_count,
                                                 .group_title = group_title,
                                                 .groups = 1 };

int cpu_options_read(struct cpu_options *o, const struct settings_table *t, int argc, char **argv,
                     u32 least, u32 most, const char *needs)
{
    struct settings_values to = { o, &o->texts };
    struct settings_args args = { 0 };
    struct problem p = { .text = "out of memory" };
    int err = settings_table_init(t, &to);

    if (!err)
        err = settings_table_read_args(t, &to, argc, argv, 1, &args, &p);
    if (!err && args.help)
        return help_of(argv[0]) ? EXIT_APP : -1;
    if (!err && args.operands < least)
        err = problem_set(&p, "%s needs %s", argv[0], needs);
    if (!err && args.operands > most)
        err = problem_set(&p, "%s needs %s, and \"%.100s\" is one word too many", argv[0], needs,
                          argv[args.operand[most]]);
    if (err) {
        command_problem(&p);
        return err == -ENOMEM ? EXIT_APP : EXIT_USAGE;
    }
    o->words = args.operands;
    for (u32 i = 0; i < o->words; i++)
        o->word[i] = argv[args.operand[i]];
    return 0;
}

int cpu_options_share(struct str text, const char *flag, double none, double *out,
                      struct problem *p)
{
    u64 thousandths;

    *out = none;
    if (!text.len)
        return 0;
    if (!units_percent_parse(text, &thousandths))
        return problem_set(p, "%s: \"%.*s\" is no share; write per cents, such as 10%%", flag,
                           (int)min(text.len, (size_t)60), text.ptr);
    *out = (double)thousandths / 1e5;
    return 0;
}

void cpu_options_done(struct cpu_options *o)
{
    settings_texts_free(&o->texts);
}
