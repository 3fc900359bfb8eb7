/* app/schema.c -- a JSON Schema of fettle.json, made from the tables */
#include "app/schema.h"

#include "app/command.h"
#include "app/topic.h"
#include "conf/config.h"

/* What conf/units.c reads. */
static const char size_pattern[] =
    "^([0-9]+[ \\\\t]*[bB]?|[0-9]+(\\\\.[0-9]{1,9})?[ \\\\t]*[KkMmGgTt]([iI]?[bB])?)$";
static const char duration_pattern[] =
    "^(0|[0-9]+(\\\\.[0-9]{1,9})?[ \\\\t]*([dDhHmMsS]|[mMuUnN][sS]))$";

static void quoted(struct buf *out, struct str text)
{
    buf_addc(out, '"');
    buf_add_json(out, text);
    buf_addc(out, '"');
}

/* "a", "b" of "a|b|c=": the words that are whole. */
static void words_add(struct buf *out, const char *words)
{
    struct str rest = str_of(words), word;
    bool first = true;

    while (rest.ptr) {
        word = str_cut(rest, '|', &rest);
        if (str_ends(word, STR("=")))
            continue;
        buf_add(out, first ? STR("") : STR(","));
        quoted(out, word);
        first = false;
    }
}

static void range_add(struct buf *out, const struct settings_row *row)
{
    buf_addf(out, "{\"type\":\"integer\",\"minimum\":%llu", (unsigned long long)row->least);
    if (row->most)
        buf_addf(out, ",\"maximum\":%llu", (unsigned long long)row->most);
    buf_addc(out, '}');
}

static void off_add(struct buf *out, const struct settings_row *row)
{
    if (row->flags & SETTINGS_ZERO_OFF)
        buf_add(out, STR(",{\"enum\":[\"off\",\"0\",0,false]}"));
    else if (row->flags & SETTINGS_EMPTY_OFF)
        buf_add(out, STR(",{\"const\":false}"));
}

/* The alternatives of a value, without the brackets around. */
static void forms_add(struct buf *out, const struct settings_row *row)
{
    switch (row->type) {
    case SETTINGS_BOOL:
        buf_add(out, STR("{\"type\":\"boolean\"}"));
        return;
    case SETTINGS_COUNT:
        range_add(out, row);
        if (row->words)
            buf_addf(out, ",{\"const\":\"%s\"}", row->words);
        return;
    case SETTINGS_RANGE:
        range_add(out, row);
        buf_addf(out,
                 ",{\"type\":\"string\",\"pattern\":\"^([0-9]+-[0-9]+%s%s)$\"},{\"type\":"
                 "\"object\",\"properties\":{\"least\":",
                 row->words ? "|" : "", row->words ? row->words : "");
        range_add(out, row);
        buf_add(out, STR(",\"most\":"));
        range_add(out, row);
        buf_add(out, STR("},\"required\":[\"least\",\"most\"],\"additionalProperties\":false}"));
        return;
    case SETTINGS_SIZE:
        buf_addf(out, "{\"type\":\"string\",\"pattern\":\"%s\"},", size_pattern);
        range_add(out, row);
        off_add(out, row);
        return;
    case SETTINGS_PERCENT:
        buf_add(out, STR("{\"type\":\"string\",\"pattern\":\"^[0-9]+([.][0-9]{1,3})?%$\"}"));
        off_add(out, row);
        return;
    case SETTINGS_DURATION:
        buf_addf(out, "{\"type\":\"string\",\"pattern\":\"%s\"}", duration_pattern);
        if (row->least == 0)
            buf_add(out, STR(",{\"const\":0}"));
        off_add(out, row);
        return;
    case SETTINGS_TEXT:
    case SETTINGS_PATH:
    case SETTINGS_LINES:
        buf_add(out, STR("{\"type\":\"string\""));
        if (row->most)
            buf_addf(out, ",\"maxLength\":%llu", (unsigned long long)row->most);
        buf_addc(out, '}');
        if (row->flags & SETTINGS_WORDS)
            buf_add(out, STR(",{\"type\":\"array\",\"items\":{\"type\":\"string\"}}"));
        off_add(out, row);
        return;
    case SETTINGS_LIST:
        buf_add(out, STR("{\"type\":\"string\"},{\"type\":\"array\",\"items\":{\"type\":"
                         "[\"string\",\"integer\"]}}"));
        off_add(out, row);
        if (row->flags & SETTINGS_BARE)
            buf_add(out, STR(",{\"const\":true}"));
        return;
    case SETTINGS_ENUM:
        buf_add(out, STR("{\"enum\":["));
        words_add(out, row->words);
        buf_add(out, STR("]}"));
        return;
    case SETTINGS_BALANCE:
        buf_add(out, STR("{\"enum\":["));
        words_add(out, row->words);
        buf_add(out, STR("]},{\"type\":\"string\",\"pattern\":\"^hash:(cookie|header)=.+$\"}"));
        return;
    case SETTINGS_ADDRESS:
        buf_add(out,
                STR("{\"type\":\"string\",\"minLength\":1},{\"type\":\"integer\",\"minimum\":1,"
                    "\"maximum\":65535},{\"const\":false}"));
        return;
    case SETTINGS_OUTCOMES:
        buf_add(out,
                STR("{\"type\":\"string\"},{\"type\":\"integer\",\"minimum\":400,\"maximum\":599},"
                    "{\"type\":\"array\",\"items\":{\"type\":[\"string\",\"integer\"]}}"));
        off_add(out, row);
        return;
    case SETTINGS_CIDRS:
        buf_add(out, STR("{\"type\":\"array\",\"items\":{\"type\":\"string\"}}"));
        return;
    }
}

static void default_add(struct buf *out, const struct settings_row *row)
{
    struct str text = topic_default(row);
    u64 n;

    if (text.len == 0)
        return;
    buf_add(out, STR(",\"default\":"));
    if (row->type == SETTINGS_BOOL)
        buf_add(out, str_eq(text, STR("on")) ? STR("true") : STR("false"));
    else if (row->type == SETTINGS_COUNT && str_to_u64(text, &n))
        buf_add(out, text);
    else if (str_eq(text, STR("off")))
        buf_add(out, STR("false"));
    else
        quoted(out, text);
}

static void setting_add(struct buf *out, const struct settings_row *row)
{
    AUTO(buf_done) struct buf words = { 0 };
    AUTO(buf_done) struct buf scope = { 0 };

    buf_addf(&words, "%c%s.", row->help[0] >= 'a' ? row->help[0] - 32 : row->help[0],
             row->help + 1);
    if (row->more)
        buf_addf(&words, " %s", row->more);
    buf_add(&words, STR(" Value: "));
    topic_values(row, &words);
    topic_scope(row, &scope);
    if (scope.len)
        buf_addf(&words, ". May be said for %.*s", STR_ARG(buf_str(&scope)));
    buf_add(&words, row->flags & SETTINGS_RELOADABLE ? STR(". Reloadable.") : STR("."));
    buf_addf(out, "\"%s\":{\"anyOf\":[", row->name);
    forms_add(out, row);
    buf_add(out, STR("],\"description\":"));
    quoted(out, buf_str(&words));
    default_add(out, row);
    buf_add(out, STR("},\n"));
    out->failed |= words.failed || scope.failed;
}

static bool is_in_file(const struct settings_row *row)
{
    return !(row->flags & (SETTINGS_START | SETTINGS_HIDDEN));
}

/* What those keys hold that are no settings; by their order in config_keys. */
static void key_add(struct buf *out, const struct config_key *key)
{
    static const struct {
        const char *name, *form;
    } forms[] = {
        { "run", "\"type\":\"string\",\"minLength\":1" },
        { "command", "\"type\":\"string\",\"minLength\":1" },
        { "args", "\"type\":\"array\",\"items\":{\"type\":\"string\"}" },
        { "env", "\"type\":\"object\",\"maxProperties\":1000,\"propertyNames\":{\"pattern\":"
                 "\"^(?!FETTLE_)[^=]+$\"},\"additionalProperties\":{\"type\":[\"string\","
                 "\"number\",\"boolean\"]}" },
        { "apps", "\"type\":\"object\",\"minProperties\":1,\"propertyNames\":{\"minLength\":1,"
                  "\"maxLength\":47},\"additionalProperties\":{\"$ref\":\"#/$defs/app\"}" },
        { "listeners", "\"type\":\"object\",\"maxProperties\":32,\"additionalProperties\":"
                       "{\"$ref\":\"#/$defs/listener\"}" },
        { "routes", "\"anyOf\":[{\"type\":\"object\",\"additionalProperties\":{\"type\":\"array\","
                    "\"minItems\":1,\"maxItems\":128,\"items\":{\"$ref\":\"#/$defs/route\"}}},"
                    "{\"$ref\":\"#/$defs/paths\"}]" },
        { "$schema", "\"type\":\"string\"" },
    };

    for (u32 i = 0; i < ARRAY_LEN(forms); i++) {
        if (strcmp(forms[i].name, key->name) != 0)
            continue;
        buf_addf(out, "\"%s\":{%s,\"description\":", key->name, forms[i].form);
        quoted(out, str_of(key->help));
        buf_add(out, STR("},\n"));
        return;
    }
    assert(!"each key has its form here");
}

static void properties_add(struct buf *out, bool in_app)
{
    buf_add(out, STR("\"properties\":{"));
    for (u32 i = 0; i < config_key_count; i++)
        if (config_keys[i].in_app || !in_app)
            buf_addf(out, "\"%s\":{\"$ref\":\"#/$defs/%s\"},", config_keys[i].name,
                     in_app && strcmp(config_keys[i].name, "routes") == 0 ? "paths"
                                                                          : config_keys[i].name);
    for (u32 i = 0; i < settings_row_count; i++)
        if (is_in_file(&settings_rows[i]))
            buf_addf(out, "\"%s\":{\"$ref\":\"#/$defs/%s\"},", settings_rows[i].name,
                     settings_rows[i].name);
    out->len -= !out->failed;
    buf_add(out, STR("},\n\"additionalProperties\":false"));
}

/* What may be said for a listener or a route. */
static void scope_add(struct buf *out, const char *name, enum settings_scope scope,
                      const char *others)
{
    buf_addf(out, "\"%s\":{\"type\":\"object\",\"properties\":{%s", name, others);
    for (u32 i = 0; i < settings_row_count; i++)
        if (settings_rows[i].scope & scope && is_in_file(&settings_rows[i]))
            buf_addf(out, "\"%s\":{\"$ref\":\"#/$defs/%s\"},", settings_rows[i].name,
                     settings_rows[i].name);
    out->len -= !out->failed;
    buf_add(out, STR("},\"additionalProperties\":false},\n"));
}

static void scopes_add(struct buf *out)
{
    static const char target[] =
        "\"host\":{\"type\":\"string\",\"minLength\":1},\"path\":{\"type\":"
        "\"string\",\"pattern\":\"^/\"},";
    static const char where[] = "\"app\":{\"type\":\"string\",\"minLength\":1},\"strip\":{\"type\":"
                                "\"boolean\"},";
    char both[sizeof(target) + sizeof(where)];

    snprintf(both, sizeof(both), "%s%s", target, where);
    scope_add(out, "listener", SETTINGS_OF_LISTENER, "");
    scope_add(out, "route", SETTINGS_OF_ROUTE, both);
    scope_add(out, "path", SETTINGS_OF_ROUTE, target);
    buf_add(out,
            STR("\"paths\":{\"type\":\"array\",\"maxItems\":128,\"items\":{\"$ref\":"
                "\"#/$defs/path\"},\"description\":\"Settings of single hosts and paths of the "
                "app, wherever it listens.\"},\n"));
}

void schema_write(struct buf *out)
{
    buf_add(out, STR("{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\n"
                     "\"title\":\"Settings of fettle\",\n\"type\":\"object\",\n"));
    properties_add(out, false);
    buf_add(out, STR(",\n\"dependentSchemas\":{\"apps\":{\"properties\":{\"run\":false,\"command\":"
                     "false,\"args\":"
                     "false,\"name\":false}}},\n\"$defs\":{\n"));
    for (u32 i = 0; i < config_key_count; i++)
        key_add(out, &config_keys[i]);
    for (u32 i = 0; i < settings_row_count; i++)
        if (is_in_file(&settings_rows[i]))
            setting_add(out, &settings_rows[i]);
    scopes_add(out);
    buf_add(out, STR("\"app\":{\"type\":\"object\",\n"));
    properties_add(out, true);
    buf_add(out, STR("}\n}}\n"));
}

int schema_print(void)
{
    AUTO(buf_done) struct buf out = { 0 };

    schema_write(&out);
    return command_print(&out);
}
