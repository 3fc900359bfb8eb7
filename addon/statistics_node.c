/* addon/statistics_node.c -- what statistics.js, measures.js and opened.js may call */
#define NAPI_VERSION 8
#include "statistics_node.h"

#include <string.h>

#include "journal.h"
#include "link.h"
#include "measures.h"
#include "shm/opened.h"
#include "stats.h"
#include "value.h"

/* spaceName(i, name), resourceName(i, type, kind) */
static napi_value space_name_call(napi_env env, napi_callback_info info)
{
    napi_value args[2];
    char name[64];

    args_get(env, info, args, 2);
    arg_text(env, args[1], name, sizeof name);
    return value_boolean(env, stats_space_name(arg_u32(env, args[0]), name));
}

static napi_value resource_name_call(napi_env env, napi_callback_info info)
{
    napi_value args[3];
    char name[64];

    args_get(env, info, args, 3);
    arg_text(env, args[1], name, sizeof name);
    return value_boolean(env,
                         stats_resource_name(arg_u32(env, args[0]), name, arg_u32(env, args[2])));
}

/* publish(Float64Array), enum stats_number: the word of shm/opened.h */
static napi_value publish_call(napi_env env, napi_callback_info info)
{
    napi_typedarray_type type;
    napi_value args[1];
    size_t length = 0;
    void *data = NULL;

    args_get(env, info, args, 1);
    if (napi_get_typedarray_info(env, args[0], &type, &length, &data, NULL, NULL) == napi_ok &&
        type == napi_float64_array && length == STATS_NUMBERS && data)
        stats_publish(data);
    return value_number(env, link_here.slot ? atomic_load_explicit(&link_here.slot->opened_wanted,
                                                                   memory_order_relaxed)
                                            : 0);
}

/* opened(kind, seconds, count, text): what shm/opened.h says; false: nobody reads it */
static napi_value opened_call(napi_env env, napi_callback_info info)
{
    struct {
        struct shm_opened head;
        char text[SHM_OPENED_TEXT_MAX + 1];
    } record = { 0 };
    napi_value args[4];
    uint32_t len;

    args_get(env, info, args, 4);
    record.head.kind = arg_u32(env, args[0]);
    record.head.seconds = arg_u32(env, args[1]);
    record.head.opened = arg_u32(env, args[2]);
    arg_text(env, args[3], record.text, sizeof record.text);
    record.head.text_len = len = (uint32_t)strlen(record.text);
    return value_boolean(env, journal_put(SHM_RECORD_OPENED, &record, sizeof record.head + len));
}

/* collected(kind, ms): one collection that JavaScript has timed */
static napi_value collected_call(napi_env env, napi_callback_info info)
{
    napi_value args[2];
    double ms = 0;

    args_get(env, info, args, 2);
    napi_get_value_double(env, args[1], &ms);
    if (ms >= 0 && ms < 1e9)
        stats_gc_add(arg_u32(env, args[0]), (uint64_t)(ms * 1e6));
    return NULL;
}

/* measureNumber(kind, name), measured(number, ms) */
static napi_value measure_number_call(napi_env env, napi_callback_info info)
{
    napi_value args[2];
    char name[4 * SHM_MEASURE_NAME_MAX];
    uint32_t kind;

    args_get(env, info, args, 2);
    kind = arg_u32(env, args[0]);
    arg_text(env, args[1], name, sizeof name);
    if (kind >= SHM_MEASURE_KINDS)
        return NULL;
    return value_number(env, measures_number((enum shm_measure_kind)kind, name));
}

static napi_value measured_call(napi_env env, napi_callback_info info)
{
    napi_value args[2];
    double ms = 0;

    args_get(env, info, args, 2);
    napi_get_value_double(env, args[1], &ms);
    measures_add(arg_u32(env, args[0]), ms > 0 && ms < 1e12 ? (uint64_t)(ms * 1e6) : 0);
    return NULL;
}

napi_value statistics_node(napi_env env)
{
    static const struct value_call calls[] = {
        { "spaceName", space_name_call },
        { "resourceName", resource_name_call },
        { "publish", publish_call },
        { "collected", collected_call },
        { "measureNumber", measure_number_call },
        { "measured", measured_call },
        { "opened", opened_call },
    };
    napi_value o = NULL;

    napi_create_object(env, &o);
    value_calls(env, o, calls, sizeof calls / sizeof *calls);
    value_constant(env, o, "SPACES_MAX", SHM_SPACES_MAX);
    value_constant(env, o, "RESOURCES_MAX", SHM_RESOURCES_MAX);
    value_constant(env, o, "FIRST_SPACE", STATS_FIRST_SPACE);
    value_constant(env, o, "FIRST_RESOURCE", STATS_FIRST_RESOURCE);
    value_constant(env, o, "NUMBERS", STATS_NUMBERS);
    return o;
}
