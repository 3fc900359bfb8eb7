/* addon/calls_node.c -- what trace.js may call */
#define NAPI_VERSION 8
#include "calls_node.h"

#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "link.h"
#include "shm/journal.h"
#include "sql/shape.h"

enum { ARGS_MAX = 15, TEXT_MAX = 65536 };

/* The arguments of one call, and room for its texts. */
struct args {
    napi_env env;
    napi_value value[ARGS_MAX];
    char text[7][SHM_CALL_PLACE_MAX + 1];
    size_t texts;
};

static void args_take(struct args *a, napi_env env, napi_callback_info info)
{
    size_t count = ARGS_MAX;

    a->env = env;
    a->texts = 0;
    napi_get_cb_info(env, info, &count, a->value, NULL, NULL);
}

static double arg_number(const struct args *a, size_t i)
{
    double n = 0;

    if (napi_get_value_double(a->env, a->value[i], &n) != napi_ok || !(n >= 0))
        return 0;
    return n;
}

static uint32_t arg_u32(const struct args *a, size_t i)
{
    double n = arg_number(a, i);

    return n <= UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

static uint64_t arg_rows(const struct args *a, size_t i)
{
    double n = arg_number(a, i);

    return n < 0x1p53 ? (uint64_t)n : 0;
}

/* Of milliseconds. */
static uint64_t arg_ns(const struct args *a, size_t i)
{
    double ms = arg_number(a, i);

    return ms < 1e12 ? (uint64_t)(ms * 1e6) : 0;
}

/* Cut after `max` bytes. */
static struct calls_text arg_text(struct args *a, size_t i, size_t max)
{
    char *out = a->text[a->texts++];
    size_t n = 0;

    if (napi_get_value_string_utf8(a->env, a->value[i], out,
                                   (max < SHM_CALL_PLACE_MAX ? max : SHM_CALL_PLACE_MAX) + 1,
                                   &n) != napi_ok)
        n = 0;
    return (struct calls_text){ out, n };
}

static napi_value number(napi_env env, double n)
{
    napi_value v = NULL;

    napi_create_double(env, n, &v);
    return v;
}

static napi_value boolean(napi_env env, bool b)
{
    napi_value v = NULL;

    napi_get_boolean(env, b, &v);
    return v;
}

/* statement(system, text, shape): number + shape * 2^32. Longer texts are cut. */
static napi_value statement_call(napi_env env, napi_callback_info info)
{
    static char text[TEXT_MAX];
    struct args a;
    uint32_t n, shape = 0;
    size_t len = 0;

    args_take(&a, env, info);
    if (napi_get_value_string_utf8(env, a.value[1], text, sizeof text, &len) != napi_ok)
        len = 0;
    n = calls_statement((enum shm_call_system)arg_u32(&a, 0), text, len, arg_u32(&a, 2), &shape);
    return number(env, n + shape * 0x1p32);
}

/* route(name, requests, queries, ms, calls, ms) */
static napi_value route_call(napi_env env, napi_callback_info info)
{
    struct args a;
    struct shm_calls_route r = { 0 };
    struct calls_text name;

    args_take(&a, env, info);
    name = arg_text(&a, 0, SHM_CALL_ROUTE_MAX);
    r.requests = arg_u32(&a, 1);
    r.queries = arg_u32(&a, 2);
    r.queries_ns = arg_ns(&a, 3);
    r.calls = arg_u32(&a, 4);
    r.calls_ns = arg_ns(&a, 5);
    r.route_len = (uint32_t)name.len;
    calls_put(SHM_RECORD_CALLS_ROUTE, &r, sizeof r, &name, 1);
    return NULL;
}

/* The numbers of a Uint32Array of SHM_CALL_BUCKETS. */
static void arg_buckets(const struct args *a, size_t i, uint32_t *out)
{
    napi_typedarray_type type;
    size_t length;
    void *data;

    if (napi_get_typedarray_info(a->env, a->value[i], &type, &length, &data, NULL, NULL) ==
            napi_ok &&
        type == napi_uint32_array && length == SHM_CALL_BUCKETS)
        memcpy(out, data, SHM_CALL_BUCKETS * sizeof *out);
}

/* row(number, route, count, errors, ms, most ms, rows, of executions, ms of requests, buckets):
 * false when there is no such number any more */
static napi_value row_call(napi_env env, napi_callback_info info)
{
    struct args a;
    struct calls_statement s;
    struct shm_calls_statement r = { 0 };
    struct calls_text texts[2];

    args_take(&a, env, info);
    if (!calls_statement_get(arg_u32(&a, 0), &s))
        return boolean(env, false);
    texts[0] = arg_text(&a, 1, SHM_CALL_ROUTE_MAX);
    texts[1] = (struct calls_text){ s.text, s.len };
    r.hash = s.hash;
    r.system = s.system;
    r.count = arg_u32(&a, 2);
    r.errors = arg_u32(&a, 3);
    r.total_ns = arg_ns(&a, 4);
    r.max_ns = arg_ns(&a, 5);
    r.rows = arg_rows(&a, 6);
    r.rows_of = arg_u32(&a, 7);
    r.requests_ns = arg_ns(&a, 8);
    arg_buckets(&a, 9, r.bucket);
    r.route_len = (uint32_t)texts[0].len;
    r.statement_len = (uint32_t)texts[1].len;
    calls_put(SHM_RECORD_CALLS_STATEMENT, &r, sizeof r, texts, 2);
    return boolean(env, true);
}

/* slow(number, route, count, slow, ms, most ms, function, file, line, column, source, place):
 * likewise */
static napi_value slow_call(napi_env env, napi_callback_info info)
{
    static struct args a;
    struct calls_statement s;
    struct shm_calls_slow r = { 0 };
    struct calls_text texts[5];

    args_take(&a, env, info);
    if (!calls_statement_get(arg_u32(&a, 0), &s))
        return boolean(env, false);
    texts[0] = arg_text(&a, 1, SHM_CALL_ROUTE_MAX);
    texts[1] = arg_text(&a, 6, 200);
    texts[2] = arg_text(&a, 7, 1000);
    texts[3] = arg_text(&a, 10, 200);
    texts[4] = arg_text(&a, 11, SHM_CALL_PLACE_MAX);
    r.hash = s.hash;
    r.system = s.system;
    r.count = arg_u32(&a, 2);
    r.slow = arg_u32(&a, 3);
    r.total_ns = arg_ns(&a, 4);
    r.max_ns = arg_ns(&a, 5);
    r.line = arg_u32(&a, 8);
    r.column = arg_u32(&a, 9);
    r.route_len = (uint32_t)texts[0].len;
    r.function_len = (uint32_t)texts[1].len;
    r.file_len = (uint32_t)texts[2].len;
    r.source_len = (uint32_t)texts[3].len;
    r.place_len = (uint32_t)texts[4].len;
    calls_put(SHM_RECORD_CALLS_SLOW, &r, sizeof r, texts, 5);
    return boolean(env, true);
}

/* repeated(number, route, requests, count, most, ms, most ms, concurrent, function, file, line,
 * column, source, place, via): likewise */
static napi_value repeated_call(napi_env env, napi_callback_info info)
{
    static struct args a;
    struct calls_statement s;
    struct shm_calls_repeated r = { 0 };
    struct calls_text texts[7];

    args_take(&a, env, info);
    if (!calls_statement_get(arg_u32(&a, 0), &s))
        return boolean(env, false);
    texts[0] = arg_text(&a, 1, SHM_CALL_ROUTE_MAX);
    texts[1] = (struct calls_text){ s.text, s.len };
    texts[2] = arg_text(&a, 8, 200);
    texts[3] = arg_text(&a, 9, 1000);
    texts[4] = arg_text(&a, 12, 200);
    texts[5] = arg_text(&a, 13, SHM_CALL_PLACE_MAX);
    texts[6] = arg_text(&a, 14, 200);
    r.hash = s.hash;
    r.system = s.system;
    r.requests = arg_u32(&a, 2);
    r.count = arg_u32(&a, 3);
    r.most = arg_u32(&a, 4);
    r.total_ns = arg_ns(&a, 5);
    r.max_ns = arg_ns(&a, 6);
    r.concurrent = arg_u32(&a, 7);
    r.line = arg_u32(&a, 10);
    r.column = arg_u32(&a, 11);
    r.route_len = (uint32_t)texts[0].len;
    r.statement_len = (uint32_t)texts[1].len;
    r.function_len = (uint32_t)texts[2].len;
    r.file_len = (uint32_t)texts[3].len;
    r.source_len = (uint32_t)texts[4].len;
    r.place_len = (uint32_t)texts[5].len;
    r.via_len = (uint32_t)texts[6].len;
    calls_put(SHM_RECORD_CALLS_REPEATED, &r, sizeof r, texts, 7);
    return boolean(env, true);
}

/* sequential(first number, second number, route, requests, ms, most ms, function, file, line,
 * column, source, line of the first, source of the first): likewise */
static napi_value sequential_call(napi_env env, napi_callback_info info)
{
    static struct args a;
    struct calls_statement first, second;
    struct shm_calls_sequential r = { 0 };
    struct calls_text texts[7];

    args_take(&a, env, info);
    if (!calls_statement_get(arg_u32(&a, 0), &first) ||
        !calls_statement_get(arg_u32(&a, 1), &second))
        return boolean(env, false);
    texts[0] = arg_text(&a, 2, SHM_CALL_ROUTE_MAX);
    texts[1] = (struct calls_text){ first.text, first.len };
    texts[2] = (struct calls_text){ second.text, second.len };
    texts[3] = arg_text(&a, 6, 200);
    texts[4] = arg_text(&a, 7, 1000);
    texts[5] = arg_text(&a, 10, 200);
    texts[6] = arg_text(&a, 12, 200);
    r.requests = arg_u32(&a, 3);
    r.saved_ns = arg_ns(&a, 4);
    r.most_ns = arg_ns(&a, 5);
    r.line = arg_u32(&a, 8);
    r.column = arg_u32(&a, 9);
    r.first_line = arg_u32(&a, 11);
    r.route_len = (uint32_t)texts[0].len;
    r.first_len = (uint32_t)texts[1].len;
    r.second_len = (uint32_t)texts[2].len;
    r.function_len = (uint32_t)texts[3].len;
    r.file_len = (uint32_t)texts[4].len;
    r.source_len = (uint32_t)texts[5].len;
    r.first_source_len = (uint32_t)texts[6].len;
    calls_put(SHM_RECORD_CALLS_SEQUENTIAL, &r, sizeof r, texts, 7);
    return boolean(env, true);
}

static void constant(napi_env env, napi_value object, const char *name, double value)
{
    napi_set_named_property(env, object, name, number(env, value));
}

static void constants_add(napi_env env, napi_value o)
{
    const struct shm_app *app = NULL;
    uint32_t index = link_here.slot ? atomic_load(&link_here.slot->app) : SHM_APPS_MAX;

    if (link_here.shm && index < SHM_APPS_MAX)
        app = &link_here.shm->app[index];
    constant(env, o, "REQUESTS", app ? app->watch_requests : 0);
    constant(env, o, "REPEATS", app ? app->n_plus_one : 0);
    constant(env, o, "TOGETHER_MS", app ? (double)app->n_plus_one_ns / 1e6 : 0);
    constant(env, o, "SLOW_MS", app ? (double)app->slow_statement_ns / 1e6 : 0);
    constant(env, o, "BUCKETS", SHM_CALL_BUCKETS);
    constant(env, o, "TRACED", app && app->traced);
    constant(env, o, "STATEMENTS_MAX", CALLS_STATEMENTS_MAX);
    constant(env, o, "POSTGRESQL", SHM_CALL_POSTGRESQL);
    constant(env, o, "MYSQL", SHM_CALL_MYSQL);
    constant(env, o, "SQLITE", SHM_CALL_SQLITE);
    constant(env, o, "REDIS", SHM_CALL_REDIS);
    constant(env, o, "MONGODB", SHM_CALL_MONGODB);
    constant(env, o, "HTTP", SHM_CALL_HTTP);
    constant(env, o, "READ", SQL_SHAPE_READ);
    constant(env, o, "WRITE", SQL_SHAPE_WRITE);
    constant(env, o, "TRANSACTION_BEGIN", SQL_SHAPE_TRANSACTION_BEGIN);
    constant(env, o, "TRANSACTION_END", SQL_SHAPE_TRANSACTION_END);
    constant(env, o, "DELIBERATE", SQL_SHAPE_DELIBERATE);
    constant(env, o, "PAGE", SQL_SHAPE_PAGE);
    constant(env, o, "PIPELINED", CALLS_PIPELINED);
}

napi_value calls_node(napi_env env)
{
    static const struct {
        const char *name;
        napi_callback call;
    } calls[] = {
        { "statement", statement_call }, { "route", route_call },           { "row", row_call },
        { "repeated", repeated_call },   { "sequential", sequential_call }, { "slow", slow_call },
    };
    napi_value o = NULL, fn = NULL;

    napi_create_object(env, &o);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        napi_create_function(env, calls[i].name, NAPI_AUTO_LENGTH, calls[i].call, NULL, &fn);
        napi_set_named_property(env, o, calls[i].name, fn);
    }
    constants_add(env, o);
    return o;
}
