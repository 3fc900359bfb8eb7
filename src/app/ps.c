/* app/ps.c -- `fettle ps`: every app of this user, in a table */
#include "app/command.h"
#include "app/control_client.h"
#include "app/exit_code.h"
#include "app/row.h"
#include "app/table.h"
#include "conf/json_write.h"

static const struct table_column columns[] = {
    { .title = "app", .shorten = 8 },
    { .title = "workers", .right = true },
    { .title = "loop", .right = true, .drop = 1 },
    { .title = "p99", .right = true, .drop = 2 },
    { .title = "req/s", .right = true, .drop = 3 },
    { .title = "memory", .right = true, .drop = 4 },
    { .title = "restarts", .right = true, .drop = 6 },
    { .title = "uptime", .right = true, .drop = 5 },
    { .title = "state", .shorten = 7 },
};

static void row_add(struct table *t, const struct json_value *row)
{
    AUTO(buf_done) struct buf workers = { 0 };

    buf_addf(&workers, "%llu/%llu", (unsigned long long)row_u64(row, "workers_ready"),
             (unsigned long long)row_u64(row, "workers_wanted"));
    table_add(t, row_text(row, "name"));
    table_add(t, buf_str(&workers));
    row_cell(t, row, "utilization", row_percent);
    row_cell(t, row, "p99_ms", row_time);
    row_cell(t, row, "requests_per_second", row_number);
    row_cell(t, row, "memory_bytes", row_bytes);
    row_cell(t, row, "restarts", row_count);
    row_cell(t, row, "uptime_ms", row_age);
    table_add(t, row_text(row, "state"));
    t->cells.failed |= workers.failed;
}

/* What is not as it should be, below the table. */
static void findings_add(struct buf *out, const struct control_app *app)
{
    const struct json_value *list = json_value_member(app->row, "findings");

    for (u32 i = 0; i < json_value_count(list); i++)
        buf_addf(out, "%.*s: %.*s\n", STR_ARG(app->name),
                 STR_ARG(json_value_text(json_value_at(list, i))));
}

static void text_write(struct control_peers *ps, struct buf *out)
{
    struct table t = { .column = columns, .columns = ARRAY_LEN(columns) };
    AUTO(buf_done) struct buf findings = { 0 };
    struct control_app app;
    u32 at = 0;

    while (control_peers_each(ps, &at, &app)) {
        row_add(&t, app.row);
        findings_add(&findings, &app);
    }
    table_write(&t, table_width(STDOUT_FILENO), log_colours(STDOUT_FILENO), out);
    if (findings.len)
        buf_addf(out, "\n%.*s", STR_ARG(buf_str(&findings)));
    out->failed |= findings.failed;
    table_done(&t);
}

static void json_write_all(struct control_peers *ps, struct buf *out)
{
    struct control_app app;
    u32 at = 0;

    buf_add(out, STR("{\"apps\":["));
    while (control_peers_each(ps, &at, &app)) {
        buf_add(out, at > 1 ? STR(",") : STR(""));
        json_write(app.row, out);
    }
    buf_add(out, STR("]}\n"));
}

int ps_command(int argc, char **argv)
{
    AUTO(control_options_done) struct control_options o = { 0 };
    AUTO(control_peers_done) struct control_peers ps = { 0 };
    AUTO(buf_done) struct buf out = { 0 };
    struct settings_args args;
    struct control_app app;
    u32 at = 0;
    int code = control_options_read(&o, &ps_flags, argc, argv, &args);

    if (code)
        return max(code, 0);
    if (args.operands)
        return command_usage("ps shows all apps; `fettle describe %.100s` shows one",
                             argv[args.operand[0]]);
    control_peers_open(&ps, &o);
    if (o.json)
        json_write_all(&ps, &out);
    else if (control_peers_each(&ps, &at, &app))
        text_write(&ps, &out);
    else
        buf_add(&out, STR("no app runs; `fettle run -d server.js` starts one in the background\n"));
    if (ps.mute)
        fprintf(stderr, "fettle: %u more fettle%s of this user run%s, but do%s not answer\n",
                ps.mute, ps.mute == 1 ? "" : "s", ps.mute == 1 ? "s" : "",
                ps.mute == 1 ? "es" : "");
    return command_print(&out);
}

/* For the completions of APP: nothing to say is no mistake here. */
int apps_command(int argc, char **argv)
{
    AUTO(control_peers_done) struct control_peers ps = { 0 };
    AUTO(buf_done) struct buf out = { 0 };
    struct control_options none = { 0 };
    struct control_app app;
    u32 at = 0;

    (void)argc;
    (void)argv;
    control_peers_open(&ps, &none);
    while (control_peers_each(&ps, &at, &app))
        buf_addf(&out, "%.*s\n", STR_ARG(app.name));
    return command_print(&out);
}
