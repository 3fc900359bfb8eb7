/* conf/json_write.c -- a JSON value as text again */
#include "conf/json_write.h"

static void quoted_write(struct str text, struct buf *out)
{
    buf_addc(out, '"');
    buf_add_json(out, text);
    buf_addc(out, '"');
}

void json_write(const struct json_value *v, struct buf *out)
{
    static const char *const words[] = { [JSON_VALUE_TRUE] = "true", [JSON_VALUE_FALSE] = "false" };
    bool is_object = json_value_kind(v) == JSON_VALUE_OBJECT, first = true;
    const struct json_value *one;
    struct str name;

    switch (json_value_kind(v)) {
    case JSON_VALUE_TEXT:
        quoted_write(json_value_text(v), out);
        return;
    case JSON_VALUE_NUMBER:
        buf_add(out, json_value_number(v));
        return;
    case JSON_VALUE_TRUE:
    case JSON_VALUE_FALSE:
        buf_add(out, str_of(words[json_value_kind(v)]));
        return;
    case JSON_VALUE_NONE:
    case JSON_VALUE_NULL:
        buf_add(out, STR("null"));
        return;
    case JSON_VALUE_OBJECT:
    case JSON_VALUE_ARRAY:
        break;
    }
    buf_addc(out, is_object ? '{' : '[');
    for (void *at = NULL; json_value_each(v, &at, &name, &one);) {
        buf_add(out, first ? STR("") : STR(","));
        first = false;
        if (is_object) {
            quoted_write(name, out);
            buf_addc(out, ':');
        }
        json_write(one, out);
    }
    buf_addc(out, is_object ? '}' : ']');
}
