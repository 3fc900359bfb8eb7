/* app/describe.c -- `fettle describe`: everything about one app */
#include "app/brief.h"
#include "app/command.h"
#include "app/control_client.h"
#include "app/exit_code.h"
#include "app/row.h"
#include "app/table.h"
#include "base/clock.h"
#include "conf/json_write.h"

enum { NAME_COLUMN = 14 };
#define ANSWER_NS (5 * NS_PER_S)

static const struct table_column worker_columns[] = {
    { .title = "worker", .right = true },
    { .title = "pid", .right = true },
    { .title = "state", .shorten = 7 },
    { .title = "generation", .right = true, .drop = 7 },
    { .title = "loop", .right = true, .drop = 1 },
    { .title = "p99", .right = true, .drop = 2 },
    { .title = "req/s", .right = true, .drop = 3 },
    { .title = "memory", .right = true, .drop = 4 },
    { .title = "restarts", .right = true, .drop = 6 },
    { .title = "uptime", .right = true, .drop = 5 },
};
static const struct table_column setting_columns[] = {
    { .title = "setting" },
    { .title = "value", .shorten = 8 },
    { .title = "default", .drop = 2, .shorten = 8 },
    { .title = "from", .drop = 1, .shorten = 8 },
};

static const struct table_column place_columns[] = {
    { .title = "place", .shorten = 12 },
    { .title = "setting" },
    { .title = "value", .shorten = 8 },
    { .title = "from", .drop = 1, .shorten = 8 },
};

struct view {
    const struct json_value *app;
    u32 worker; /* 0: all */
    struct buf out;
    u32 width;
    bool colours;
};

static void title(struct view *v, const char *name)
{
    buf_addf(&v->out, "%-*s ", NAME_COLUMN, name);
}

static void line(struct view *v, const char *name, struct str value)
{
    if (value.len == 0)
        return;
    title(v, name);
    buf_add(&v->out, value);
    buf_addc(&v->out, '\n');
}

/* The elements of a list of texts, with `between` between. */
static void list(struct view *v, const char *name, const char *member, const char *between)
{
    const struct json_value *all = json_value_member(v->app, member);

    for (u32 i = 0; i < json_value_count(all); i++) {
        if (i == 0)
            title(v, name);
        else
            buf_add(&v->out, str_of(between));
        buf_add(&v->out, json_value_text(json_value_at(all, i)));
    }
    if (json_value_count(all))
        buf_addc(&v->out, '\n');
}

static void head(struct view *v)
{
    const struct json_value *app = v->app, *fettle = json_value_member(app, "supervisor");
    struct buf *out = &v->out;

    buf_addf(out, "%s%.*s%s: %.*s, %llu of %llu workers ready, up ", v->colours ? "\033[1m" : "",
             STR_ARG(row_text(app, "name")), v->colours ? "\033[0m" : "",
             STR_ARG(row_text(app, "state")), (unsigned long long)row_u64(app, "workers_ready"),
             (unsigned long long)row_u64(app, "workers_wanted"));
    row_age(out, app, "uptime_ms");
    buf_addc(out, '\n');
    list(v, "findings", "findings", "; ");
    list(v, "command", "command", " ");
    line(v, "cwd", row_text(app, "cwd"));
    list(v, "listens", "urls", ", ");
    line(v, "node", row_text(app, "node_version"));
    title(v, "traffic");
    row_number(out, app, "requests_per_second");
    buf_add(out, STR(" requests/s, p99 "));
    row_time(out, app, "p99_ms");
    buf_add(out, STR(", loops busy "));
    row_percent(out, app, "utilization");
    buf_addc(out, '\n');
    title(v, "memory");
    row_bytes(out, app, "memory_bytes");
    buf_addc(out, '\n');
    title(v, "restarts");
    row_count(out, app, "restarts");
    buf_addc(out, '\n');
    title(v, "supervisor");
    buf_addf(out, "pid %llu, fettle %.*s, up ", (unsigned long long)row_u64(fettle, "pid"),
             STR_ARG(row_text(fettle, "version")));
    row_age(out, fettle, "uptime_ms");
    buf_addc(out, '\n');
    line(v, "folder", row_text(fettle, "runtime_dir"));
    line(v, "log", row_text(fettle, "log"));
}

static void ends_add(struct view *v, const struct json_value *row)
{
    struct str why = row_text(row, "last_restart_why");

    if (why.len == 0)
        return;
    buf_addf(&v->out, "worker %llu was started again ", (unsigned long long)row_u64(row, "worker"));
    row_age(&v->out, row, "last_restart_ago_ms");
    buf_addf(&v->out, " ago: %.*s\n", STR_ARG(why));
}

static bool is_meant(const struct view *v, const struct json_value *row)
{
    return !v->worker || row_u64(row, "worker") == v->worker;
}

static void workers(struct view *v)
{
    const struct json_value *all = json_value_member(v->app, "workers");
    struct table t = { .column = worker_columns, .columns = ARRAY_LEN(worker_columns) };

    for (u32 i = 0; i < json_value_count(all); i++) {
        const struct json_value *row = json_value_at(all, i);

        if (!is_meant(v, row))
            continue;
        row_cell(&t, row, "worker", row_count);
        row_cell(&t, row, "pid", row_count);
        table_add(&t, row_text(row, "state"));
        row_cell(&t, row, "generation", row_count);
        row_cell(&t, row, "utilization", row_percent);
        row_cell(&t, row, "p99_ms", row_time);
        row_cell(&t, row, "requests_per_second", row_number);
        row_cell(&t, row, "memory_bytes", row_bytes);
        row_cell(&t, row, "restarts", row_count);
        row_cell(&t, row, "uptime_ms", row_age);
    }
    buf_addc(&v->out, '\n');
    table_write(&t, v->width, v->colours, &v->out);
    table_done(&t);
    for (u32 i = 0; i < json_value_count(all); i++)
        if (is_meant(v, json_value_at(all, i)))
            ends_add(v, json_value_at(all, i));
}

static void settings(struct view *v)
{
    const struct json_value *all = json_value_member(v->app, "settings");
    struct table t = { .column = setting_columns, .columns = ARRAY_LEN(setting_columns) };

    for (u32 i = 0; i < json_value_count(all); i++) {
        const struct json_value *row = json_value_at(all, i);
        struct str value = row_text(row, "value"), by_default = row_text(row, "default");

        table_add(&t, row_text(row, "name"));
        table_add(&t, value.len ? value : STR("-"));
        table_add(&t, by_default.len ? by_default : STR("-"));
        table_add(&t, row_text(row, "from"));
    }
    if (json_value_count(all)) {
        buf_addc(&v->out, '\n');
        table_write(&t, v->width, v->colours, &v->out);
    }
    table_done(&t);
}

/* "route :8080 shop.example/api → api" */
static void place_text(struct buf *out, const struct json_value *place)
{
    struct str address = row_text(place, "address"), app = row_text(place, "app");
    bool is_route = str_eq(row_text(place, "kind"), STR("route"));

    buf_add(out, row_text(place, "kind"));
    if (address.len)
        buf_addf(out, " %.*s", STR_ARG(address));
    if (is_route)
        buf_addf(out, " %.*s%.*s", STR_ARG(row_text(place, "host")),
                 STR_ARG(json_value_member(place, "path") ? row_text(place, "path") : STR("/")));
    if (app.len)
        buf_addf(out, " → %.*s", STR_ARG(app));
}

static void place_add(struct table *t, const struct json_value *place)
{
    const struct json_value *all = json_value_member(place, "settings");
    AUTO(buf_done) struct buf name = { 0 };

    place_text(&name, place);
    for (u32 i = 0; i < max(json_value_count(all), 1u); i++) {
        const struct json_value *row = json_value_at(all, i);
        struct str value = row_text(row, "value");

        table_add(t, i ? STR("") : buf_str(&name));
        table_add(t, row ? row_text(row, "name") : STR("-"));
        table_add(t, value.len ? value : STR("-"));
        table_add(t, row_text(row, "from"));
    }
}

/* What is said for listeners and routes. */
static void places(struct view *v)
{
    const struct json_value *all = json_value_member(v->app, "places");
    struct table t = { .column = place_columns, .columns = ARRAY_LEN(place_columns) };

    for (u32 i = 0; i < json_value_count(all); i++)
        place_add(&t, json_value_at(all, i));
    if (json_value_count(all)) {
        buf_addc(&v->out, '\n');
        table_write(&t, v->width, v->colours, &v->out);
    }
    table_done(&t);
}

static int fetch(struct control_app *app, struct json_value **answer)
{
    AUTO(buf_done) struct buf ask = { 0 };
    int err;

    buf_add(&ask, STR("{\"do\":\"describe\",\"app\":\""));
    buf_add_json(&ask, app->name);
    buf_add(&ask, STR("\"}"));
    err = ask.failed ? -ENOMEM : control_peer_ask(app->peer, buf_str(&ask));
    return err ? err : control_peer_hear(app->peer, clock_now_ns() + ANSWER_NS, answer);
}

int describe_command(int argc, char **argv)
{
    AUTO(control_options_done) struct control_options o = { 0 };
    AUTO(control_peers_done) struct control_peers ps = { 0 };
    AUTO(json_value_freep) struct json_value *answer = NULL;
    struct view v = { .width = table_width(STDOUT_FILENO), .colours = log_colours(STDOUT_FILENO) };
    struct settings_args args;
    struct control_app app;
    struct problem p = { 0 };
    int code = control_options_read(&o, &describe_flags, argc, argv, &args), err;

    if (code)
        return max(code, 0);
    if (args.operands > 1)
        return command_usage("describe shows one app; \"%.100s\" is one word too many",
                             argv[args.operand[1]]);
    control_peers_open(&ps, &o);
    err = control_peers_app(&ps, &o, args.operands ? argv[args.operand[0]] : NULL, &app, &p);
    if (err) {
        command_problem(&p);
        return err == -ENOENT ? EXIT_MISSING : EXIT_USAGE;
    }
    err = fetch(&app, &answer);
    v.app = json_value_member(answer, "app");
    if (err || !v.app) {
        problem_set(&p, "the fettle that runs %.*s has not told: %.*s", STR_ARG(app.name),
                    STR_ARG(err ? str_of(strerror(-err)) : row_text(answer, "error")));
        command_problem(&p);
        return EXIT_APP;
    }
    v.worker = app.worker;
    if (o.json) {
        json_write(v.app, &v.out);
        buf_addc(&v.out, '\n');
    } else {
        head(&v);
        workers(&v);
        settings(&v);
        places(&v);
    }
    code = command_print(&v.out);
    buf_done(&v.out);
    return code;
}
