/* app/ps.c -- `fettle ps`: every app of this user, in a table */
#include "app/command.h"
#include "app/control_client.h"
#include "app/exit_code.h"
#include "app/row.h"
#include "app/table.h"
#include "base/clock.h"
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

/* Of the fettles that run now. */
static void picture(const struct control_options *o, struct buf *out)
{
    AUTO(control_peers_done) struct control_peers ps = { 0 };
    struct control_app app;
    u32 at = 0;

    control_peers_open(&ps, o);
    if (o->json) {
        json_write_all(&ps, out);
    } else if (control_peers_each(&ps, &at, &app)) {
        text_write(&ps, out);
    } else {
        buf_add(out, STR("no app runs; `fettle run -d server.js` starts one in the background"));
        control_peers_refused(&ps, out);
        buf_addc(out, '\n');
    }
    if (ps.mute && !o->follow)
        fprintf(stderr, "fettle: %u more fettle%s of this user run%s, but do%s not answer\n",
                ps.mute, ps.mute == 1 ? "" : "s", ps.mute == 1 ? "s" : "",
                ps.mute == 1 ? "es" : "");
}

/* The first lines, as many as fit; *lines is how many these are. */
static struct str lines_first(struct str text, u32 most, u32 *lines)
{
    *lines = 0;
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == '\n' && ++*lines == most)
            return str_sub(text, 0, i + 1);
    return text;
}

/* Over what was shown before, line by line, so that nothing flickers; then what is left is wiped.
 */
static void redraw(struct buf *out, struct str text, u32 *shown)
{
    if (*shown)
        buf_addf(out, "\033[%uA\r", *shown);
    text = lines_first(text, max(table_height(STDOUT_FILENO), 3u) - 1, shown);
    while (text.ptr && text.len) {
        struct str line = str_cut(text, '\n', &text);

        buf_addf(out, "%.*s\033[K\n", STR_ARG(line));
    }
    buf_add(out, STR("\033[J"));
}

static int follow(const struct control_options *o)
{
    bool terminal = !o->json && isatty(STDOUT_FILENO);
    u32 shown = 0;
    int code;

    for (u32 n = 0;; n++) {
        AUTO(buf_done) struct buf text = { 0 };
        AUTO(buf_done) struct buf out = { 0 };

        if (n && !terminal && !o->json)
            buf_addc(&out, '\n');
        picture(o, &text);
        if (terminal)
            redraw(&out, buf_str(&text), &shown);
        else
            buf_add(&out, buf_str(&text));
        out.failed |= text.failed;
        code = command_print(&out);
        if (code)
            return code;
        usleep((useconds_t)(o->interval_ns / NS_PER_US));
    }
}

int ps_command(int argc, char **argv)
{
    AUTO(control_options_done) struct control_options o = { 0 };
    AUTO(buf_done) struct buf out = { 0 };
    struct settings_args args;
    int code = control_options_read(&o, &ps_flags, argc, argv, &args);

    if (code)
        return max(code, 0);
    if (args.operands)
        return command_usage("ps shows all apps; `fettle describe %.100s` shows one",
                             argv[args.operand[0]]);
    if (o.follow)
        return follow(&o);
    picture(&o, &out);
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
