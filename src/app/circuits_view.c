/* app/circuits_view.c -- `fettle circuits`: the circuit breakers of the apps */
#include "app/command.h"
#include "app/monitor_table.h"
#include "app/row.h"

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

static void row_add(struct table *t, const struct json_value *row)
{
    struct str route = row_text(row, "route"), by = row_text(row, "opened_by");

    table_add(t, row_text(row, "app"));
    table_add(t, route.len ? route : STR("(all)"));
    table_add(t, row_text(row, "state"));
    row_cell(t, row, "since_ms", row_time);
    row_cell(t, row, "opened", row_number);
    table_add(t, by.len ? by : STR("-"));
    row_cell(t, row, "calls", row_number);
    row_cell(t, row, "failures", row_number);
    row_cell(t, row, "slow", row_number);
    row_cell(t, row, "refused", row_number);
}

int circuits_command(int argc, char **argv)
{
    static const struct monitor_table of = {
        .page = "/api/circuits",
        .list = "circuits",
        .flags = &circuits_flags,
        .columns = columns,
        .columns_count = ARRAY_LEN(columns),
        .row_add = row_add,
        .nothing = "there is no circuit breaker; --breaker makes one (doc/resilience.md)",
    };

    return monitor_table_command(&of, argc, argv);
}
