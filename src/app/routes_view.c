/* app/routes_view.c -- `fettle routes`: what each route of the apps costs, and what it asks */
#include "app/command.h"
#include "app/monitor_table.h"
#include "app/row.h"

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

static void row_add(struct table *t, const struct json_value *row)
{
    const struct json_value *slowest = json_value_member(row, "slowest");
    struct str route = row_text(row, "route"), statement = row_text(slowest, "statement");
    AUTO(buf_done) struct buf name = { 0 };

    buf_add(&name, row_text(row, "method"));
    buf_addf(&name, " %.*s", STR_ARG(route.len ? route : STR("(no route)")));
    table_add(t, row_text(row, "app"));
    table_add(t, buf_str(&name));
    row_cell(t, row, "requests", row_number);
    row_cell(t, row, "per_second", row_number);
    row_cell(t, row, "errors", row_number);
    row_cell(t, row, "p50_ms", row_time);
    row_cell(t, row, "p99_ms", row_time);
    row_cell(t, row, "loop_ms", row_time);
    row_cell(t, row, "cpu_ms", row_time);
    row_cell(t, row, "allocated_bytes", row_bytes);
    row_cell(t, row, "response_bytes", row_bytes);
    row_cell(t, row, "queries", mean_add);
    row_cell(t, row, "queries_ms", row_time);
    table_add(t, statement.len ? statement : STR("-"));
}

/* In the order of CONTROL_ROUTES_SORTS; they come by name. */
static const char *const sorts[] = {
    NULL,
    "requests",
    "per_second",
    "errors",
    "p50_ms",
    "p99_ms",
    "mean_ms",
    "loop_ms",
    "loop_ms_total",
    "cpu_ms",
    "cpu_ms_total",
    "allocated_bytes",
    "response_bytes",
    "response_bytes_total",
    "request_bytes_total",
    "queries",
    "queries_ms",
};

int routes_command(int argc, char **argv)
{
    static const struct monitor_table of = {
        .page = "/api/routes",
        .list = "routes",
        .flags = &routes_flags,
        .columns = columns,
        .columns_count = ARRAY_LEN(columns),
        .row_add = row_add,
        .sorts = sorts,
        .nothing = "no request has been answered yet",
    };

    return monitor_table_command(&of, argc, argv);
}
