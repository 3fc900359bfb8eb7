/* app/control_options.c -- what the commands that talk to a running fettle can be told */
#include "app/control_options.h"

#include "app/command.h"
#include "app/exit_code.h"

#define AT(field) offsetof(struct control_options, field)

static const char *const group_title[] = { "Flags" };

/* clang-format off */
#define ROW_JSON \
{ .name = "json", .type = SETTINGS_BOOL, .offset = AT(json), .default_text = "off", \
  .help = "JSON instead of text" }
#define ROW_PID \
{ .name = "pid", .type = SETTINGS_COUNT, .offset = AT(pid), .default_text = "0", .most = INT32_MAX, .placeholder = "PID", \
  .help = "the fettle that is meant, where two run an app of the same name" }
#define ROW_RUNTIME_DIR \
{ .name = "runtime-dir", .type = SETTINGS_PATH, .offset = AT(runtime_dir), .default_text = "", .placeholder = "DIR", \
  .help = "look here only, as for one that was started with this flag" }

static const struct settings_row ps_rows[] = {
{ .name = "follow", .short_flag = 'f', .type = SETTINGS_BOOL, .offset = AT(follow), .default_text = "off",
  .help = "again and again, until Ctrl-C: in place on a terminal; with --json an object on each line" },
{ .name = "interval", .type = SETTINGS_DURATION, .offset = AT(interval_ns), .default_text = "1s",
  .least = 100 * NS_PER_MS, .most = 86400 * NS_PER_S, .placeholder = "TIME",
  .help = "how often --follow looks" },
ROW_JSON,
ROW_RUNTIME_DIR,
};
static const struct settings_row routes_rows[] = {
ROW_JSON,
{ .name = "sort", .type = SETTINGS_ENUM, .offset = AT(sort), .default_text = "name", .words = CONTROL_ROUTES_SORTS, .placeholder = "BY",
  .help = "the largest first: of one request, or in all (rate: requests a second; loop-total, cpu-total: all requests together; sent, received: all bytes)" },
ROW_PID,
ROW_RUNTIME_DIR,
};
static const struct settings_row circuits_rows[] = { ROW_JSON, ROW_PID, ROW_RUNTIME_DIR };
static const struct settings_row cache_rows[] = {
ROW_JSON,
{ .name = "tag", .type = SETTINGS_TEXT, .offset = AT(tag), .default_text = "", .most = 255, .placeholder = "TAG",
  .help = "purge: what has this surrogate key" },
{ .name = "all", .type = SETTINGS_BOOL, .offset = AT(everything), .default_text = "off",
  .help = "purge: all that is stored of the app" },
ROW_PID,
ROW_RUNTIME_DIR,
};
static const struct settings_row describe_rows[] = { ROW_JSON, ROW_PID, ROW_RUNTIME_DIR };
static const struct settings_row env_rows[] = {
ROW_JSON,
{ .name = "show-secrets", .type = SETTINGS_BOOL, .offset = AT(show_secrets), .default_text = "off",
  .help = "also the values of what looks like a secret" },
ROW_PID,
ROW_RUNTIME_DIR,
};
static const struct settings_row findings_rows[] = {
ROW_JSON,
{ .name = "since", .type = SETTINGS_TEXT, .offset = AT(since), .default_text = "", .placeholder = "TIME",
  .help = "only what was seen from then on: 10m, 2h, 3d, or a date and time" },
{ .name = "kind", .type = SETTINGS_TEXT, .offset = AT(kind), .default_text = "", .placeholder = "KIND",
  .help = "only of this kind, or of those that begin so: blocked-loop" },
ROW_PID,
ROW_RUNTIME_DIR,
};
static const struct settings_row manage_rows[] = {
ROW_JSON,
{ .name = "timeout", .type = SETTINGS_DURATION, .flags = SETTINGS_ZERO_OFF, .offset = AT(timeout_ns),
  .default_text = "5m", .least = NS_PER_MS, .most = 86400 * NS_PER_S, .placeholder = "TIME",
  .help = "how long to wait until it is done; it goes on without us" },
ROW_PID,
ROW_RUNTIME_DIR,
};
/* clang-format on */

static const u32 ps_count = ARRAY_LEN(ps_rows), describe_count = ARRAY_LEN(describe_rows),
                 env_count = ARRAY_LEN(env_rows), findings_count = ARRAY_LEN(findings_rows),
                 manage_count = ARRAY_LEN(manage_rows), routes_count = ARRAY_LEN(routes_rows),
                 circuits_count = ARRAY_LEN(circuits_rows), cache_count = ARRAY_LEN(cache_rows);

#define TABLE(NAME, ROWS)                                                    \
    const struct settings_table NAME##_flags = { .command = #NAME,           \
                                                 .rows = ROWS##_rows,        \
                                                 .count = &ROWS##_count,     \
                                                 .group_title = group_title, \
                                                 .groups = 1 }
TABLE(ps, ps);
TABLE(describe, describe);
TABLE(env, env);
TABLE(findings, findings);
TABLE(routes, routes);
TABLE(cache, cache);
TABLE(circuits, circuits);
TABLE(upstreams, circuits);
TABLE(reload, manage);
TABLE(restart, manage);
TABLE(stop, manage);
TABLE(start, manage);
TABLE(scale, manage);
TABLE(signal, manage);
TABLE(upgrade, manage);

int control_options_read(struct control_options *o, const struct settings_table *t, int argc,
                         char **argv, struct settings_args *args)
{
    struct settings_values to = { o, &o->texts };
    struct problem p = { 0 };
    int err = settings_table_init(t, &to);

    *args = (struct settings_args){ 0 };
    if (!err)
        err = settings_table_read_args(t, &to, argc, argv, 1, args, &p);
    if (err == -ENOMEM)
        problem_set(&p, "out of memory");
    if (err) {
        command_problem(&p);
        return err == -ENOMEM ? EXIT_APP : EXIT_USAGE;
    }
    if (!args->help)
        return 0;
    return help_of(argv[0]) ? EXIT_APP : -1;
}

void control_options_done(struct control_options *o)
{
    settings_texts_free(&o->texts);
}
