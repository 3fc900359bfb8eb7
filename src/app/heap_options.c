/* app/heap_options.c -- what the commands that read snapshots can be told */
#include "app/heap_options.h"

#include "app/command.h"
#include "app/exit_code.h"

#define AT(field) offsetof(struct heap_options, field)

static const char *const group_title[] = { "Flags" };

/* clang-format off */
#define ROW_JSON \
{ .name = "json", .type = SETTINGS_BOOL, .offset = AT(json), .default_text = "off", \
  .help = "JSON instead of text" }
#define ROW_TOP(N, WHAT) \
{ .name = "top", .short_flag = 'n', .type = SETTINGS_COUNT, .offset = AT(top), .default_text = N, .most = INT32_MAX, \
  .words = "all", .placeholder = "N", .help = WHAT }

static const struct settings_row summary_rows[] = {
ROW_TOP("30", "how many classes; all of them are in --json"),
ROW_JSON,
};
static const struct settings_row biggest_rows[] = {
ROW_TOP("20", "how many lines"),
{ .name = "depth", .type = SETTINGS_COUNT, .offset = AT(depth), .default_text = "12", .least = 1, .most = 1000, .placeholder = "N",
  .help = "how many levels of the tree" },
ROW_JSON,
};
static const struct settings_row show_rows[] = {
ROW_TOP("30", "how many fields, and how many objects that refer to it"),
ROW_JSON,
};
static const struct settings_row path_rows[] = {
{ .name = "all", .type = SETTINGS_COUNT, .offset = AT(all), .default_text = "1", .least = 1, .most = 1000, .placeholder = "N",
  .help = "the N shortest paths" },
ROW_JSON,
};
static const struct settings_row diff_rows[] = {
ROW_TOP("20", "how many classes, and how many places; all classes are in --json"),
ROW_JSON,
};
static const struct settings_row query_rows[] = {
ROW_TOP("20", "how many objects"),
{ .name = "classes", .type = SETTINGS_BOOL, .offset = AT(classes), .default_text = "off",
  .help = "sums by class instead of single objects" },
ROW_JSON,
};
static const struct settings_row view_rows[] = {
{ .name = "port", .type = SETTINGS_COUNT, .offset = AT(port), .default_text = "any", .most = 65535, .words = "any", .placeholder = "PORT",
  .help = "listen on this port of 127.0.0.1" },
{ .name = "open", .type = SETTINGS_BOOL, .offset = AT(open), .default_text = "on",
  .help = "open the browser, where there is a display" },
{ .name = "idle", .type = SETTINGS_DURATION, .offset = AT(idle_ns), .default_text = "1h", .least = NS_PER_MS, .most = 30 * 24 * 3600 * NS_PER_S,
  .flags = SETTINGS_ZERO_OFF, .placeholder = "TIME", .help = "end when no page has been open for so long" },
{ .name = "json", .type = SETTINGS_BOOL, .offset = AT(json), .default_text = "off",
  .help = "the address as a JSON object" },
};
#define ROW_LIMIT(NAME, FIELD, PLACEHOLDER, WHAT) \
{ .name = NAME, .type = SETTINGS_LINES, .offset = AT(FIELD), .default_text = "", .placeholder = PLACEHOLDER, .help = WHAT }
static const struct settings_row check_rows[] = {
ROW_LIMIT("max-total", max_total, "SIZE", "all of a heap"),
ROW_LIMIT("max-retained", max_retained, "CLASS=SIZE", "what the objects of a class retain; may be repeated"),
ROW_LIMIT("max-count", max_count, "CLASS=N", "how many objects of a class there are; may be repeated"),
ROW_LIMIT("max-growth", max_growth, "[CLASS=]SIZE", "from the first file to the last one, as a size or in %; may be repeated"),
{ .name = "budgets", .type = SETTINGS_PATH, .offset = AT(budgets), .default_text = "", .placeholder = "FILE",
  .help = "limits from a JSON file, besides those of flags" },
ROW_JSON,
};
/* clang-format on */

static const u32 summary_count = ARRAY_LEN(summary_rows), biggest_count = ARRAY_LEN(biggest_rows),
                 show_count = ARRAY_LEN(show_rows), path_count = ARRAY_LEN(path_rows),
                 diff_count = ARRAY_LEN(diff_rows), query_count = ARRAY_LEN(query_rows),
                 check_count = ARRAY_LEN(check_rows), view_count = ARRAY_LEN(view_rows);

#define TABLE(NAME)                                                                 \
    const struct settings_table heap_##NAME##_flags = { .command = "heap " #NAME,   \
                                                        .rows = NAME##_rows,        \
                                                        .count = &NAME##_count,     \
                                                        .group_title = group_title, \
                                                        .groups = 1 }
TABLE(summary);
TABLE(biggest);
TABLE(show);
TABLE(path);
TABLE(diff);
TABLE(query);
TABLE(check);
TABLE(view);

int heap_options_read(struct heap_options *o, const struct settings_table *t, int argc, char **argv,
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

void heap_options_done(struct heap_options *o)
{
    settings_texts_free(&o->texts);
}
