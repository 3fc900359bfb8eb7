/* app/monitor_table.h -- a command that shows a list of the monitors' as a table, or as JSON
 *
 * `fettle routes`, `fettle circuits` and `fettle upstreams`: [APP], of one app or of all that run.
 */
#pragma once

#include "app/control_options.h"
#include "app/table.h"
#include "conf/json_value.h"

struct monitor_table {
    const char *page; /* "/api/routes" */
    const char *list; /* its member with the rows, and what they are called */
    const struct settings_table *flags;
    const struct table_column *columns;
    u32 columns_count;
    void (*row_add)(struct table *t, const struct json_value *row);
    const char *nothing; /* a line that is said when there is no row */
    /* By the number of --sort: the member by which rows are sorted, the largest first. NULL, or
     * none at all: as they come. */
    const char *const *sorts;
};

/* The whole command. An exit code. */
int monitor_table_command(const struct monitor_table *m, int argc, char **argv);
