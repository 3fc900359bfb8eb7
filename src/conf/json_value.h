/* conf/json_value.h -- a JSON document (RFC 8259), for reading
 *
 * Every value knows its line, which a message about a setting has to name. Only
 * json_value.c knows jansson. Values and texts are views that live as long as the
 * document; a value that is not there is NULL, and every question may be put to NULL.
 */
#pragma once

#include "base/problem.h"

enum json_value_kind {
    JSON_VALUE_NONE, /* not there */
    JSON_VALUE_OBJECT,
    JSON_VALUE_ARRAY,
    JSON_VALUE_TEXT,
    JSON_VALUE_NUMBER,
    JSON_VALUE_TRUE,
    JSON_VALUE_FALSE,
    JSON_VALUE_NULL,
};

enum { JSON_VALUE_DEPTH_MAX = 100 };

struct json_value;

/* The document in `text`, which need not live on, to be freed by json_value_free. -EINVAL with *p
 * (file, line, what is wrong), also for what nests deeper than JSON_VALUE_DEPTH_MAX or holds a NUL
 * character; -ENOMEM. A byte order mark is skipped, as npm does. */
MUST_USE int json_value_parse(struct json_value **out, struct str text, const char *path,
                              struct problem *p);
/* The document, that is, what json_value_parse gave; accepts NULL. */
void json_value_free(struct json_value *root);

static inline void json_value_freep(struct json_value **root)
{
    json_value_free(*root);
}

enum json_value_kind json_value_kind(const struct json_value *v);
/* The line on which it begins, from 1; 0 for NULL. */
u32 json_value_line(const struct json_value *v);
/* The last one of that name, as JavaScript has it. */
const struct json_value *json_value_member(const struct json_value *object, const char *name);
/* Elements of an array, members of an object; else 0. */
u32 json_value_count(const struct json_value *v);
const struct json_value *json_value_at(const struct json_value *array, u32 index);
/* Empty for what is no text. NUL-terminated. */
struct str json_value_text(const struct json_value *v);
/* A number as it is written: "1.5e3"; empty for what is none. */
struct str json_value_number(const struct json_value *v);
/* False: no whole number of at least 0. */
MUST_USE bool json_value_u64(const struct json_value *v, u64 *out);

/* Makes all lines of a document 0: they are not those of a file that people know. */
void json_value_lines_forget(struct json_value *root);

/* Walks members (or elements, without a name) in their order: *at is NULL at first. False: there
 * are no more. */
bool json_value_each(const struct json_value *v, void **at, struct str *name,
                     const struct json_value **value);
