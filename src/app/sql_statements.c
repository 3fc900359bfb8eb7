/* app/sql_statements.c -- `fettle sql statements`: what the requests of running apps ask of
 * databases
 *
 * The monitor has a row for each statement of each route; here a statement is one row.
 */
#include "app/brief.h"
#include "app/command.h"
#include "app/exit_code.h"
#include "app/monitor_rows.h"
#include "app/row.h"
#include "app/sql_options.h"
#include "base/json.h"
#include "base/log.h"
#include "metrics/histogram.h"
#include "shm/calls.h"

enum { ID_SHOWN = 8, ROUTES_MAX = 50, STATEMENTS_MAX = 100000 };

/* A statement of an app. */
struct used {
    struct buf text; /* id, app, system and statement, each with a NUL; owned */
    const char *id, *app, *system, *statement;
    struct buf routes; /* with a NUL after each; owned */
    size_t route_at;   /* the one in which it takes the most time, in `routes` */
    u32 routes_count;
    u64 count, errors, rows;
    double total_ms, max_ms, requests_ms, route_ms; /* route_ms: of that route */
    bool rows_known;
    u64 bucket[SHM_CALL_BUCKETS];
};

struct view {
    struct used *used;
    u32 count;
    bool failed;
};

static double ms(const struct json_value *row, const char *name)
{
    struct str digits = json_value_number(json_value_member(row, name));
    char text[64];

    str_to_cstr(digits, text, sizeof(text));
    return strtod(text, NULL);
}

static void view_done(struct view *v)
{
    for (u32 i = 0; i < v->count; i++) {
        buf_done(&v->used[i].text);
        buf_done(&v->used[i].routes);
    }
    free(v->used);
}

static struct used *find(struct view *v, struct str app, struct str id)
{
    for (u32 i = 0; i < v->count; i++)
        if (str_eq(id, str_of(v->used[i].id)) && str_eq(app, str_of(v->used[i].app)))
            return &v->used[i];
    return NULL;
}

/* Its texts, as copies: the page goes. */
static bool texts_take(struct used *u, const struct json_value *row)
{
    static const char *const names[] = { "id", "app", "system", "statement" };
    const char **to[] = { &u->id, &u->app, &u->system, &u->statement };
    size_t at[ARRAY_LEN(names)];

    for (u32 i = 0; i < ARRAY_LEN(names); i++) {
        at[i] = u->text.len;
        buf_add(&u->text, row_text(row, names[i]));
        buf_addc(&u->text, 0);
    }
    for (u32 i = 0; i < ARRAY_LEN(names) && !u->text.failed; i++)
        *to[i] = u->text.ptr + at[i];
    return !u->text.failed;
}

static struct used *add(struct view *v, const struct json_value *row)
{
    struct used *more;

    if (v->count == STATEMENTS_MAX)
        return NULL;
    if ((v->count & (v->count - 1)) == 0) {
        more = realloc(v->used, (v->count ? 2 * (size_t)v->count : 1) * sizeof(*more));
        if (!more)
            return NULL;
        v->used = more;
    }
    more = &v->used[v->count];
    *more = (struct used){ 0 };
    if (!texts_take(more, row)) {
        buf_done(&more->text);
        return NULL;
    }
    v->count++;
    return more;
}

static void times_take(struct used *u, const struct json_value *row)
{
    const struct json_value *times = json_value_member(row, "times");

    for (u32 i = 0; i < json_value_count(times); i++) {
        const struct json_value *pair = json_value_at(times, i);
        double le_ns = 1e6 * strtod(json_value_number(json_value_at(pair, 0)).ptr ?: "0", NULL);
        u64 count = 0;
        u32 b = 0;

        /* Bounds come in whole microseconds. */
        while (b < SHM_CALL_BUCKETS - 1 && (double)shm_call_le_ns(b) * 1.05 < le_ns)
            b++;
        if (json_value_u64(json_value_at(pair, 1), &count))
            u->bucket[b] = u64_add(u->bucket[b], count);
    }
}

static void route_take(struct used *u, struct str route, double total_ms)
{
    if (u->routes_count >= ROUTES_MAX)
        return;
    if (u->routes_count++ == 0 || total_ms > u->route_ms) {
        u->route_at = u->routes.len;
        u->route_ms = total_ms;
    }
    buf_add(&u->routes, route);
    buf_addc(&u->routes, 0);
}

static void take(void *arg, const struct json_value *row, u32 worker)
{
    struct view *v = arg;
    struct used *u = find(v, row_text(row, "app"), row_text(row, "id"));
    double total_ms = ms(row, "total_ms");

    (void)worker; /* a statement is of all workers */
    u = u ? u : add(v, row);
    if (!u) {
        v->failed = true;
        return;
    }
    u->count += row_u64(row, "count");
    u->errors += row_u64(row, "errors");
    u->rows += row_u64(row, "rows");
    u->rows_known |= json_value_number(json_value_member(row, "rows")).len != 0;
    u->total_ms += total_ms;
    u->requests_ms += ms(row, "requests_ms");
    u->max_ms = max(u->max_ms, ms(row, "max_ms"));
    times_take(u, row);
    route_take(u, row_text(row, "route"), total_ms);
}

static int longest_first(const void *a, const void *b)
{
    const struct used *x = a, *y = b;

    return x->total_ms < y->total_ms ? 1 : x->total_ms > y->total_ms ? -1 : 0;
}

static double quantile_ms(const struct used *u, u32 permille)
{
    u64 le_ns[SHM_CALL_BUCKETS - 1];

    for (u32 i = 0; i < ARRAY_LEN(le_ns); i++)
        le_ns[i] = shm_call_le_ns(i);
    return min(u->max_ms,
               (double)histogram_quantile(u->bucket, le_ns, ARRAY_LEN(le_ns), permille) / 1e6);
}

static double mean_ms(const struct used *u)
{
    return u->count ? u->total_ms / (double)u->count : 0;
}

/* Of the time of the requests that it ran in: several at a time may take more. */
static double share(const struct used *u)
{
    return u->requests_ms > 0 ? min(1.0, u->total_ms / u->requests_ms) : 0;
}

static const struct table_column columns[] = {
    { .title = "id" },
    { .title = "app", .drop = 6 },
    { .title = "count", .right = true },
    { .title = "in all", .right = true },
    { .title = "mean", .right = true, .drop = 3 },
    { .title = "p99", .right = true },
    { .title = "of request", .right = true, .drop = 5 },
    { .title = "rows", .right = true, .drop = 2 },
    { .title = "errors", .right = true, .drop = 4 },
    { .title = "route", .shorten = 20, .drop = 1 },
    { .title = "statement", .shorten = 30 },
};

enum cell { TIME, NUMBER };

static void cell(struct table *t, enum cell kind, double n)
{
    AUTO(buf_done) struct buf text = { 0 };

    (kind == TIME ? brief_time : brief_number)(&text, n);
    table_add(t, buf_str(&text));
    t->cells.failed |= text.failed;
}

static void row_add(struct table *t, const struct used *u)
{
    AUTO(buf_done) struct buf percent = { 0 };
    AUTO(buf_done) struct buf route = { 0 };

    table_add(t, str_sub(str_of(u->id), 0, ID_SHOWN));
    table_add(t, str_of(u->app));
    cell(t, NUMBER, (double)u->count);
    cell(t, TIME, u->total_ms);
    cell(t, TIME, mean_ms(u));
    cell(t, TIME, quantile_ms(u, 990));
    buf_addf(&percent, "%.0f%%", 100 * share(u));
    table_add(t, buf_str(&percent));
    if (u->rows_known && u->count)
        cell(t, NUMBER, (double)u->rows / (double)u->count);
    else
        table_add(t, STR("-"));
    cell(t, NUMBER, (double)u->errors);
    buf_add(&route, str_of(u->routes.ptr + u->route_at));
    if (u->routes_count > 1)
        buf_addf(&route, " +%u", u->routes_count - 1);
    table_add(t, buf_str(&route));
    table_add(t, str_of(u->statement));
    t->cells.failed |= percent.failed || route.failed;
}

static void number_json(struct buf *out, const char *key, double n)
{
    json_key(out, key);
    buf_addf(out, "%.10g", n);
}

static void text_json(struct buf *out, const char *key, const char *text)
{
    json_key(out, key);
    json_text(out, str_of(text));
}

static void routes_json(struct buf *out, const struct used *u)
{
    json_key(out, "routes");
    buf_addc(out, '[');
    for (size_t at = 0; at < u->routes.len; at += strlen(u->routes.ptr + at) + 1)
        json_text(out, str_of(u->routes.ptr + at));
    buf_addc(out, ']');
}

static void used_json(struct buf *out, const struct used *u)
{
    json_comma(out);
    buf_addc(out, '{');
    text_json(out, "id", u->id);
    text_json(out, "app", u->app);
    text_json(out, "system", u->system);
    text_json(out, "statement", u->statement);
    json_key(out, "count");
    json_u64(out, u->count);
    json_key(out, "errors");
    json_u64(out, u->errors);
    json_key(out, "rows");
    if (u->rows_known)
        json_u64(out, u->rows);
    else
        json_null(out);
    number_json(out, "total_ms", u->total_ms);
    number_json(out, "mean_ms", mean_ms(u));
    number_json(out, "p50_ms", quantile_ms(u, 500));
    number_json(out, "p99_ms", quantile_ms(u, 990));
    number_json(out, "max_ms", u->max_ms);
    number_json(out, "share_of_requests", share(u));
    routes_json(out, u);
    buf_addc(out, '}');
}

static int print(struct view *v, const struct sql_options *o)
{
    AUTO(buf_done) struct buf out = { 0 };
    AUTO(table_done) struct table table = { .column = columns, .columns = ARRAY_LEN(columns) };
    u32 shown = o->top ? min(v->count, o->top) : v->count;

    if (v->count)
        qsort(v->used, v->count, sizeof(*v->used), longest_first);
    if (o->control.json) {
        buf_add(&out, STR("{\"statements\":["));
        for (u32 i = 0; i < shown; i++)
            used_json(&out, &v->used[i]);
        buf_add(&out, STR("]}\n"));
        return command_print(&out);
    }
    for (u32 i = 0; i < shown; i++)
        row_add(&table, &v->used[i]);
    if (shown)
        table_write(&table, (u32)table_width(STDOUT_FILENO), log_colours(STDOUT_FILENO), &out);
    else
        buf_add(&out, STR("no request has asked a database yet\n"));
    if (shown < v->count)
        buf_addf(&out, "… and %u more: --top all\n", v->count - shown);
    return command_print(&out);
}

int sql_statements_command(int argc, char **argv)
{
    AUTO(sql_options_done) struct sql_options o = { 0 };
    AUTO(view_done) struct view v = { 0 };
    const struct monitor_rows rows = {
        .page = "/api/statements", .list = "statements", .take = take, .arg = &v
    };
    int code = sql_options_read(&o, &sql_statements_flags, argc, argv);

    if (code)
        return max(code, 0);
    code = monitor_rows_each(&rows, &o.control, o.word);
    if (code)
        return code;
    if (v.failed) {
        command_problem(&(struct problem){ .text = "out of memory" });
        return EXIT_APP;
    }
    return print(&v, &o);
}
