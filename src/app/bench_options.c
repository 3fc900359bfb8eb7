/* app/bench_options.c -- what `fettle bench` can be told, in one table */
#include "app/bench_options.h"

#include "app/command.h"
#include "app/exit_code.h"

#define AT(field) offsetof(struct bench_options, field)
#define MS NS_PER_MS
#define DAY (86400 * NS_PER_S)

enum { LOAD, REQUEST, REPORT, GROUPS };

static const char *const group_title[GROUPS] = {
    [LOAD] = "The load",
    [REQUEST] = "The requests",
    [REPORT] = "What is reported",
};

/* clang-format off */
static const struct settings_row rows[] = {
{ .name = "rate", .short_flag = 'r', .type = SETTINGS_COUNT, .group = LOAD, .offset = AT(rate),
  .default_text = "full", .least = 1, .most = 10000000, .words = "full", .placeholder = "N",
  .help = "requests a second in all; full: as fast as they are answered",
  .more = "With a number, a request that no connection is free for waits, and its waiting counts." },
{ .name = "arrivals", .type = SETTINGS_ENUM, .group = LOAD, .offset = AT(arrivals),
  .default_text = "constant", .words = "constant|poisson", .placeholder = "HOW",
  .help = "with --rate: evenly spaced, or at random as by many users" },
{ .name = "connections", .short_flag = 'c', .type = SETTINGS_COUNT, .group = LOAD, .offset = AT(connections),
  .default_text = "64", .least = 1, .most = 100000, .placeholder = "N",
  .help = "connections in all" },
{ .name = "threads", .short_flag = 't', .type = SETTINGS_COUNT, .group = LOAD, .offset = AT(threads),
  .default_text = "1", .least = 1, .most = 64, .placeholder = "N",
  .help = "threads that share the connections and the rate" },
{ .name = "duration", .short_flag = 'd', .type = SETTINGS_DURATION, .group = LOAD, .offset = AT(duration_ns),
  .default_text = "10s", .least = 10 * MS, .most = DAY, .placeholder = "TIME",
  .help = "how long is measured, after the warm-up" },
{ .name = "warmup", .type = SETTINGS_DURATION, .group = LOAD, .flags = SETTINGS_ZERO_OFF, .offset = AT(warmup_ns),
  .default_text = "1s", .least = 1, .most = DAY, .placeholder = "TIME",
  .help = "how long the load is there before it counts" },
{ .name = "timeout", .type = SETTINGS_DURATION, .group = LOAD, .offset = AT(timeout_ns),
  .default_text = "30s", .least = 1 * MS, .most = DAY, .placeholder = "TIME",
  .help = "a request without an answer by then has failed" },
{ .name = "keepalive", .type = SETTINGS_BOOL, .group = LOAD, .offset = AT(keepalive),
  .default_text = "on",
  .help = "use a connection again; else one for each request" },
{ .name = "seed", .type = SETTINGS_COUNT, .group = LOAD, .offset = AT(seed),
  .default_text = "1", .least = 0, .most = UINT32_MAX, .placeholder = "N",
  .help = "another order of the mix, and other random arrivals" },
{ .name = "rounds", .type = SETTINGS_COUNT, .group = LOAD, .offset = AT(rounds),
  .default_text = "5", .least = 1, .most = 1000, .placeholder = "N",
  .help = "with two URLs: how often each is measured, in turns" },
{ .name = "method", .short_flag = 'X', .type = SETTINGS_TEXT, .group = REQUEST, .offset = AT(method),
  .default_text = "", .most = 64, .placeholder = "NAME",
  .help = "the method",
  .more = "Without it, GET, or POST when there is a body." },
{ .name = "header", .short_flag = 'H', .type = SETTINGS_LINES, .group = REQUEST, .offset = AT(headers),
  .default_text = "", .placeholder = "LINE",
  .help = "a header field, \"name: value\"; may be repeated" },
{ .name = "body", .type = SETTINGS_TEXT, .group = REQUEST, .offset = AT(body),
  .default_text = "", .placeholder = "TEXT",
  .help = "the body, or the message of a WebSocket" },
{ .name = "body-file", .type = SETTINGS_PATH, .group = REQUEST, .offset = AT(body_file),
  .default_text = "", .placeholder = "FILE",
  .help = "the same from a file" },
{ .name = "mix", .type = SETTINGS_PATH, .group = REQUEST, .offset = AT(mix),
  .default_text = "", .placeholder = "FILE",
  .help = "several kinds of requests with weights, as JSON",
  .more = "A list of objects with name, weight, method, path, headers, body and body_file, all of which may be left out." },
{ .name = "unix", .type = SETTINGS_PATH, .group = REQUEST, .offset = AT(unix_path),
  .default_text = "", .placeholder = "FILE",
  .help = "connect to this unix socket instead of the URL's host" },
{ .name = "unix2", .type = SETTINGS_PATH, .group = REQUEST, .offset = AT(unix_path2),
  .default_text = "", .placeholder = "FILE",
  .help = "the same for the second URL" },
{ .name = "json", .type = SETTINGS_BOOL, .group = REPORT, .offset = AT(json),
  .default_text = "off",
  .help = "one JSON object instead of a report for people" },
{ .name = "hdr", .type = SETTINGS_PATH, .group = REPORT, .offset = AT(hdr),
  .default_text = "", .placeholder = "FILE",
  .help = "write the distribution of latencies, as HdrHistogram does",
  .more = "Values are in milliseconds. With two URLs, FILE is the first one's, and FILE.2 the second one's." },
};
/* clang-format on */

static const u32 row_count = ARRAY_LEN(rows);
const struct settings_table bench_flags = {
    .command = "bench",
    .rows = rows,
    .count = &row_count,
    .group_title = group_title,
    .groups = GROUPS,
};

void bench_options_done(struct bench_options *o)
{
    settings_texts_free(&o->texts);
    *o = (struct bench_options){ 0 };
}

/* What single values cannot show. */
static int check(const struct bench_options *o, const struct settings_args *args, struct problem *p)
{
    if (args->operands == 0)
        return problem_set(p, "bench needs the URL of a server, such as http://localhost:3000/");
    if (args->operands > 2)
        return problem_set(p, "bench measures one or two URLs, and these are %u", args->operands);
    if (o->threads > o->connections)
        return problem_set(p, "--threads: %u threads cannot share %u connections", o->threads,
                           o->connections);
    if (o->body.len && o->body_file.len)
        return problem_set(p, "--body and --body-file exclude each other");
    if (o->mix.len && (o->method.len || o->headers.len || o->body.len || o->body_file.len))
        return problem_set(p, "--mix tells method, headers and body itself; put them into the "
                              "file");
    if (o->unix_path2.len && args->operands < 2)
        return problem_set(p, "--unix2 is for a second URL, and there is none");
    return 0;
}

int bench_options_read(struct bench_options *o, int argc, char **argv)
{
    struct problem p = { .text = "out of memory" };
    struct settings_args args;
    struct settings_values to = { o, &o->texts };
    int err;

    *o = (struct bench_options){ 0 };
    err = settings_table_init(&bench_flags, &to);
    if (!err)
        err = settings_table_read_args(&bench_flags, &to, argc, argv, 1, &args, &p);
    o->help = !err && args.help;
    if (o->help)
        return 0;
    if (!err)
        err = check(o, &args, &p);
    if (err) {
        command_problem(&p);
        return err == -ENOMEM ? EXIT_APP : EXIT_USAGE;
    }
    o->url = str_of(argv[args.operand[0]]);
    if (args.operands > 1)
        o->url2 = str_of(argv[args.operand[1]]);
    return 0;
}
