/* app/circuits_view.c -- `fettle circuits`: the circuit breakers of the apps */
#include "app/command.h"
#include "app/exit_code.h"
#include "app/monitor_rows.h"
#include "app/row.h"
#include "app/table.h"
#include "base/log.h"
#include "conf/json_write.h"

struct view {
    const struct control_options *options;
    struct table table;
    struct buf json;
    u32 count;
};

static const struct table_column columns[] = {
    { .title = "app", .drop = 4 },
    { .title = "route", .shorten = 24 },
    { .title = "state" },
    { .title = "for", .right = true, .drop = 5 },
    { .title = "opens", .right = true },
    { .title = "by", .drop = 3 },
    { .title = "passed", .right = true },
    { .title = "failed", .right = true },
    { .title = "slow", .right = true, .drop = 2 },
    { .title = "refused", .right = true, .drop = 1 },
};

static void row_add(struct view *v, const struct json_value *row)
{
    struct str route = row_text(row, "route"), by = row_text(row, "opened_by");

    table_add(&v->table, row_text(row, "app"));
    table_add(&v->table, route.len ? route : STR("(all)"));
    table_add(&v->table, row_text(row, "state"));
    row_cell(&v->table, row, "since_ms", row_time);
    row_cell(&v->table, row, "opened", row_number);
    table_add(&v->table, by.len ? by : STR("-"));
    row_cell(&v->table, row, "calls", row_number);
    row_cell(&v->table, row, "failures", row_number);
    row_cell(&v->table, row, "slow", row_number);
    row_cell(&v->table, row, "refused", row_number);
}

static void take(void *arg, const struct json_value *row, u32 worker)
{
    struct view *v = arg;

    (void)worker; /* a circuit is of all workers */
    if (v->options->json) {
        buf_add(&v->json, v->count ? STR(",") : STR(""));
        json_write(row, &v->json);
    } else {
        row_add(v, row);
    }
    v->count++;
}

static int print(struct view *v)
{
    AUTO(buf_done) struct buf out = { 0 };

    if (v->options->json) {
        buf_add(&out, STR("{\"circuits\":["));
        buf_add(&out, buf_str(&v->json));
        buf_add(&out, STR("]}\n"));
        out.failed |= v->json.failed;
    } else if (!v->count) {
        buf_add(&out,
                STR("there is no circuit breaker; --breaker makes one (doc/resilience.md)\n"));
    } else {
        table_write(&v->table, (u32)table_width(STDOUT_FILENO), log_colours(STDOUT_FILENO), &out);
    }
    return command_print(&out);
}

int circuits_command(int argc, char **argv)
{
    AUTO(control_options_done) struct control_options o = { 0 };
    struct view v = { .options = &o,
                      .table = { .column = columns, .columns = ARRAY_LEN(columns) } };
    const struct monitor_rows rows = {
        .page = "/api/circuits", .list = "circuits", .take = take, .arg = &v
    };
    struct settings_args args;
    int code = control_options_read(&o, &circuits_flags, argc, argv, &args);

    if (code)
        return max(code, 0);
    if (args.operands > 1)
        return command_usage("circuits are of one app, or of all; \"%.100s\" is one word too many",
                             argv[args.operand[1]]);
    code = monitor_rows_each(&rows, &o, args.operands ? argv[args.operand[0]] : NULL);
    if (!code)
        code = print(&v);
    table_done(&v.table);
    buf_done(&v.json);
    return code;
}
