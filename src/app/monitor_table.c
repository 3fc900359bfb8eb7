/* app/monitor_table.c -- a command that shows a list of the monitors' as a table, or as JSON */
#include "app/monitor_table.h"

#include "app/command.h"
#include "app/monitor_rows.h"
#include "base/log.h"
#include "conf/json_write.h"

struct view {
    const struct monitor_table *of;
    bool as_json;
    struct table table;
    struct buf json;
    u32 count;
};

static void take(void *arg, const struct json_value *row, u32 worker)
{
    struct view *v = arg;

    (void)worker; /* these rows are of all workers */
    if (v->as_json) {
        buf_add(&v->json, v->count ? STR(",") : STR(""));
        json_write(row, &v->json);
    } else {
        v->of->row_add(&v->table, row);
    }
    v->count++;
}

static int print(struct view *v)
{
    AUTO(buf_done) struct buf out = { 0 };

    if (v->as_json) {
        buf_addf(&out, "{\"%s\":[", v->of->list);
        buf_add(&out, buf_str(&v->json));
        buf_add(&out, STR("]}\n"));
        out.failed |= v->json.failed;
    } else if (!v->count) {
        buf_addf(&out, "%s\n", v->of->nothing);
    } else {
        table_write(&v->table, (u32)table_width(STDOUT_FILENO), log_colours(STDOUT_FILENO), &out);
    }
    return command_print(&out);
}

int monitor_table_command(const struct monitor_table *m, int argc, char **argv)
{
    AUTO(control_options_done) struct control_options o = { 0 };
    struct view v = { .of = m, .table = { .column = m->columns, .columns = m->columns_count } };
    const struct monitor_rows rows = { .page = m->page, .list = m->list, .take = take, .arg = &v };
    struct settings_args args;
    int code = control_options_read(&o, m->flags, argc, argv, &args);

    if (code)
        return max(code, 0);
    if (args.operands > 1)
        return command_usage("%s are of one app, or of all; \"%.100s\" is one word too many",
                             m->list, argv[args.operand[1]]);
    v.as_json = o.json;
    code = monitor_rows_each(&rows, &o, args.operands ? argv[args.operand[0]] : NULL);
    if (!code)
        code = print(&v);
    table_done(&v.table);
    buf_done(&v.json);
    return code;
}
