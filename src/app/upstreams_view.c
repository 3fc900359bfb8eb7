/* app/upstreams_view.c -- `fettle upstreams`: the hosts that requests go to */
#include "app/command.h"
#include "app/monitor_table.h"
#include "app/row.h"

static const struct table_column columns[] = {
    { .title = "app", .drop = 6 },
    { .title = "route", .shorten = 24, .drop = 5 },
    { .title = "endpoint" },
    { .title = "name", .shorten = 32, .drop = 8 },
    { .title = "zone", .drop = 4 },
    { .title = "state" },
    { .title = "for", .right = true, .drop = 7 },
    { .title = "weight", .right = true, .drop = 3 },
    { .title = "running", .right = true },
    { .title = "connections", .right = true, .drop = 2 },
    { .title = "requests", .right = true },
    { .title = "failed", .right = true },
    { .title = "latency", .right = true },
    { .title = "ejected", .right = true, .drop = 1 },
};

static struct str or_dash(struct str text)
{
    return text.len ? text : STR("-");
}

static void row_add(struct table *t, const struct json_value *row)
{
    struct str route = row_text(row, "route");

    table_add(t, row_text(row, "app"));
    table_add(t, route.len ? route : STR("(all)"));
    table_add(t, row_text(row, "endpoint"));
    table_add(t, row_text(row, "name"));
    table_add(t, or_dash(row_text(row, "zone")));
    table_add(t, row_text(row, "state"));
    row_cell(t, row, "since_ms", row_time);
    row_cell(t, row, "weight", row_number);
    row_cell(t, row, "in_flight", row_number);
    row_cell(t, row, "connections", row_number);
    row_cell(t, row, "requests", row_number);
    row_cell(t, row, "failures", row_number);
    row_cell(t, row, "latency_ms", row_time);
    row_cell(t, row, "ejections", row_number);
}

int upstreams_command(int argc, char **argv)
{
    static const struct monitor_table of = {
        .page = "/api/upstreams",
        .list = "upstreams",
        .flags = &upstreams_flags,
        .columns = columns,
        .columns_count = ARRAY_LEN(columns),
        .row_add = row_add,
        .nothing = "requests go to the workers of this machine only; --upstream names other hosts "
                   "(doc/upstreams.md)",
    };

    return monitor_table_command(&of, argc, argv);
}
