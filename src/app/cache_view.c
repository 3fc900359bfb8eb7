/* app/cache_view.c -- `fettle cache`: what the cache of responses does, and purging it */
#include "app/brief.h"
#include "app/command.h"
#include "app/control_client.h"
#include "app/exit_code.h"
#include "app/monitor_rows.h"
#include "app/row.h"
#include "app/table.h"
#include "base/clock.h"
#include "base/log.h"
#include "conf/json_write.h"
#include "worker/order.h"

#define ANSWER_NS (10 * NS_PER_S)

struct view {
    const struct control_options *options;
    struct table table;
    struct buf json;
    u32 count, rows;
    u64 memory_bytes, memory_bytes_max, responses;
};

static const struct table_column columns[] = {
    { .title = "app", .drop = 5 },
    { .title = "route", .shorten = 30 },
    { .title = "hits", .right = true },
    { .title = "stale", .right = true, .drop = 2 },
    { .title = "validated", .right = true, .drop = 1 },
    { .title = "misses", .right = true },
    { .title = "passed", .right = true, .drop = 3 },
    { .title = "hit ratio", .right = true },
    { .title = "sent", .right = true, .drop = 4 },
};

static void count_cell(struct view *v, u64 n)
{
    AUTO(buf_done) struct buf text = { 0 };

    buf_addu(&text, n);
    table_add(&v->table, buf_str(&text));
}

static void row_add(struct view *v, struct str app, const struct json_value *row)
{
    AUTO(buf_done) struct buf ratio = { 0 };
    AUTO(buf_done) struct buf sent = { 0 };
    struct str route = row_text(row, "route");
    struct str number = json_value_number(json_value_member(row, "hit_ratio"));
    char digits[32];

    str_to_cstr(number, digits, sizeof(digits));
    if (number.len)
        buf_addf(&ratio, "%.1f %%", strtod(digits, NULL) * 100);
    else
        buf_addc(&ratio, '-');
    brief_bytes(&sent, (double)row_u64(row, "sent_bytes"));
    table_add(&v->table, app);
    table_add(&v->table, route.len ? route : STR("(no route)"));
    count_cell(v, row_u64(row, "hits"));
    count_cell(v, row_u64(row, "stale") + row_u64(row, "stale_if_error"));
    count_cell(v, row_u64(row, "validated"));
    count_cell(v, row_u64(row, "misses"));
    count_cell(v, row_u64(row, "passed"));
    table_add(&v->table, buf_str(&ratio));
    table_add(&v->table, buf_str(&sent));
    v->rows++;
}

static void take(void *arg, const struct json_value *app, u32 worker)
{
    struct view *v = arg;
    const struct json_value *routes = json_value_member(app, "routes");

    (void)worker; /* the cache is of all workers */
    if (v->options->json) {
        buf_add(&v->json, v->count ? STR(",") : STR(""));
        json_write(app, &v->json);
    }
    v->count++;
    v->memory_bytes = row_u64(app, "memory_bytes");
    v->memory_bytes_max = row_u64(app, "memory_bytes_max");
    v->responses = row_u64(app, "responses");
    for (u32 i = 0; i < json_value_count(routes) && !v->options->json; i++)
        row_add(v, row_text(app, "app"), json_value_at(routes, i));
}

static int print(struct view *v)
{
    AUTO(buf_done) struct buf out = { 0 };

    if (v->options->json) {
        buf_add(&out, STR("{\"apps\":["));
        buf_add(&out, buf_str(&v->json));
        buf_add(&out, STR("]}\n"));
        out.failed |= v->json.failed;
    } else if (v->memory_bytes_max == 0) {
        buf_add(&out, STR("the cache is off; --cache switches it on (doc/cache.md)\n"));
    } else {
        if (v->rows)
            table_write(&v->table, (u32)table_width(STDOUT_FILENO), log_colours(STDOUT_FILENO),
                        &out);
        buf_addf(&out, "%llu response%s stored, ", (unsigned long long)v->responses,
                 v->responses == 1 ? "" : "s");
        brief_bytes(&out, (double)v->memory_bytes);
        buf_add(&out, STR(" of "));
        brief_bytes(&out, (double)v->memory_bytes_max);
        buf_addc(&out, '\n');
    }
    return command_print(&out);
}

static int show(const struct control_options *o, const char *app)
{
    struct view v = { .options = o, .table = { .column = columns, .columns = ARRAY_LEN(columns) } };
    const struct monitor_rows rows = {
        .page = "/api/cache", .list = "apps", .take = take, .arg = &v
    };
    int code = monitor_rows_each(&rows, o, app);

    if (!code)
        code = print(&v);
    table_done(&v.table);
    buf_done(&v.json);
    return code;
}

/* ---- purging ---- */

static void order_write(struct buf *out, const struct control_app *app,
                        const struct control_options *o, const char *path)
{
    buf_addf(out, "{\"do\":\"%s\",\"app\":\"", order_name(ORDER_PURGE));
    buf_add_json(out, app->name);
    buf_addc(out, '"');
    if (path) {
        buf_add(out, STR(",\"path\":\""));
        buf_add_json(out, str_of(path));
        buf_addc(out, '"');
    }
    if (o->tag.len) {
        buf_add(out, STR(",\"tag\":\""));
        buf_add_json(out, o->tag);
        buf_addc(out, '"');
    }
    if (o->everything)
        buf_add(out, STR(",\"everything\":true"));
    buf_addc(out, '}');
}

static int said_print(const struct control_options *o, const struct json_value *said)
{
    AUTO(buf_done) struct buf out = { 0 };
    bool ok = json_value_kind(json_value_member(said, "ok")) == JSON_VALUE_TRUE;
    int code;

    if (o->json) {
        json_write(said, &out);
        buf_addc(&out, '\n');
    } else if (ok) {
        buf_addf(&out, "%.*s: %.*s\n", STR_ARG(row_text(said, "app")),
                 STR_ARG(row_text(said, "text")));
    } else {
        (void)command_usage("%.*s", STR_ARG(row_text(said, "error")));
        return EXIT_APP;
    }
    code = command_print(&out);
    return ok ? code : EXIT_APP;
}

static int purge(const struct control_options *o, const char *word, const char *path)
{
    AUTO(control_peers_done) struct control_peers peers = { 0 };
    AUTO(json_value_freep) struct json_value *said = NULL;
    AUTO(buf_done) struct buf order = { 0 };
    struct control_app app;
    struct problem p = { 0 };
    int err;

    control_peers_open(&peers, o);
    err = control_peers_app(&peers, o, word, &app, &p);
    if (err) {
        command_problem(&p);
        return err == -ENOENT ? EXIT_MISSING : EXIT_USAGE;
    }
    order_write(&order, &app, o, path);
    err = order.failed ? -ENOMEM : control_peer_again(app.peer);
    if (!err)
        err = control_peer_ask(app.peer, buf_str(&order));
    if (!err)
        err = control_peer_hear(app.peer, clock_now_ns() + ANSWER_NS, &said);
    if (!err)
        return said_print(o, said);
    (void)command_usage("the fettle that runs it cannot be talked to: %s", strerror(-err));
    return EXIT_APP;
}

/* «purge», then the app's name, if there are several, then a path, which begins with a slash. */
static int purge_words(const struct control_options *o, const struct settings_args *args,
                       char **argv)
{
    const char *app = NULL, *path = NULL;

    for (u32 i = 1; i < args->operands; i++) {
        const char *word = argv[args->operand[i]];

        if (*word == '/' && !path)
            path = word;
        else if (*word != '/' && !app && !path)
            app = word;
        else
            return command_usage("\"%.100s\" is one word too many; purge one path: "
                                 "fettle cache purge shop /path",
                                 word);
    }
    if ((path != NULL) + (o->tag.len > 0) + o->everything != 1)
        return command_usage("what is to be purged? Write a path, which begins with a slash, "
                             "--tag TAG, or --all");
    return purge(o, app, path);
}

int cache_command(int argc, char **argv)
{
    AUTO(control_options_done) struct control_options o = { 0 };
    struct settings_args args;
    int code = control_options_read(&o, &cache_flags, argc, argv, &args);

    if (code)
        return max(code, 0);
    if (args.operands && strcmp(argv[args.operand[0]], "purge") == 0)
        return purge_words(&o, &args, argv);
    if (o.tag.len || o.everything)
        return command_usage("--tag and --all are for fettle cache purge");
    if (args.operands > 1)
        return command_usage("\"%.100s\" is one word too many; fettle cache shows one app, or all",
                             argv[args.operand[1]]);
    return show(&o, args.operands ? argv[args.operand[0]] : NULL);
}
