/* app/monitor_table.c -- a command that shows a list of the monitors' as a table, or as JSON */
#include "app/monitor_table.h"

#include "app/command.h"
#include "app/monitor_rows.h"
#include "base/log.h"
#include "conf/json_write.h"

/* A row, as JSON: it has to live longer than the page that it came with. */
struct kept {
    double key;
    u32 number;
    struct buf json;
};

struct view {
    const struct monitor_table *of;
    const char *sort; /* the member by which; NULL: as they come */
    bool as_json, failed;
    struct kept *kept;
    u32 count;
};

static double key_of(const struct json_value *row, const char *name)
{
    struct str digits = json_value_number(json_value_member(row, name));
    char text[64];

    str_to_cstr(digits, text, sizeof(text));
    return digits.len ? strtod(text, NULL) : -1; /* what is not known comes last */
}

static void take(void *arg, const struct json_value *row, u32 worker)
{
    struct view *v = arg;
    struct kept *k;

    (void)worker; /* these rows are of all workers */
    if ((v->count & (v->count - 1)) == 0) {
        k = realloc(v->kept, (v->count ? 2 * (size_t)v->count : 1) * sizeof(*k));
        if (!k) {
            v->failed = true;
            return;
        }
        v->kept = k;
    }
    k = &v->kept[v->count];
    *k = (struct kept){ .key = v->sort ? key_of(row, v->sort) : 0, .number = v->count };
    v->count++;
    json_write(row, &k->json);
    v->failed |= k->json.failed;
}

static int largest_first(const void *a, const void *b)
{
    const struct kept *x = a, *y = b;

    if (x->key != y->key)
        return x->key < y->key ? 1 : -1;
    return x->number < y->number ? -1 : 1;
}

static void json_add(struct buf *out, const struct view *v)
{
    buf_addf(out, "{\"%s\":[", v->of->list);
    for (u32 i = 0; i < v->count; i++) {
        buf_add(out, i ? STR(",") : STR(""));
        buf_add(out, buf_str(&v->kept[i].json));
    }
    buf_add(out, STR("]}\n"));
}

static void table_print(struct buf *out, const struct view *v)
{
    struct table t = { .column = v->of->columns, .columns = v->of->columns_count };
    struct problem p;

    for (u32 i = 0; i < v->count; i++) {
        struct json_value *row;

        if (!json_value_parse(&row, buf_str(&v->kept[i].json), v->of->page, &p)) {
            v->of->row_add(&t, row);
            json_value_free(row);
        }
    }
    table_write(&t, (u32)table_width(STDOUT_FILENO), log_colours(STDOUT_FILENO), out);
    table_done(&t);
}

static int print(const struct view *v)
{
    AUTO(buf_done) struct buf out = { .failed = v->failed };

    if (v->count)
        qsort(v->kept, v->count, sizeof(*v->kept), largest_first);
    if (v->as_json)
        json_add(&out, v);
    else if (!v->count)
        buf_addf(&out, "%s\n", v->of->nothing);
    else
        table_print(&out, v);
    return command_print(&out);
}

static void view_done(struct view *v)
{
    for (u32 i = 0; i < v->count; i++)
        buf_done(&v->kept[i].json);
    free(v->kept);
}

int monitor_table_command(const struct monitor_table *m, int argc, char **argv)
{
    AUTO(control_options_done) struct control_options o = { 0 };
    AUTO(view_done) struct view v = { .of = m };
    const struct monitor_rows rows = { .page = m->page, .list = m->list, .take = take, .arg = &v };
    struct settings_args args;
    int code = control_options_read(&o, m->flags, argc, argv, &args);

    if (code)
        return max(code, 0);
    if (args.operands > 1)
        return command_usage("%s are of one app, or of all; \"%.100s\" is one word too many",
                             m->list, argv[args.operand[1]]);
    v.as_json = o.json;
    v.sort = m->sorts ? m->sorts[o.sort] : NULL;
    code = monitor_rows_each(&rows, &o, args.operands ? argv[args.operand[0]] : NULL);
    if (!code)
        code = print(&v);
    return code;
}
