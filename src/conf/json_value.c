/* conf/json_value.c -- a JSON document, for reading: jansson's, with lines
 *
 * jansson decides what is JSON, says what is wrong, and decodes texts. It does not keep where a
 * value stood, so the tree is built here, from a text that is known to be good: nothing in
 * take_value() needs to expect a mistake. The text is copied once; texts in it are decoded in
 * place, since no escape is shorter than what it stands for. Values come from chunks that are
 * freed as one.
 */
#include "conf/json_value.h"

#include <jansson.h>

enum { CHUNK_VALUES = 256 };

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

struct builder {
    struct document *doc;
    char *at;
    u32 line, depth;
    int error; /* -ENOMEM, -E2BIG: too deep */
};

static struct json_value *value_new(struct builder *b)
{
    struct chunk *c = b->doc->chunks;

    if (!c || c->used == CHUNK_VALUES) {
        c = calloc(1, sizeof(*c));
        if (!c) {
            b->error = -ENOMEM;
            return NULL;
        }
        c->next = b->doc->chunks;
        b->doc->chunks = c;
    }
    return &c->values[c->used++];
}

/* Blanks, and what only separates. */
static void blanks_skip(struct builder *b)
{
    for (; *b->at && strchr(" \t\r\n,:", *b->at); b->at++)
        b->line += *b->at == '\n';
}

/* From its opening quote on. */
static struct str take_text(struct builder *b)
{
    char *start = b->at++, *text = b->at;
    bool escaped = false;
    json_t *decoded;
    size_t len;

    for (; *b->at != '"'; b->at++)
        if (*b->at == '\\') {
            escaped = true;
            b->at++;
        }
    len = (size_t)(b->at++ - text);
    if (escaped) {
        decoded = json_loadb(start, len + 2, JSON_DECODE_ANY, NULL);
        if (!decoded)
            b->error = -ENOMEM;
        len = json_string_length(decoded);
        if (len)
            memcpy(text, json_string_value(decoded), len);
        json_decref(decoded);
    }
    text[len] = 0; /* at the closing quote or before it */
    return str_make(text, len);
}

static void take_value(struct builder *b, struct json_value *v);

/* Members or elements, from the opening bracket on. */
static void take_list(struct builder *b, struct json_value *v)
{
    bool is_object = v->kind == JSON_VALUE_OBJECT;

    if (b->depth == JSON_VALUE_DEPTH_MAX)
        b->error = -E2BIG;
    b->depth++;
    for (b->at++, blanks_skip(b); !b->error && *b->at != '}' && *b->at != ']'; blanks_skip(b)) {
        struct json_value *one = value_new(b);

        if (!one)
            return;
        if (is_object)
            one->name = take_text(b);
        blanks_skip(b);
        take_value(b, one);
        *(v->last ? &v->last->next : &v->first) = one;
        v->last = one;
        v->count++;
    }
    b->at++;
    b->depth--;
}

static void take_value(struct builder *b, struct json_value *v)
{
    char c = *b->at;
    size_t len;

    v->line = b->line;
    if (c == '{' || c == '[') {
        v->kind = c == '{' ? JSON_VALUE_OBJECT : JSON_VALUE_ARRAY;
        take_list(b, v);
    } else if (c == '"') {
        v->kind = JSON_VALUE_TEXT;
        v->text = take_text(b);
    } else {
        len = strcspn(b->at, " \t\r\n,]}");
        v->kind = c == 't'   ? JSON_VALUE_TRUE
                  : c == 'f' ? JSON_VALUE_FALSE
                  : c == 'n' ? JSON_VALUE_NULL
                             : JSON_VALUE_NUMBER;
        v->text = str_make(b->at, len);
        b->at += len;
    }
}

/* What people do who think that JSON is JavaScript; jansson names the token that it met. */
static const char *hint(const char *error)
{
    const char *near = strstr(error, " near '");

    switch (near ? near[sizeof(" near '") - 1] : 0) {
    case '/':
        return "; comments are not possible";
    case '\'':
        return "; names and texts stand in double quotes";
    case '}':
    case ']':
        return "; is there a comma too many before it?";
    default:
        return "";
    }
}

static int bad(struct problem *p, const char *path, const json_error_t *error)
{
    if (json_error_code(error) == json_error_out_of_memory)
        return -ENOMEM;
    p->line = (u32)max(0, error->line);
    str_to_cstr(str_of(path), p->file, sizeof(p->file));
    return problem_set(p, "not valid JSON: %s%s", error->text, hint(error->text));
}

/* jansson passes over some NUL bytes as if they were not there. */
static int nul_refuse(struct problem *p, const char *path, struct str text)
{
    const char *nul = text.len ? memchr(text.ptr, 0, text.len) : NULL;

    if (!nul)
        return 0;
    p->line = 1;
    for (const char *at = text.ptr; at < nul; at++)
        p->line += *at == '\n';
    str_to_cstr(str_of(path), p->file, sizeof(p->file));
    return problem_set(p, "not valid JSON: a NUL byte");
}

int json_value_parse(struct json_value **out, struct str text, const char *path, struct problem *p)
{
    struct builder b = { .line = 1 };
    struct document *doc;
    json_error_t error;
    json_t *checked;

    *p = (struct problem){ 0 };
    if (str_starts(text, STR("\xef\xbb\xbf")))
        text = str_sub(text, 3, text.len);
    if (nul_refuse(p, path, text) < 0)
        return -EINVAL;
    checked = json_loadb(text.ptr ? text.ptr : "", text.len, JSON_DECODE_ANY, &error);
    if (!checked)
        return bad(p, path, &error);
    json_decref(checked);
    doc = calloc(1, sizeof(*doc) + text.len + 1);
    if (!doc)
        return -ENOMEM;
    memcpy(doc->text, text.ptr, text.len);
    b.doc = doc;
    b.at = doc->text;
    blanks_skip(&b);
    take_value(&b, &doc->root);
    if (!b.error) {
        *out = &doc->root;
        return 0;
    }
    json_value_free(&doc->root);
    if (b.error == -ENOMEM)
        return -ENOMEM;
    p->line = b.line;
    str_to_cstr(str_of(path), p->file, sizeof(p->file));
    return problem_set(p, "it nests more than %d levels deep", JSON_VALUE_DEPTH_MAX);
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
