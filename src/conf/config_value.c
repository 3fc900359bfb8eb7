/* conf/config_value.c -- one value of a file of settings, as a flag would have it */
#include "conf/config_value.h"

#include "conf/words.h"

const char *config_value_kind(const struct json_value *v)
{
    switch (json_value_kind(v)) {
    case JSON_VALUE_OBJECT:
        return "an object";
    case JSON_VALUE_ARRAY:
        return "a list";
    case JSON_VALUE_TEXT:
        return "a text";
    case JSON_VALUE_NUMBER:
        return "a number";
    case JSON_VALUE_TRUE:
        return "true";
    case JSON_VALUE_FALSE:
        return "false";
    case JSON_VALUE_NULL:
    case JSON_VALUE_NONE:
        return "null";
    }
    return "null";
}

const char *config_value_form(const struct settings_row *row)
{
    switch (row->type) {
    case SETTINGS_BOOL:
        return "true or false";
    case SETTINGS_COUNT:
        return row->words ? "a number without quotes, or the word that stands for it"
                          : "a number without quotes";
    case SETTINGS_RANGE:
        return "a number, \"auto\", \"2-8\", or {\"least\": 2, \"most\": 8}";
    case SETTINGS_SIZE:
        return "a text with its unit, such as \"512M\"";
    case SETTINGS_DURATION:
        return "a text with its unit, such as \"10s\"";
    case SETTINGS_PERCENT:
        return "a text with its sign, such as \"10%\"";
    case SETTINGS_TEXT:
    case SETTINGS_PATH:
    case SETTINGS_LINES:
        return row->flags & SETTINGS_WORDS ? "a list of texts" : "a text";
    case SETTINGS_ENUM:
    case SETTINGS_BALANCE:
        return "a text";
    case SETTINGS_ADDRESS:
        return "a text such as \"127.0.0.1:9484\", or false";
    case SETTINGS_LIST:
        return row->flags & SETTINGS_BARE ? "true, a text or a list of texts"
                                          : "a text or a list of texts";
    case SETTINGS_OUTCOMES:
        return "a text or a list such as [\"reset\", 503]";
    case SETTINGS_CIDRS:
        return "a list of texts, such as [\"10.0.0.0/8\"]";
    }
    return "";
}

/* The texts of a list, each as `put` adds it. False: it is no list of texts. */
static bool list_text(const struct json_value *v, char between,
                      void (*put)(struct str text, struct buf *out), struct buf *out)
{
    const struct json_value *one;
    struct str name;

    if (json_value_kind(v) != JSON_VALUE_ARRAY)
        return false;
    for (void *at = NULL; json_value_each(v, &at, &name, &one);) {
        if (json_value_kind(one) != JSON_VALUE_TEXT)
            return false;
        if (out->len)
            buf_addc(out, between);
        put(json_value_text(one), out);
    }
    return true;
}

static void text_put(struct str text, struct buf *out)
{
    buf_add(out, text);
}

/* A relative path relates to the file's folder. */
static void path_put(struct str folder, const struct settings_row *row, struct str path,
                     struct buf *out)
{
    bool is_path = path.len && path.ptr[0] != '/' && !str_eq(path, STR("-")) &&
                   !(row->flags & SETTINGS_EMPTY_OFF && str_eq_nocase(path, STR("off"))) &&
                   !(row->flags & SETTINGS_BARE && str_eq_nocase(path, STR("on"))) &&
                   !(row->flags & SETTINGS_IN_PATH && str_index(path, '/') < 0);

    if (is_path && str_starts(path, STR("./")))
        path = str_sub(path, 2, path.len);
    if (is_path)
        buf_addf(out, "%.*s/", STR_ARG(folder));
    buf_add(out, path);
}

/* «2-8» of {"least": 2, "most": 8}. False: something else stands there. */
static bool range_text(const struct json_value *v, struct buf *out)
{
    const struct json_value *one;
    struct str name, least = { 0 }, most = { 0 };
    u64 ignored;

    for (void *at = NULL; json_value_each(v, &at, &name, &one);) {
        struct str *end = str_eq(name, STR("least")) ? &least : &most;

        if ((end == &most && !str_eq(name, STR("most"))) || end->len)
            return false;
        *end = json_value_number(one);
        if (!str_to_u64(*end, &ignored))
            return false;
    }
    buf_addf(out, "%.*s-%.*s", STR_ARG(least), STR_ARG(most));
    return least.len && most.len;
}

/* A list, or a single text. An entry cannot hold a comma. */
static bool list_put(const struct settings_row *row, const struct json_value *v, struct str folder,
                     struct buf *out)
{
    bool is_list = json_value_kind(v) == JSON_VALUE_ARRAY;
    u32 count = is_list ? json_value_count(v) : 1;

    for (u32 i = 0; i < count; i++) {
        const struct json_value *one = is_list ? json_value_at(v, i) : v;
        enum json_value_kind kind = json_value_kind(one);
        struct str text = kind == JSON_VALUE_NUMBER ? json_value_number(one) : json_value_text(one);

        if ((kind != JSON_VALUE_TEXT && kind != JSON_VALUE_NUMBER) ||
            (is_list && str_index(text, ',') >= 0))
            return false;
        if (i)
            buf_addc(out, ',');
        while (row->flags & SETTINGS_PATHS && str_index(text, ',') >= 0) {
            path_put(folder, row, str_trim(str_cut(text, ',', &text)), out);
            buf_addc(out, ',');
        }
        if (row->flags & SETTINGS_PATHS)
            path_put(folder, row, text, out);
        else
            buf_add(out, text);
    }
    return true;
}

bool config_value_text(const struct settings_row *row, const struct json_value *v,
                       struct str folder, struct buf *out)
{
    struct str text = json_value_text(v), number = json_value_number(v);
    enum json_value_kind kind = json_value_kind(v);
    bool off =
        row->flags & (SETTINGS_ZERO_OFF | SETTINGS_EMPTY_OFF) || row->type == SETTINGS_ADDRESS;
    u64 ignored;

    if (row->type == SETTINGS_BOOL) {
        buf_add(out, kind == JSON_VALUE_TRUE ? STR("on") : STR("off"));
        return kind == JSON_VALUE_TRUE || kind == JSON_VALUE_FALSE;
    }
    if (kind == JSON_VALUE_FALSE && off) {
        buf_add(out, STR("off"));
        return true;
    }
    if (kind == JSON_VALUE_TRUE && row->flags & SETTINGS_BARE) {
        buf_add(out, STR("on"));
        return true;
    }
    if (row->type == SETTINGS_LIST || row->type == SETTINGS_OUTCOMES)
        return list_put(row, v, folder, out);
    if (row->type == SETTINGS_CIDRS)
        return list_text(v, ',', text_put, out);
    if (kind == JSON_VALUE_ARRAY && row->flags & SETTINGS_WORDS)
        return list_text(v, ' ', words_quote, out);
    if (kind == JSON_VALUE_OBJECT && row->type == SETTINGS_RANGE)
        return range_text(v, out);
    if (kind == JSON_VALUE_NUMBER) {
        buf_add(out, number);
        return row->type == SETTINGS_COUNT || row->type == SETTINGS_RANGE ||
               row->type == SETTINGS_SIZE || row->type == SETTINGS_DURATION ||
               row->type == SETTINGS_ADDRESS;
    }
    if (row->type == SETTINGS_PATH)
        path_put(folder, row, text, out);
    else
        buf_add(out, text);
    return kind == JSON_VALUE_TEXT &&
           !((row->type == SETTINGS_COUNT || row->type == SETTINGS_RANGE) &&
             str_to_u64(text, &ignored));
}
