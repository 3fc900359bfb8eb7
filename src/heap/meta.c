/* heap/meta.c -- the header, through the JSON reader of conf/ */
#include "heap/meta.h"

#include "conf/json_value.h"

enum { HEADER_MAX = 1 << 20, SEARCH_MAX = 64 << 10 };

static const char *const node_types[] = {
    [NODE_HIDDEN] = "hidden",
    [NODE_ARRAY] = "array",
    [NODE_STRING] = "string",
    [NODE_OBJECT] = "object",
    [NODE_CODE] = "code",
    [NODE_CLOSURE] = "closure",
    [NODE_REGEXP] = "regexp",
    [NODE_NUMBER] = "number",
    [NODE_NATIVE] = "native",
    [NODE_SYNTHETIC] = "synthetic",
    [NODE_CONS_STRING] = "concatenated string",
    [NODE_SLICED_STRING] = "sliced string",
    [NODE_SYMBOL] = "symbol",
    [NODE_BIGINT] = "bigint",
    [NODE_SHAPE] = "object shape",
};

static const char *const edge_types[] = {
    [EDGE_CONTEXT] = "context",   [EDGE_ELEMENT] = "element", [EDGE_PROPERTY] = "property",
    [EDGE_INTERNAL] = "internal", [EDGE_HIDDEN] = "hidden",   [EDGE_SHORTCUT] = "shortcut",
    [EDGE_WEAK] = "weak",
};

/* The number of a field of that name, or META_NONE. */
static u32 field_of(const struct json_value *fields, const char *name)
{
    for (u32 i = 0; i < json_value_count(fields); i++)
        if (str_eq(json_value_text(json_value_at(fields, i)), str_of(name)))
            return i;
    return META_NONE;
}

/* The fields `names` of the list `key`: how many the list has, or 0 with *p. */
static u32 fields_read(const struct json_value *meta, const char *key, const char *const *names,
                       u32 *const *out, u32 needed, u32 count, struct problem *p)
{
    const struct json_value *fields = json_value_member(meta, key);
    u32 n = json_value_count(fields);

    if (json_value_kind(fields) != JSON_VALUE_ARRAY || !n || n > NUMBERS_FIELDS_MAX) {
        problem_set(p,
                    "the header has no list \"%s\" of 1 to %d names: this is no V8 heap snapshot",
                    key, NUMBERS_FIELDS_MAX);
        return 0;
    }
    for (u32 i = 0; i < count; i++) {
        *out[i] = field_of(fields, names[i]);
        if (*out[i] == META_NONE && i < needed) {
            problem_set(p, "the header's \"%s\" has no \"%s\"", key, names[i]);
            return 0;
        }
    }
    return n;
}

/* The names of types in field `field`: how many, or 0 with *p. */
static const struct json_value *types_of(const struct json_value *meta, const char *key, u32 field,
                                         struct problem *p)
{
    const struct json_value *types = json_value_at(json_value_member(meta, key), field);

    if (json_value_kind(types) != JSON_VALUE_ARRAY || !json_value_count(types) ||
        json_value_count(types) > META_TYPES_MAX) {
        problem_set(p, "the header's \"%s\" does not list 1 to %d types", key, META_TYPES_MAX);
        return NULL;
    }
    return types;
}

static u32 type_named(const char *const *names, u32 count, struct str name)
{
    u32 i = 0;

    while (i < count && !str_eq(name, str_of(names[i])))
        i++;
    return i;
}

static int types_read(struct meta *m, const struct json_value *meta, struct problem *p)
{
    const struct json_value *nodes = types_of(meta, "node_types", m->node_type, p);
    const struct json_value *edges = nodes ? types_of(meta, "edge_types", m->edge_type, p) : NULL;

    if (!edges)
        return -EINVAL;
    m->node_types = json_value_count(nodes);
    m->edge_types = json_value_count(edges);
    for (u32 i = 0; i < m->node_types; i++) {
        struct str name = json_value_text(json_value_at(nodes, i));

        m->node_type_of[i] = (enum node_type)type_named(node_types, ARRAY_LEN(node_types), name);
        str_to_cstr(name, m->node_type_name[i], sizeof(m->node_type_name[i]));
    }
    for (u32 i = 0; i < m->edge_types; i++) {
        struct str name = json_value_text(json_value_at(edges, i));
        u32 type = type_named(edge_types, ARRAY_LEN(edge_types), name);

        m->edge_type_of[i] = type < ARRAY_LEN(edge_types) ? (enum edge_type)type : EDGE_CONTEXT;
        str_to_cstr(name, m->edge_type_name[i], sizeof(m->edge_type_name[i]));
    }
    return 0;
}

static int counts_read(struct meta *m, const struct json_value *snapshot, u64 size,
                       struct problem *p)
{
    u64 root = 0;

    if (!json_value_u64(json_value_member(snapshot, "node_count"), &m->node_count) ||
        !json_value_u64(json_value_member(snapshot, "edge_count"), &m->edge_count))
        return problem_set(p, "the header has no \"node_count\" or no \"edge_count\"");
    /* A digit and a comma each: what does not fit is not worth any memory. */
    if (m->node_count > size / (2 * m->node_fields) || m->edge_count > size / (2 * m->edge_fields))
        return problem_set(p,
                           "the header promises %llu nodes and %llu edges, more than %llu bytes "
                           "can hold: the file is cut off, or its header is wrong",
                           (unsigned long long)m->node_count, (unsigned long long)m->edge_count,
                           (unsigned long long)size);
    if (m->node_count < 1)
        return problem_set(p, "the header promises no nodes");
    if (!json_value_u64(json_value_member(snapshot, "root_index"), &root))
        root = 0;
    m->root = root / m->node_fields;
    if (root % m->node_fields || m->root >= m->node_count)
        return problem_set(p, "the header's root_index %llu is no node", (unsigned long long)root);
    if (!json_value_u64(json_value_member(snapshot, "extra_native_bytes"), &m->extra_native_bytes))
        m->extra_native_bytes = 0;
    return 0;
}

static int snapshot_read(struct meta *m, const struct json_value *snapshot, u64 size,
                         struct problem *p)
{
    static const char *const node[] = { "type",      "name",       "id",
                                        "self_size", "edge_count", "detachedness" };
    static const char *const edge[] = { "type", "name_or_index", "to_node" };
    static const char *const location[] = { "object_index", "script_id", "line", "column" };
    u32 *const node_out[] = { &m->node_type,      &m->node_name,       &m->node_id,
                              &m->node_self_size, &m->node_edge_count, &m->node_detachedness };
    u32 *const edge_out[] = { &m->edge_type, &m->edge_name, &m->edge_to };
    u32 *const location_out[] = { &m->location_object, &m->location_script, &m->location_line,
                                  &m->location_column };
    const struct json_value *meta = json_value_member(snapshot, "meta");
    int r;

    m->node_fields = fields_read(meta, "node_fields", node, node_out, 5, ARRAY_LEN(node), p);
    if (!m->node_fields)
        return -EINVAL;
    m->edge_fields = fields_read(meta, "edge_fields", edge, edge_out, 3, ARRAY_LEN(edge), p);
    if (!m->edge_fields)
        return -EINVAL;
    if (json_value_member(meta, "location_fields")) {
        m->location_fields =
            fields_read(meta, "location_fields", location, location_out, 4, ARRAY_LEN(location), p);
        if (!m->location_fields)
            return -EINVAL;
    }
    r = types_read(m, meta, p);
    return r ? r : counts_read(m, snapshot, size, p);
}

/* The bytes of the object that begins at text[0], or 0: it does not end here. */
static size_t object_len(const char *text, size_t len)
{
    size_t depth = 0;
    bool quoted = false;

    for (size_t i = 0; i < len; i++) {
        char c = text[i];

        if (quoted) {
            if (c == '\\')
                i++;
            else if (c == '"')
                quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if ((c == '}' || c == ']') && --depth == 0) {
            return i + 1;
        }
    }
    return 0;
}

/* Where the value of `key` begins in [from, to); -EINVAL with *p. */
static i64 value_of(const struct input *in, const char *key, u64 from, u64 to, struct problem *p)
{
    char quoted[40], text[64];
    i64 at;
    ssize_t n;

    snprintf(quoted, sizeof(quoted), "\"%s\"", key);
    at = input_find(in, quoted, from, to);
    if (at == -ENOENT)
        return problem_set(
            p, "there is no \"%s\" from offset %llu on: %s", key, (unsigned long long)from,
            from ? "the file is cut off, or no V8 heap snapshot" : "this is no V8 heap snapshot");
    if (at < 0)
        return at;
    at += (i64)strlen(quoted);
    n = input_read(in, (u64)at, text, sizeof(text));
    if (n < 0)
        return n;
    for (ssize_t i = 0; i < n; i++)
        if (text[i] != ':' && (u8)text[i] > ' ')
            return at + i;
    return problem_set(p, "offset %llu: \"%s\" has no value: the file is cut off",
                       (unsigned long long)at, key);
}

i64 meta_array(const struct input *in, const char *key, u64 from, u64 to, struct problem *p)
{
    i64 at = value_of(in, key, from, to, p);
    char c = '\0';

    if (at < 0)
        return at;
    if (input_read(in, (u64)at, &c, 1) != 1 || c != '[')
        return problem_set(p, "offset %lld: \"%s\" is no array", (long long)at, key);
    return at + 1;
}

int meta_read(struct meta *m, const struct input *in, struct problem *p)
{
    AUTO(json_value_freep) struct json_value *snapshot = NULL;
    AUTO(freep) char *text = malloc(HEADER_MAX);
    i64 at = value_of(in, "snapshot", 0, SEARCH_MAX, p), nodes;
    struct problem why = { 0 };
    ssize_t n;
    size_t len;
    int r;

    *m = (struct meta){ .node_detachedness = META_NONE };
    if (!text)
        return -ENOMEM;
    if (at < 0)
        return (int)at;
    n = input_read(in, (u64)at, text, HEADER_MAX);
    if (n < 0)
        return (int)n;
    len = n && text[0] == '{' ? object_len(text, (size_t)n) : 0;
    if (!len)
        return problem_set(p,
                           "offset %lld: the object \"snapshot\" does not end within %d bytes: the "
                           "file is cut off, or no V8 heap snapshot",
                           (long long)at, HEADER_MAX);
    r = json_value_parse(&snapshot, str_make(text, len), "", &why);
    if (r == -EINVAL)
        return problem_set(p, "offset %lld: the object \"snapshot\" is no JSON: %s", (long long)at,
                           why.text);
    if (!r)
        r = snapshot_read(m, snapshot, in->size, p);
    if (r)
        return r;
    nodes = meta_array(in, "nodes", (u64)at + len, (u64)at + len + SEARCH_MAX, p);
    if (nodes < 0)
        return (int)nodes;
    m->nodes_begin = (u64)nodes;
    return 0;
}
