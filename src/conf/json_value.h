/* conf/json_value.h -- a JSON document, for reading
 *
 * The only file that knows jansson. Values and texts are views that live as
 * long as the document; a value that is not there is NULL, and every question
 * may be put to NULL.
 */
#pragma once

#include "base/problem.h"

enum json_value_kind {
    JSON_VALUE_NONE, /* not there */
    JSON_VALUE_OBJECT,
    JSON_VALUE_ARRAY,
    JSON_VALUE_TEXT,
    JSON_VALUE_NUMBER,
    JSON_VALUE_OTHER, /* true, false, null */
};

struct json_value;

/* The document in `text`, to be freed by json_value_free. -EINVAL with *p (file, line, what is
 * wrong), -ENOMEM. A byte order mark is skipped, as npm does. */
MUST_USE int json_value_parse(struct json_value **out, struct str text, const char *path,
                              struct problem *p);
/* The document, that is, what json_value_parse gave; accepts NULL. */
void json_value_free(struct json_value *root);

enum json_value_kind json_value_kind(const struct json_value *v);
const struct json_value *json_value_member(const struct json_value *object, const char *name);
/* Elements of an array. */
u32 json_value_count(const struct json_value *array);
const struct json_value *json_value_at(const struct json_value *array, u32 index);
/* Empty for what is no text. */
struct str json_value_text(const struct json_value *v);
/* False: no whole number of at least 0. */
MUST_USE bool json_value_u64(const struct json_value *v, u64 *out);

/* Walks the members in their order: *at is NULL at first. False: there are no more. */
bool json_value_each(const struct json_value *object, void **at, struct str *name,
                     const struct json_value **value);
