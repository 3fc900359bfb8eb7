/* app/cpu_options.c -- what the commands that read CPU profiles can be told */
#include "app/cpu_options.h"

#include "app/command.h"
#include "app/exit_code.h"

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
/* clang-format on */

static const u32 report_count = ARRAY_LEN(report_rows), flame_count = ARRAY_LEN(flame_rows);

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

void cpu_options_done(struct cpu_options *o)
{
    settings_texts_free(&o->texts);
}
