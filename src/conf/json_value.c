/* conf/json_value.c -- a JSON document, for reading: jansson behind a small face */
#include "conf/json_value.h"

#include <jansson.h>

/* jansson's own functions take what they do not change without const. */
static json_t *of(const struct json_value *v)
{
    return (json_t *)(uintptr_t)v;
}

static const struct json_value *to(json_t *v)
{
    return (const struct json_value *)v;
}

int json_value_parse(struct json_value **out, struct str text, const char *path, struct problem *p)
{
    json_error_t error;
    json_t *root;

    if (str_starts(text, STR("\xef\xbb\xbf")))
        text = str_sub(text, 3, text.len);
    root = json_loadb(text.ptr ? text.ptr : "", text.len, 0, &error);
    if (!root && json_error_code(&error) == json_error_out_of_memory)
        return -ENOMEM;
    if (!root) {
        str_to_cstr(str_of(path), p->file, sizeof(p->file));
        p->line = (u32)max(0, error.line);
        return problem_set(p, "not valid JSON: %s", error.text);
    }
    *out = (struct json_value *)root;
    return 0;
}

void json_value_free(struct json_value *root)
{
    json_decref(of(root));
}

enum json_value_kind json_value_kind(const struct json_value *v)
{
    if (!v)
        return JSON_VALUE_NONE;
    switch (json_typeof(of(v))) {
    case JSON_OBJECT:
        return JSON_VALUE_OBJECT;
    case JSON_ARRAY:
        return JSON_VALUE_ARRAY;
    case JSON_STRING:
        return JSON_VALUE_TEXT;
    case JSON_INTEGER:
    case JSON_REAL:
        return JSON_VALUE_NUMBER;
    case JSON_TRUE:
    case JSON_FALSE:
    case JSON_NULL:
        return JSON_VALUE_OTHER;
    }
    return JSON_VALUE_OTHER;
}

const struct json_value *json_value_member(const struct json_value *object, const char *name)
{
    return to(json_object_get(of(object), name));
}

u32 json_value_count(const struct json_value *array)
{
    return (u32)json_array_size(of(array));
}

const struct json_value *json_value_at(const struct json_value *array, u32 index)
{
    return to(json_array_get(of(array), index));
}

struct str json_value_text(const struct json_value *v)
{
    return str_make(json_string_value(of(v)), json_string_length(of(v)));
}

bool json_value_u64(const struct json_value *v, u64 *out)
{
    if (!json_is_integer(of(v)) || json_integer_value(of(v)) < 0)
        return false;
    *out = (u64)json_integer_value(of(v));
    return true;
}

bool json_value_each(const struct json_value *object, void **at, struct str *name,
                     const struct json_value **value)
{
    json_t *o = of(object);

    *at = *at ? json_object_iter_next(o, *at) : json_object_iter(o);
    if (!*at)
        return false;
    *name = str_of(json_object_iter_key(*at));
    *value = to(json_object_iter_value(*at));
    return true;
}
