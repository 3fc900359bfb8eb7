/* load/mix.c -- the kinds of requests that are sent, and how often each */
#include "load/mix.h"

#include "conf/file.h"
#include "conf/json_value.h"

/* For "%.*s": enough of a text to be recognised. */
#define SHOWN(s) STR_ARG(str_sub(s, 0, 80))

static void json_valuep(struct json_value **v)
{
    json_value_free(*v);
}

void mix_done(struct mix *m)
{
    for (u32 i = 0; i < m->count; i++) {
        struct mix_kind *k = &m->kinds[i];

        buf_done(&k->name);
        buf_done(&k->method);
        buf_done(&k->path);
        buf_done(&k->fields);
        buf_done(&k->body);
    }
    free(m->kinds);
    *m = (struct mix){ 0 };
}

struct mix_kind *mix_add(struct mix *m)
{
    struct mix_kind *kinds = realloc(m->kinds, (m->count + 1) * sizeof(*kinds));

    if (!kinds)
        return NULL;
    m->kinds = kinds;
    kinds[m->count] = (struct mix_kind){ .weight = 1 };
    m->weights++;
    return &kinds[m->count++];
}

static int put(struct buf *to, struct str s)
{
    buf_clear(to);
    buf_add(to, s);
    return to->failed ? -ENOMEM : 0;
}

/* RFC 9110 section 5.6.2. */
static bool is_token(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((u8)s.ptr[i] <= 32 || (u8)s.ptr[i] >= 127 || strchr("\"(),/:;<=>?@[\\]{}", s.ptr[i]))
            return false;
    return s.len > 0 && s.len <= 128;
}

/* Nothing that could end a line, or (with least '!') a word. */
static bool is_clean(struct str s, char least)
{
    for (size_t i = 0; i < s.len; i++)
        if (((u8)s.ptr[i] < (u8)least && s.ptr[i] != '\t') || s.ptr[i] == 127 ||
            (s.ptr[i] == '\t' && least > ' '))
            return false;
    return true;
}

int mix_kind_method(struct mix_kind *k, struct str method, struct problem *p)
{
    if (!is_token(method))
        return problem_set(p, "\"%.*s\" is no method; write GET, POST …", SHOWN(method));
    if (str_eq(method, STR("CONNECT")))
        return problem_set(p, "CONNECT has no answer that could be measured");
    return put(&k->method, method);
}

int mix_kind_path(struct mix_kind *k, struct str path, struct problem *p)
{
    if (!str_starts(path, STR("/")) || !is_clean(path, '!'))
        return problem_set(p, "\"%.*s\" is no path; it begins with / and holds no blank",
                           SHOWN(path));
    return put(&k->path, path);
}

int mix_kind_field(struct mix_kind *k, struct str name, struct str value, struct problem *p)
{
    static const char *const ours[] = { "connection", "content-length", "transfer-encoding" };

    name = str_trim(name);
    value = str_trim(value);
    if (!is_token(name))
        return problem_set(p, "\"%.*s\" is no name of a header field", SHOWN(name));
    if (!is_clean(value, ' '))
        return problem_set(p, "the value of %.*s holds a control character", SHOWN(name));
    for (u32 i = 0; i < ARRAY_LEN(ours); i++)
        if (str_eq_nocase(name, str_of(ours[i])))
            return problem_set(p,
                               "%s is written by the load generator itself: see --no-keepalive "
                               "and --body",
                               ours[i]);
    k->has_host |= str_eq_nocase(name, STR("host"));
    buf_addf(&k->fields, "%.*s: %.*s\r\n", STR_ARG(name), STR_ARG(value));
    return k->fields.failed ? -ENOMEM : 0;
}

int mix_kind_body(struct mix_kind *k, struct str body)
{
    k->has_body = true;
    return put(&k->body, body);
}

int mix_kind_body_file(struct mix_kind *k, const char *path, struct problem *p)
{
    int err;

    k->has_body = true;
    buf_clear(&k->body);
    err = file_read(path, MIX_BODY_MAX, &k->body);
    if (err == -ENOMEM)
        return err;
    if (err == -EFBIG)
        return problem_set(p, "%.200s is larger than 64M, the largest body that is sent", path);
    if (err)
        return problem_set(p, "%.200s cannot be read: %s", path, strerror(-err));
    return 0;
}

/* One element of the file's list. */
struct reading {
    struct mix *mix;
    u32 kind; /* its number, from 0 */
    const char *path;
    struct problem *problem;
};

static struct mix_kind *kind_of(const struct reading *r)
{
    return &r->mix->kinds[r->kind];
}

/* Puts the file and the element before what is wrong. */
static int problem_place(const struct reading *r, const char *member)
{
    struct problem what = *r->problem;

    str_to_cstr(str_of(r->path), r->problem->file, sizeof(r->problem->file));
    return problem_set(r->problem, "kind %u, \"%s\": %.600s", r->kind + 1, member, what.text);
}

static int text_wanted(const struct json_value *v, struct problem *p)
{
    return json_value_kind(v) == JSON_VALUE_TEXT ? 0 : problem_set(p, "is no text; write \"…\"");
}

static int read_name(const struct reading *r, const struct json_value *v)
{
    int err = text_wanted(v, r->problem);
    struct str name = json_value_text(v);

    if (err)
        return err;
    if (name.len == 0 || name.len > 80 || !is_clean(name, ' '))
        return problem_set(r->problem, "a name has 1 to 80 bytes and no control character");
    return put(&kind_of(r)->name, name);
}

static int read_weight(const struct reading *r, const struct json_value *v)
{
    u64 weight;

    if (!json_value_u64(v, &weight) || weight == 0 || weight > MIX_WEIGHT_MAX)
        return problem_set(r->problem, "is no whole number from 1 to %d", MIX_WEIGHT_MAX);
    r->mix->weights += weight - kind_of(r)->weight;
    kind_of(r)->weight = (u32)weight;
    return 0;
}

static int read_method(const struct reading *r, const struct json_value *v)
{
    int err = text_wanted(v, r->problem);

    return err ? err : mix_kind_method(kind_of(r), json_value_text(v), r->problem);
}

static int read_path(const struct reading *r, const struct json_value *v)
{
    int err = text_wanted(v, r->problem);

    return err ? err : mix_kind_path(kind_of(r), json_value_text(v), r->problem);
}

static int read_headers(const struct reading *r, const struct json_value *v)
{
    const struct json_value *value;
    struct str name;
    void *at = NULL;
    int err = 0;

    if (json_value_kind(v) != JSON_VALUE_OBJECT)
        return problem_set(r->problem, "is no object; write { \"accept\": \"text/html\" }");
    while (!err && json_value_each(v, &at, &name, &value)) {
        err = text_wanted(value, r->problem);
        if (!err)
            err = mix_kind_field(kind_of(r), name, json_value_text(value), r->problem);
    }
    return err;
}

static int body_once(const struct reading *r)
{
    return kind_of(r)->has_body ? problem_set(r->problem, "there is a body already") : 0;
}

static int read_body(const struct reading *r, const struct json_value *v)
{
    int err = text_wanted(v, r->problem);

    if (!err)
        err = body_once(r);
    return err ? err : mix_kind_body(kind_of(r), json_value_text(v));
}

static int read_body_file(const struct reading *r, const struct json_value *v)
{
    AUTO(buf_done) struct buf path = { 0 };
    const char *slash = strrchr(r->path, '/');
    struct str name = json_value_text(v);
    int err = text_wanted(v, r->problem);

    if (!err)
        err = body_once(r);
    if (err)
        return err;
    if (!str_starts(name, STR("/")) && slash)
        buf_add(&path, str_make(r->path, (size_t)(slash - r->path) + 1));
    buf_add(&path, name);
    buf_addc(&path, 0);
    return path.failed ? -ENOMEM : mix_kind_body_file(kind_of(r), path.ptr, r->problem);
}

static const struct {
    const char *name;
    int (*read)(const struct reading *r, const struct json_value *v);
} members[] = {
    { "name", read_name },           { "weight", read_weight },   { "method", read_method },
    { "path", read_path },           { "headers", read_headers }, { "body", read_body },
    { "body_file", read_body_file },
};

static int member_read(const struct reading *r, struct str name, const struct json_value *v)
{
    int err;

    for (u32 i = 0; i < ARRAY_LEN(members); i++) {
        if (!str_eq(name, str_of(members[i].name)))
            continue;
        err = members[i].read(r, v);
        return err == -EINVAL ? problem_place(r, members[i].name) : err;
    }
    str_to_cstr(str_of(r->path), r->problem->file, sizeof(r->problem->file));
    return problem_set(r->problem,
                       "kind %u: \"%.*s\" is unknown; there are name, weight, method, path, "
                       "headers, body and body_file",
                       r->kind + 1, SHOWN(name));
}

static int kind_read(const struct reading *r, const struct json_value *v)
{
    const struct json_value *value;
    struct str name;
    void *at = NULL;
    int err = 0;

    if (json_value_kind(v) != JSON_VALUE_OBJECT) {
        str_to_cstr(str_of(r->path), r->problem->file, sizeof(r->problem->file));
        return problem_set(r->problem, "kind %u is no object; write { \"path\": \"/\" }",
                           r->kind + 1);
    }
    while (!err && json_value_each(v, &at, &name, &value))
        err = member_read(r, name, value);
    return err;
}

int mix_parse(struct mix *m, struct str text, const char *path, struct problem *p)
{
    AUTO(json_valuep) struct json_value *root = NULL;
    int err;

    *p = (struct problem){ 0 };
    err = json_value_parse(&root, text, path, p);
    if (err)
        return err;
    str_to_cstr(str_of(path), p->file, sizeof(p->file));
    if (json_value_kind(root) != JSON_VALUE_ARRAY || json_value_count(root) == 0 ||
        json_value_count(root) > MIX_KINDS_MAX)
        return problem_set(p, "must be a list of 1 to %d kinds: [{ \"path\": \"/\" }, …]",
                           MIX_KINDS_MAX);
    for (u32 i = 0; i < json_value_count(root) && !err; i++) {
        struct reading r = { m, i, path, p };

        err = mix_add(m) ? kind_read(&r, json_value_at(root, i)) : -ENOMEM;
    }
    return err;
}

int mix_read(struct mix *m, const char *path, struct problem *p)
{
    AUTO(buf_done) struct buf text = { 0 };
    int err = file_read(path, MIX_BODY_MAX, &text);

    *p = (struct problem){ 0 };
    if (err == -ENOMEM)
        return err;
    if (err) {
        str_to_cstr(str_of(path), p->file, sizeof(p->file));
        return problem_set(p, "cannot be read: %s", strerror(-err));
    }
    return mix_parse(m, buf_str(&text), path, p);
}

u32 mix_pick(const struct mix *m, struct random *r)
{
    u64 at;

    if (m->count == 1)
        return 0;
    at = random_u64(r) % m->weights;
    for (u32 i = 0;; i++) {
        if (at < m->kinds[i].weight)
            return i;
        at -= m->kinds[i].weight;
    }
}
