/* app/routes_view.c -- `fettle routes`: what each route of the apps costs, and what it asks */
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
    { .title = "app", .drop = 9 },
    { .title = "route", .shorten = 24 },
    { .title = "requests", .right = true },
    { .title = "req/s", .right = true, .drop = 6 },
    { .title = "errors", .right = true, .drop = 4 },
    { .title = "p50", .right = true, .drop = 8 },
    { .title = "p99", .right = true },
    { .title = "loop", .right = true, .drop = 3 },
    { .title = "CPU", .right = true },
    { .title = "allocates", .right = true, .drop = 5 },
    { .title = "size", .right = true, .drop = 7 },
    { .title = "queries", .right = true },
    { .title = "in them", .right = true, .drop = 2 },
    { .title = "slowest statement", .shorten = 30, .drop = 1 },
};

/* What a request asks on average: "1.5", without zeros at the end. */
static void mean_add(struct buf *out, const struct json_value *row, const char *name)
{
    struct str n = json_value_number(json_value_member(row, name));

    if (!n.len) {
        buf_addc(out, '-');
        return;
    }
    while (n.len > 1 && str_index(n, '.') >= 0 &&
           (n.ptr[n.len - 1] == '0' || n.ptr[n.len - 1] == '.')) {
        bool point = n.ptr[n.len - 1] == '.';

        n = str_sub(n, 0, n.len - 1);
        if (point)
            break;
    }
    buf_add(out, n);
}

static void row_add(struct view *v, const struct json_value *row)
{
    const struct json_value *slowest = json_value_member(row, "slowest");
    struct str route = row_text(row, "route"), statement = row_text(slowest, "statement");
    AUTO(buf_done) struct buf name = { 0 };

    buf_add(&name, row_text(row, "method"));
    buf_addf(&name, " %.*s", STR_ARG(route.len ? route : STR("(no route)")));
    table_add(&v->table, row_text(row, "app"));
    table_add(&v->table, buf_str(&name));
    row_cell(&v->table, row, "requests", row_number);
    row_cell(&v->table, row, "per_second", row_number);
    row_cell(&v->table, row, "errors", row_number);
    row_cell(&v->table, row, "p50_ms", row_time);
    row_cell(&v->table, row, "p99_ms", row_time);
    row_cell(&v->table, row, "loop_ms", row_time);
    row_cell(&v->table, row, "cpu_ms", row_time);
    row_cell(&v->table, row, "allocated_bytes", row_bytes);
    row_cell(&v->table, row, "response_bytes", row_bytes);
    row_cell(&v->table, row, "queries", mean_add);
    row_cell(&v->table, row, "queries_ms", row_time);
    table_add(&v->table, statement.len ? statement : STR("-"));
}

static void take(void *arg, const struct json_value *row, u32 worker)
{
    struct view *v = arg;

    (void)worker; /* a route is of all workers */
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
        buf_add(&out, STR("{\"routes\":["));
        buf_add(&out, buf_str(&v->json));
        buf_add(&out, STR("]}\n"));
        out.failed |= v->json.failed;
    } else if (!v->count) {
        buf_add(&out, STR("no request has been answered yet\n"));
    } else {
        table_write(&v->table, (u32)table_width(STDOUT_FILENO), log_colours(STDOUT_FILENO), &out);
    }
    return command_print(&out);
}

int routes_command(int argc, char **argv)
{
    AUTO(control_options_done) struct control_options o = { 0 };
    struct view v = { .options = &o,
                      .table = { .column = columns, .columns = ARRAY_LEN(columns) } };
    const struct monitor_rows rows = {
        .page = "/api/routes", .list = "routes", .take = take, .arg = &v
    };
    struct settings_args args;
    int code = control_options_read(&o, &routes_flags, argc, argv, &args);

    if (code)
        return max(code, 0);
    if (args.operands > 1)
        return command_usage("routes are of one app, or of all; \"%.100s\" is one word too many",
                             argv[args.operand[1]]);
    code = monitor_rows_each(&rows, &o, args.operands ? argv[args.operand[0]] : NULL);
    if (!code)
        code = print(&v);
    table_done(&v.table);
    buf_done(&v.json);
    return code;
}
