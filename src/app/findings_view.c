/* app/findings_view.c -- `fettle findings`: what is wrong with the apps that run */
#include "app/brief.h"
#include "app/command.h"
#include "app/exit_code.h"
#include "app/monitor_rows.h"
#include "app/row.h"
#include "app/since.h"
#include "base/clock.h"
#include "conf/json_write.h"

enum { LINES_SHOWN = 12 };

struct view {
    const struct control_options *options;
    u64 since_ms; /* since 1970; 0: all */
    struct buf out;
    u32 count;
    bool colours;
};

/* "server.js:12 in handler" */
static void place_add(struct buf *out, const struct json_value *place)
{
    struct str function = row_text(place, "function"), file = row_text(place, "file");
    u64 line = row_u64(place, "line");

    buf_add(out, file);
    if (file.len && line)
        buf_addf(out, ":%llu", (unsigned long long)line);
    if (function.len)
        buf_addf(out, "%s%.*s", file.len ? " in " : "", STR_ARG(function));
}

static void workers_add(struct buf *out, const struct json_value *row)
{
    const struct json_value *list = json_value_member(row, "workers");
    u32 n = json_value_count(list);

    for (u32 i = 0; i < n; i++)
        buf_addf(out, "%s%.*s",
                 i       ? ", "
                 : n > 1 ? "; workers "
                         : "; worker ",
                 STR_ARG(json_value_number(json_value_at(list, i))));
}

/* "3 times, 412 ms at the longest, 1.2 s in all; last 10 s ago; worker 2" */
static void times_add(struct buf *out, const struct json_value *row)
{
    u64 count = row_u64(row, "count"), last_ms = row_u64(row, "last_ms"), now_ms = clock_wall_ms();
    double worst = strtod(json_value_number(json_value_member(row, "worst_ms")).ptr ?: "0", NULL);

    if (count == 1)
        buf_add(out, STR("once"));
    else
        buf_addf(out, "%llu times", (unsigned long long)count);
    if (worst > 0) {
        buf_add(out, STR(", "));
        row_time(out, row, "worst_ms");
        if (count > 1) {
            buf_add(out, STR(" at the longest, "));
            row_time(out, row, "total_ms");
            buf_add(out, STR(" in all"));
        }
    }
    buf_add(out, STR("; last "));
    brief_age(out, now_ms > last_ms ? now_ms - last_ms : 0);
    buf_add(out, STR(" ago"));
    workers_add(out, row);
}

static void line_add(struct buf *out, const char *prefix, struct str text)
{
    if (text.len)
        buf_addf(out, "    %s%.*s\n", prefix, STR_ARG(text));
}

static void evidence_add(struct buf *out, struct str text)
{
    for (u32 i = 0; text.ptr && text.len && i < LINES_SHOWN; i++)
        line_add(out, "  ", str_trim(str_cut(text, '\n', &text)));
}

static void finding_add(struct view *v, const struct json_value *row)
{
    const struct json_value *place = json_value_member(row, "place");
    struct str subject = row_text(row, "subject"), route = row_text(row, "route");
    struct buf *out = &v->out;

    buf_addf(out, "%s%s%.*s: %.*s", v->count ? "\n" : "", v->colours ? "\033[1m" : "",
             STR_ARG(row_text(row, "app")), STR_ARG(row_text(row, "title")));
    if (subject.len)
        buf_addf(out, ", %.*s", STR_ARG(subject));
    buf_addf(out, "%s (%.*s)\n    ", v->colours ? "\033[0m" : "", STR_ARG(row_text(row, "kind")));
    times_add(out, row);
    buf_addc(out, '\n');
    line_add(out, "route ", route);
    if (json_value_count(place)) {
        buf_add(out, STR("    at "));
        place_add(out, place);
        buf_addc(out, '\n');
        line_add(out, "> ", str_trim(row_text(place, "source")));
    }
    evidence_add(out, row_text(row, "text"));
    line_add(out, "", row_text(row, "advice"));
}

static bool is_wanted(const struct view *v, u32 worker, const struct json_value *row)
{
    const struct json_value *workers = json_value_member(row, "workers");
    bool in_worker = worker == 0;

    for (u32 i = 0; i < json_value_count(workers); i++) {
        u64 n;

        in_worker |= json_value_u64(json_value_at(workers, i), &n) && n == worker;
    }
    return in_worker && row_u64(row, "last_ms") >= v->since_ms &&
           str_starts(row_text(row, "kind"), v->options->kind);
}

static void take(void *arg, const struct json_value *row, u32 worker)
{
    struct view *v = arg;

    if (!is_wanted(v, worker, row))
        return;
    if (v->options->json) {
        buf_add(&v->out, v->count ? STR(",") : STR(""));
        json_write(row, &v->out);
    } else {
        finding_add(v, row);
    }
    v->count++;
}

int findings_command(int argc, char **argv)
{
    AUTO(control_options_done) struct control_options o = { 0 };
    struct view v = { .options = &o, .colours = log_colours(STDOUT_FILENO) };
    const struct monitor_rows rows = {
        .page = "/api/findings", .list = "findings", .take = take, .arg = &v
    };
    struct settings_args args;
    struct problem p = { 0 };
    int code = control_options_read(&o, &findings_flags, argc, argv, &args);

    if (code)
        return max(code, 0);
    if (args.operands > 1)
        return command_usage("findings are of one app, or of all; \"%.100s\" is one word too many",
                             argv[args.operand[1]]);
    if (since_read(o.since, &v.since_ms, &p) < 0) {
        command_problem(&p);
        return EXIT_USAGE;
    }
    buf_add(&v.out, o.json ? STR("{\"findings\":[") : STR(""));
    code = monitor_rows_each(&rows, &o, args.operands ? argv[args.operand[0]] : NULL);
    if (!code) {
        if (o.json)
            buf_add(&v.out, STR("]}\n"));
        else if (!v.count)
            buf_addf(&v.out,
                     o.kind.len ? "nothing of the kind %.*s was found to be wrong\n"
                                : "nothing was found to be wrong\n",
                     STR_ARG(o.kind));
        code = command_print(&v.out);
    }
    buf_done(&v.out);
    return code;
}
