/* app/sql_options.c -- what the commands that look at SQL statements can be told */
#include "app/sql_options.h"

#include "app/command.h"
#include "app/exit_code.h"

#define AT(field) offsetof(struct sql_options, field)

static const char *const group_title[] = { "Flags" };

/* clang-format off */
#define ROW_TOP(HELP) \
{ .name = "top", .short_flag = 'n', .type = SETTINGS_COUNT, .offset = AT(top), .default_text = "20", .most = INT32_MAX, \
  .words = "all", .placeholder = "N", .help = HELP }
#define ROWS_COMMON \
{ .name = "json", .type = SETTINGS_BOOL, .offset = AT(control.json), .default_text = "off", .help = "JSON instead of text" }, \
{ .name = "pid", .type = SETTINGS_COUNT, .offset = AT(control.pid), .default_text = "0", .most = INT32_MAX, .placeholder = "PID", \
  .help = "the fettle that is meant, where two run an app of the same name" }, \
{ .name = "runtime-dir", .type = SETTINGS_PATH, .offset = AT(control.runtime_dir), .default_text = "", .placeholder = "DIR", \
  .help = "look here only, as for one that was started with this flag" }

#define ROW_DB \
{ .name = "db", .type = SETTINGS_TEXT, .offset = AT(db), .default_text = "", .placeholder = "URL", \
  .help = "the database: postgresql://user@host/name, mysql://user@host/name, sqlite:PATH; else DATABASE_URL of the environment" }

static const struct settings_row explain_rows[] = {
ROW_DB,
{ .name = "allow-extension", .type = SETTINGS_BOOL, .offset = AT(allow_extension), .default_text = "off",
  .help = "may create PostgreSQL's extension HypoPG in that database, with which indexes are tried without being made" },
{ .name = "try", .type = SETTINGS_BOOL, .offset = AT(allow_locks), .default_text = "off",
  .help = "where there is no HypoPG: make each index in a transaction that is rolled back; writers of the table wait meanwhile" },
ROW_TOP("how many of an app's statements, those first that take the most time"),
ROWS_COMMON,
};
static const struct settings_row statements_rows[] = {
ROW_TOP("how many, those first that take the most time in all"),
ROWS_COMMON,
};
static const struct settings_row indexes_rows[] = {
ROW_DB,
{ .name = "json", .type = SETTINGS_BOOL, .offset = AT(control.json), .default_text = "off", .help = "JSON instead of text" },
};
/* clang-format on */

static const u32 explain_count = ARRAY_LEN(explain_rows),
                 statements_count = ARRAY_LEN(statements_rows),
                 indexes_count = ARRAY_LEN(indexes_rows);

const struct settings_table sql_explain_flags = { .command = "sql explain",
                                                  .rows = explain_rows,
                                                  .count = &explain_count,
                                                  .group_title = group_title,
                                                  .groups = 1 };

const struct settings_table sql_statements_flags = { .command = "sql statements",
                                                     .rows = statements_rows,
                                                     .count = &statements_count,
                                                     .group_title = group_title,
                                                     .groups = 1 };

const struct settings_table sql_indexes_flags = { .command = "sql indexes",
                                                  .rows = indexes_rows,
                                                  .count = &indexes_count,
                                                  .group_title = group_title,
                                                  .groups = 1 };

static bool is_id(const char *word)
{
    size_t len = strspn(word, "0123456789abcdefABCDEF");

    return len >= 4 && len <= 16 && !word[len];
}

/* One word, and an id where one is taken. */
static int words_take(struct sql_options *o, const struct settings_table *t,
                      const struct settings_args *args, char **argv, struct problem *p)
{
    const char *second = args->operands > 1 ? argv[args->operand[1]] : NULL;

    o->word = args->operands ? argv[args->operand[0]] : NULL;
    if (o->word && t == &sql_indexes_flags)
        return problem_set(p, "%s takes no word; the database is --db \"%.100s\"", argv[0],
                           o->word);
    if (t == &sql_explain_flags && args->operands == 2 && is_id(second)) {
        o->id = second;
        return 0;
    }
    if (second && t == &sql_explain_flags)
        return problem_set(p,
                           "%s takes one word, and \"%.100s\" is one too many; a statement is one "
                           "word in quotes, and after an app may come the id of one of its "
                           "statements",
                           argv[0], second);
    if (second)
        return problem_set(p, "%s is of one app, or of all; \"%.100s\" is one word too many",
                           argv[0], second);
    return 0;
}

int sql_options_read(struct sql_options *o, const struct settings_table *t, int argc, char **argv)
{
    struct settings_values to = { o, &o->control.texts };
    struct settings_args args = { 0 };
    struct problem p = { .text = "out of memory" };
    int err = settings_table_init(t, &to);

    if (!err)
        err = settings_table_read_args(t, &to, argc, argv, 1, &args, &p);
    if (!err && args.help)
        return help_of(argv[0]) ? EXIT_APP : -1;
    if (!err)
        err = words_take(o, t, &args, argv, &p);
    if (err) {
        command_problem(&p);
        return err == -ENOMEM ? EXIT_APP : EXIT_USAGE;
    }
    return 0;
}

void sql_options_done(struct sql_options *o)
{
    control_options_done(&o->control);
}
