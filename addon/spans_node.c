/* addon/spans_node.c -- what trace_spans.js may call */
#define NAPI_VERSION 8
#include "spans_node.h"

#include "spans.h"

enum { ARGS_MAX = 12, DETAIL_MAX = 2 * SPANRECORD_ATTRIBUTES_MAX };

struct args {
    napi_env env;
    napi_value value[ARGS_MAX];
};

static void args_take(struct args *a, napi_env env, napi_callback_info info)
{
    size_t count = ARGS_MAX;

    a->env = env;
    napi_get_cb_info(env, info, &count, a->value, NULL, NULL);
}

static double number_of(napi_env env, napi_value value)
{
    double n = 0;

    return napi_get_value_double(env, value, &n) == napi_ok && n == n ? n : 0;
}

static uint32_t arg_u32(const struct args *a, size_t i)
{
    double n = number_of(a->env, a->value[i]);

    return n >= 0 && n <= UINT32_MAX ? (uint32_t)n : 0;
}

static uint64_t arg_ns(const struct args *a, size_t i)
{
    return spans_ns(number_of(a->env, a->value[i]));
}

/* In `out`, cut after `max` bytes; what is no text is empty. */
static struct calls_text text_of(napi_env env, napi_value value, char *out, size_t max)
{
    size_t n = 0;

    if (napi_get_value_string_utf8(env, value, out, max, &n) != napi_ok)
        n = 0;
    return (struct calls_text){ out, n };
}

static napi_value number(napi_env env, double n)
{
    napi_value v = NULL;

    napi_create_double(env, n, &v);
    return v;
}

/* origin(ns) */
static napi_value origin_call(napi_env env, napi_callback_info info)
{
    struct args a;

    args_take(&a, env, info);
    spans_origin(number_of(env, a.value[0]));
    return NULL;
}

/* parent(traceparent): its number */
static napi_value parent_call(napi_env env, napi_callback_info info)
{
    struct args a;
    char text[64];

    args_take(&a, env, info);
    return number(env, spans_parent(text_of(env, a.value[0], text, sizeof text)));
}

/* target(address, port, namespace): its number */
static napi_value target_call(napi_env env, napi_callback_info info)
{
    struct args a;
    char address[256], name[256];
    struct spanrecord_target target;

    args_take(&a, env, info);
    target.address = text_of(env, a.value[0], address, sizeof address);
    target.port = arg_u32(&a, 1);
    target.namespace = text_of(env, a.value[2], name, sizeof name);
    return number(env, spans_target(&target));
}

/* call(traceparent, id, system, statement, begun ms, ended ms, error, [address, port, namespace],
 * method, URL, status): how many bytes wait */
static napi_value call_call(napi_env env, napi_callback_info info)
{
    static char parent[64], id[32], error[128], address[256], name[256], method[64], url[2048];
    struct args a;
    struct spanrecord_call call = { 0 };
    napi_value part[3] = { 0 };

    args_take(&a, env, info);
    if (!spanrecord_parent(text_of(env, a.value[0], parent, sizeof parent), &call.parent))
        return number(env, 0);
    for (uint32_t i = 0; i < 3; i++)
        if (napi_get_element(env, a.value[7], i, &part[i]) != napi_ok)
            return number(env, 0);
    spanrecord_id(text_of(env, a.value[1], id, sizeof id), call.span);
    call.system = (enum shm_call_system)arg_u32(&a, 2);
    call.statement = arg_u32(&a, 3);
    call.begun_ns = arg_ns(&a, 4);
    call.ended_ns = arg_ns(&a, 5);
    call.error = text_of(env, a.value[6], error, sizeof error);
    call.target.address = text_of(env, part[0], address, sizeof address);
    call.target.port = (uint32_t)number_of(env, part[1]);
    call.target.namespace = text_of(env, part[2], name, sizeof name);
    call.method = text_of(env, a.value[8], method, sizeof method);
    call.url = text_of(env, a.value[9], url, sizeof url);
    call.status = arg_u32(&a, 10);
    return number(env, spans_call(&call));
}

static void attribute_take(napi_env env, napi_value key, napi_value value,
                           struct spanrecord_attribute *out, char text[2][320])
{
    napi_valuetype type = napi_undefined;
    bool yes = false;

    napi_typeof(env, value, &type);
    out->key = text_of(env, key, text[0], sizeof text[0]);
    if (type == napi_string) {
        out->type = SHM_ATTRIBUTE_TEXT;
        out->text = text_of(env, value, text[1], sizeof text[1]);
    } else if (type == napi_boolean) {
        napi_get_value_bool(env, value, &yes);
        out->type = SHM_ATTRIBUTE_BOOL;
        out->number = yes;
    } else {
        out->number = number_of(env, value);
        out->type = out->number >= -0x1p53 && out->number <= 0x1p53 &&
                            out->number == (double)(int64_t)out->number
                        ? SHM_ATTRIBUTE_INT
                        : SHM_ATTRIBUTE_DOUBLE;
    }
}

/* inner(traceparent, name, begun ms, ended ms, [key, text or number or boolean, ...]): likewise */
static napi_value inner_call(napi_env env, napi_callback_info info)
{
    static char parent[64], name[SHM_SPAN_NAME_MAX + 1];
    static char texts[SPANRECORD_ATTRIBUTES_MAX][2][320];
    static struct spanrecord_inner inner;
    struct args a;
    uint32_t count = 0;

    args_take(&a, env, info);
    if (!spanrecord_parent(text_of(env, a.value[0], parent, sizeof parent), &inner.parent))
        return number(env, 0);
    inner.name = text_of(env, a.value[1], name, sizeof name);
    inner.begun_ns = arg_ns(&a, 2);
    inner.ended_ns = arg_ns(&a, 3);
    inner.attributes = 0;
    if (napi_get_array_length(env, a.value[4], &count) != napi_ok)
        count = 0;
    for (uint32_t i = 0; i + 1 < count && i < DETAIL_MAX; i += 2) {
        napi_value key = NULL, value = NULL;

        if (napi_get_element(env, a.value[4], i, &key) != napi_ok ||
            napi_get_element(env, a.value[4], i + 1, &value) != napi_ok)
            break;
        attribute_take(env, key, value, &inner.attribute[inner.attributes],
                       texts[inner.attributes]);
        inner.attributes++;
    }
    return number(env, spans_inner(&inner));
}

/* drop(): a span is not told. */
static napi_value drop_call(napi_env env, napi_callback_info info)
{
    (void)env, (void)info;
    spans_drop();
    return NULL;
}

/* take(): likewise */
static napi_value take_call(napi_env env, napi_callback_info info)
{
    (void)info;
    return number(env, spans_rows_take());
}

/* rows: spans_rows as a Float64Array. It lives as long as the process. */
static void rows_add(napi_env env, napi_value to)
{
    napi_value buffer = NULL, array = NULL;

    if (napi_create_external_arraybuffer(env, &spans_rows, sizeof spans_rows, NULL, NULL,
                                         &buffer) == napi_ok &&
        napi_create_typedarray(env, napi_float64_array, sizeof spans_rows / sizeof(double), buffer,
                               0, &array) == napi_ok)
        napi_set_named_property(env, to, "rows", array);
}

napi_value spans_node(napi_env env)
{
    static const struct {
        const char *name;
        napi_callback call;
    } calls[] = {
        { "origin", origin_call }, { "parent", parent_call }, { "target", target_call },
        { "call", call_call },     { "inner", inner_call },   { "take", take_call },
        { "drop", drop_call },
    };
    static const struct {
        const char *name;
        double value;
    } limits[] = {
        { "ROWS_MAX", SPANS_ROWS_MAX },
        { "ROW", sizeof(struct spans_row) / sizeof(double) },
        { "PARENTS_MAX", SPANS_PARENTS_MAX },
        { "TARGETS_MAX", SPANS_TARGETS_MAX },
        { "ATTRIBUTES_MAX", SPANRECORD_ATTRIBUTES_MAX },
    };
    napi_value o = NULL, fn = NULL;

    napi_create_object(env, &o);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        napi_create_function(env, calls[i].name, NAPI_AUTO_LENGTH, calls[i].call, NULL, &fn);
        napi_set_named_property(env, o, calls[i].name, fn);
    }
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        napi_set_named_property(env, o, limits[i].name, number(env, limits[i].value));
    rows_add(env, o);
    return o;
}
