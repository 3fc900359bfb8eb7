/* conf/json_value.c -- a JSON document, for reading
 *
 * The text is copied once; texts in it are decoded in place, since no escape is
 * shorter than what it stands for. Values come from chunks that are freed as one.
 */
#include "conf/json_value.h"

enum { CHUNK_VALUES = 256, SHOWN_BYTES = 20 };

struct json_value {
    enum json_value_kind kind;
    u32 line;
    u32 count;       /* of members or elements */
    struct str name; /* of a member */
    struct str text; /* of a text; of a number as written */
    struct json_value *first, *last, *next;
};

struct chunk {
    struct chunk *next;
    u32 used;
    struct json_value values[CHUNK_VALUES];
};

struct document {
    struct json_value root;
    struct chunk *chunks;
    char text[];
};

struct parser {
    struct document *doc;
    char *at, *end; /* *end is NUL */
    u32 line, depth;
    bool no_memory;
    struct problem *problem;
};

static bool wrong(struct parser *p, const char *what)
{
    struct str rest = str_make(p->at, (size_t)(p->end - p->at)), line = str_cut(rest, '\n', &rest);
    size_t shown = 0, n;

    p->problem->line = p->line;
    while (shown < min(line.len, (size_t)SHOWN_BYTES) && (n = str_utf8_len(line, shown)) > 0)
        shown += n;
    line.len = shown;
    if (line.len)
        problem_set(p->problem, "not valid JSON: %s, before `%.*s`", what, STR_ARG(line));
    else
        problem_set(p->problem, "not valid JSON: %s, at the end of the %s", what,
                    p->at == p->end ? "file" : "line");
    return false;
}

static void blanks_skip(struct parser *p)
{
    for (; p->at < p->end && strchr(" \t\r\n", *p->at) && *p->at; p->at++)
        p->line += *p->at == '\n';
}

static struct json_value *value_new(struct parser *p)
{
    struct chunk *c = p->doc->chunks;

    if (!c || c->used == CHUNK_VALUES) {
        c = calloc(1, sizeof(*c));
        if (!c) {
            p->no_memory = true;
            return NULL;
        }
        c->next = p->doc->chunks;
        p->doc->chunks = c;
    }
    return &c->values[c->used++];
}

/* The four digits at `from`, or false. */
static bool hex_take(const struct parser *p, const char *from, u32 *unit)
{
    u64 n;

    if (p->end - from < 4 || !str_hex_to_u64(str_make(from, 4), &n))
        return false;
    *unit = (u32)n;
    return true;
}

/* \uXXXX or a pair of them; p->at stands on the backslash. */
static bool unicode_take(struct parser *p, char **out)
{
    u32 high, low;

    if (!hex_take(p, p->at + 2, &high))
        return wrong(p, "\\u needs four hexadecimal digits");
    if (high == 0)
        return wrong(p, "a text cannot hold the character \\u0000");
    if (high >= 0xd800 && high < 0xe000) {
        if (high >= 0xdc00 || p->end - p->at < 12 || p->at[6] != '\\' || p->at[7] != 'u' ||
            !hex_take(p, p->at + 8, &low) || low < 0xdc00 || low >= 0xe000)
            return wrong(p, "half of a surrogate pair");
        high = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
        p->at += 6;
    }
    p->at += 6;
    *out += str_put_utf8(*out, high);
    return true;
}

static bool escape_take(struct parser *p, char **out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *found = p->at + 1 < p->end && p->at[1] ? strchr(from, p->at[1]) : NULL;

    if (p->at + 1 < p->end && p->at[1] == 'u')
        return unicode_take(p, out);
    if (!found)
        return wrong(p, "a backslash stands before \" \\ / b f n r t or uXXXX");
    *(*out)++ = to[found - from];
    p->at += 2;
    return true;
}

/* p->at stands on the opening quote. */
static bool text_take(struct parser *p, struct str *text)
{
    char *start = ++p->at, *out = start;

    while (p->at < p->end && *p->at != '"') {
        size_t len = str_utf8_len(str_make(p->at, (size_t)(p->end - p->at)), 0);

        if (*p->at == '\\') {
            if (!escape_take(p, &out))
                return false;
            continue;
        }
        if (*p->at == '\n')
            return wrong(p, "a text is not closed with \"");
        if ((u8)*p->at < 32)
            return wrong(p, "a text cannot hold a control character; write it as \\uXXXX");
        if (len == 0)
            return wrong(p, "a text is not valid UTF-8");
        memmove(out, p->at, len);
        out += len;
        p->at += len;
    }
    if (p->at == p->end)
        return wrong(p, "a text is not closed with \"");
    p->at++;
    *out = 0; /* at the closing quote or before it */
    *text = str_make(start, (size_t)(out - start));
    return true;
}

static bool digits_skip(struct parser *p)
{
    char *start = p->at;

    while (*p->at >= '0' && *p->at <= '9')
        p->at++;
    return p->at > start;
}

static bool number_take(struct parser *p, struct str *text)
{
    char *start = p->at;

    p->at += *p->at == '-';
    if (*p->at == '0')
        p->at++;
    else if (!digits_skip(p))
        return wrong(p, "a number needs digits");
    if (*p->at == '.' && (p->at++, !digits_skip(p)))
        return wrong(p, "a number needs digits after its point");
    if (*p->at == 'e' || *p->at == 'E') {
        p->at++;
        p->at += *p->at == '+' || *p->at == '-';
        if (!digits_skip(p))
            return wrong(p, "a number needs digits in its exponent");
    }
    *text = str_make(start, (size_t)(p->at - start));
    return true;
}

static bool value_take(struct parser *p, struct json_value *v);

static bool name_take(struct parser *p, struct json_value *member)
{
    if (*p->at != '"')
        return wrong(p, *p->at == '}'    ? "a comma stands before }"
                        : *p->at == '/'  ? "comments are not possible"
                        : *p->at == '\'' ? "names are written in double quotes"
                                         : "a member's name in double quotes is missing");
    if (!text_take(p, &member->name))
        return false;
    blanks_skip(p);
    if (*p->at != ':')
        return wrong(p, "a colon is missing after a name");
    p->at++;
    blanks_skip(p);
    return true;
}

/* What stands between the brackets; p->at is behind the opening one. */
static bool list_take(struct parser *p, struct json_value *v, char close)
{
    blanks_skip(p);
    if (*p->at == close) {
        p->at++;
        return true;
    }
    for (;;) {
        struct json_value *one = value_new(p);

        if (!one || (close == '}' && !name_take(p, one)))
            return false;
        if (close == ']' && *p->at == ']')
            return wrong(p, "a comma stands before ]");
        if (!value_take(p, one))
            return false;
        *(v->last ? &v->last->next : &v->first) = one;
        v->last = one;
        v->count++;
        blanks_skip(p);
        if (*p->at == close) {
            p->at++;
            return true;
        }
        if (*p->at != ',')
            return wrong(p, close == ']' ? "a comma or ] is missing" : "a comma or } is missing");
        p->at++;
        blanks_skip(p);
    }
}

static bool word_take(struct parser *p, struct json_value *v)
{
    static const struct {
        struct str text;
        enum json_value_kind kind;
    } words[] = { { { "true", 4 }, JSON_VALUE_TRUE },
                  { { "false", 5 }, JSON_VALUE_FALSE },
                  { { "null", 4 }, JSON_VALUE_NULL } };
    struct str rest = str_make(p->at, (size_t)(p->end - p->at));

    for (u32 i = 0; i < ARRAY_LEN(words); i++) {
        if (str_starts(rest, words[i].text)) {
            v->kind = words[i].kind;
            p->at += words[i].text.len;
            return true;
        }
    }
    return wrong(p, *p->at == '/'    ? "comments are not possible"
                    : *p->at == '\'' ? "texts are written in double quotes"
                                     : "a value is missing");
}

static bool value_take(struct parser *p, struct json_value *v)
{
    bool is_list = *p->at == '{' || *p->at == '[', ok;

    v->line = p->line;
    if (*p->at == '"') {
        v->kind = JSON_VALUE_TEXT;
        return text_take(p, &v->text);
    }
    if (*p->at == '-' || (*p->at >= '0' && *p->at <= '9')) {
        v->kind = JSON_VALUE_NUMBER;
        return number_take(p, &v->text);
    }
    if (!is_list)
        return word_take(p, v);
    if (p->depth == JSON_VALUE_DEPTH_MAX)
        return wrong(p, "it nests more than 100 levels deep");
    p->depth++;
    v->kind = *p->at == '{' ? JSON_VALUE_OBJECT : JSON_VALUE_ARRAY;
    p->at++;
    ok = list_take(p, v, v->kind == JSON_VALUE_OBJECT ? '}' : ']');
    p->depth--;
    return ok;
}

int json_value_parse(struct json_value **out, struct str text, const char *path, struct problem *p)
{
    struct parser parser = { .line = 1, .problem = p };
    struct document *doc;
    bool ok;

    if (str_starts(text, STR("\xef\xbb\xbf")))
        text = str_sub(text, 3, text.len);
    doc = calloc(1, sizeof(*doc) + text.len + 1);
    if (!doc)
        return -ENOMEM;
    if (text.len)
        memcpy(doc->text, text.ptr, text.len);
    parser.doc = doc;
    parser.at = doc->text;
    parser.end = doc->text + text.len;
    *p = (struct problem){ 0 };
    blanks_skip(&parser);
    ok = value_take(&parser, &doc->root);
    if (ok) {
        blanks_skip(&parser);
        ok = parser.at == parser.end || wrong(&parser, "the document has ended");
    }
    if (ok) {
        *out = &doc->root;
        return 0;
    }
    json_value_free(&doc->root);
    if (parser.no_memory)
        return -ENOMEM;
    str_to_cstr(str_of(path), p->file, sizeof(p->file));
    return -EINVAL;
}

void json_value_free(struct json_value *root)
{
    struct document *doc = root ? container_of(root, struct document, root) : NULL;
    struct chunk *next;

    for (struct chunk *c = doc ? doc->chunks : NULL; c; c = next) {
        next = c->next;
        free(c);
    }
    free(doc);
}

void json_value_lines_forget(struct json_value *root)
{
    root->line = 0;
    for (struct chunk *c = container_of(root, struct document, root)->chunks; c; c = c->next)
        for (u32 i = 0; i < c->used; i++)
            c->values[i].line = 0;
}

enum json_value_kind json_value_kind(const struct json_value *v)
{
    return v ? v->kind : JSON_VALUE_NONE;
}

u32 json_value_line(const struct json_value *v)
{
    return v ? v->line : 0;
}

const struct json_value *json_value_member(const struct json_value *object, const char *name)
{
    const struct json_value *found = NULL;

    if (json_value_kind(object) != JSON_VALUE_OBJECT)
        return NULL;
    for (const struct json_value *m = object->first; m; m = m->next)
        if (str_eq(m->name, str_of(name)))
            found = m;
    return found;
}

u32 json_value_count(const struct json_value *v)
{
    return v ? v->count : 0;
}

const struct json_value *json_value_at(const struct json_value *array, u32 index)
{
    const struct json_value *v = json_value_kind(array) == JSON_VALUE_ARRAY ? array->first : NULL;

    while (v && index--)
        v = v->next;
    return v;
}

struct str json_value_text(const struct json_value *v)
{
    return json_value_kind(v) == JSON_VALUE_TEXT ? v->text : (struct str){ 0 };
}

struct str json_value_number(const struct json_value *v)
{
    return json_value_kind(v) == JSON_VALUE_NUMBER ? v->text : (struct str){ 0 };
}

bool json_value_u64(const struct json_value *v, u64 *out)
{
    return str_to_u64(json_value_number(v), out);
}

bool json_value_each(const struct json_value *v, void **at, struct str *name,
                     const struct json_value **value)
{
    const struct json_value *next = *at ? ((struct json_value *)*at)->next : v ? v->first : NULL;

    if (!next)
        return false;
    *at = (void *)(uintptr_t)next;
    *name = next->name;
    *value = next;
    return true;
}
