/* npm/native/value.h -- strings of JavaScript as bytes, and back */
#pragma once

#define NAPI_VERSION 8
#include <node_api.h>

#include "base/str.h"

/* What a stored value is: the low bits of its kind. */
enum value_kind { VALUE_TEXT, VALUE_JSON, VALUE_BUFFER, VALUE_CLONE, VALUE_KINDS };
enum { VALUE_WIDE = 0x10 }; /* text in 16 bits a character; else in 8 (latin1) */

/* Memory that grows with what it is needed for, of one thread. */
struct scratch {
    char *ptr;
    size_t room;
};
MUST_USE bool scratch_need(struct scratch *s, size_t bytes);
void scratch_free(struct scratch *s);

enum value_read { VALUE_READ, VALUE_NO_STRING, VALUE_NO_MEMORY };

/* The string's characters from out->ptr[at] on: in 8 bits each if they are all below 256, else in
 * 16. *text is what they are. `wide` is used meanwhile. */
enum value_read value_read(napi_env env, napi_value string, struct scratch *wide,
                           struct scratch *out, size_t at, struct str *text, bool *is_wide);

/* A string of these bytes; undefined when there is no memory for it. */
napi_value value_string(napi_env env, struct str bytes, bool is_wide);
