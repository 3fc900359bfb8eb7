/* conf/settings.c -- values into struct settings, and back to text */
#include "conf/settings.h"

#include "conf/settings_value.h"

/* A copy of a text that a value points to; freed with the settings. */
struct settings_text {
    struct settings_text *next;
    char bytes[];
};

static u32 row_index(const struct settings_row *row)
{
    return (u32)(row - settings_rows);
}

int settings_text_put(struct settings_text **texts, struct str *field, struct str value)
{
    struct settings_text *t = malloc(sizeof(*t) + value.len + 1);

    if (!t)
        return -ENOMEM;
    if (value.len)
        memcpy(t->bytes, value.ptr, value.len);
    t->bytes[value.len] = 0;
    t->next = *texts;
    *texts = t;
    *field = str_make(t->bytes, value.len);
    return 0;
}

int settings_put(struct settings *s, struct str *field, struct str value)
{
    return settings_text_put(&s->texts, field, value);
}

void settings_texts_free(struct settings_text **texts)
{
    struct settings_text *next;

    for (struct settings_text *t = *texts; t; t = next) {
        next = t->next;
        free(t);
    }
    *texts = NULL;
}

void settings_texts_join(struct settings_text **texts, struct settings_text **more)
{
    struct settings_text **end = more;

    while (*end)
        end = &(*end)->next;
    *end = *texts;
    *texts = *more;
    *more = NULL;
}

int settings_table_init(const struct settings_table *t, const struct settings_values *to)
{
    struct problem p;
    int err = 0;

    for (u32 i = 0; i < *t->count && !err; i++)
        err = settings_value_read(to, &t->rows[i], str_of(t->rows[i].default_text), &p);
    assert(err != -EINVAL); /* the table's own default is a value that it allows */
    return err;
}

int settings_init(struct settings *s)
{
    struct settings_origin origin = { .source = SETTINGS_DEFAULT };
    struct problem p;
    int err;

    *s = (struct settings){ 0 };
    for (u32 i = 0; i < settings_row_count; i++) {
        err =
            settings_set(s, &settings_rows[i], str_of(settings_rows[i].default_text), &origin, &p);
        assert(err != -EINVAL); /* the table's own default is a value that it allows */
        if (err) {
            settings_done(s);
            return err;
        }
    }
    return 0;
}

void settings_done(struct settings *s)
{
    settings_texts_free(&s->texts);
    *s = (struct settings){ 0 };
}

void settings_borrow(struct settings *to, const struct settings *from)
{
    *to = *from;
    to->texts = NULL;
}

const struct settings_row *settings_table_find(const struct settings_table *table, struct str name,
                                               const char **nearest)
{
    u32 least = UINT32_MAX, distance;

    if (nearest)
        *nearest = NULL;
    for (u32 i = 0; i < *table->count; i++) {
        const struct settings_row *row = &table->rows[i];

        if (str_eq(name, str_of(row->name)))
            return row;
        distance = str_distance(name, str_of(row->name));
        if (nearest && distance < least && distance <= 1 + name.len / 3 &&
            !(row->flags & SETTINGS_HIDDEN)) {
            least = distance;
            *nearest = row->name;
        }
    }
    return NULL;
}

const struct settings_row *settings_row_find(struct str name, const char **nearest)
{
    return settings_table_find(&settings_of_run, name, nearest);
}

void settings_env_name(const struct settings_row *row, struct buf *out)
{
    buf_add(out, STR("FETTLE_"));
    for (const char *c = row->name; *c; c++)
        buf_addc(out, *c == '-' ? '_' : (char)(*c >= 'a' && *c <= 'z' ? *c - 32 : *c));
}

int settings_problem_place(struct problem *p, const struct settings_row *row,
                           const struct settings_origin *origin)
{
    AUTO(buf_done) struct buf name = { 0 };
    struct problem what = *p;

    str_to_cstr(origin->file, p->file, sizeof(p->file));
    p->line = origin->line;
    switch (origin->source) {
    case SETTINGS_ENV:
        if (origin->key.len) /* a variable that is not ours (conf/otelenv.h) */
            buf_add(&name, origin->key);
        else
            settings_env_name(row, &name);
        break;
    case SETTINGS_FLAG:
        buf_addf(&name, "--%s", row->name);
        break;
    case SETTINGS_DEFAULT:
    case SETTINGS_PACKAGE:
    case SETTINGS_PACKAGE_APP:
    case SETTINGS_FILE:
    case SETTINGS_FILE_APP:
    case SETTINGS_LISTENER:
    case SETTINGS_PATH_OWN:
    case SETTINGS_ROUTE:
        buf_add(&name, origin->key.len ? str_sub(origin->key, 0, 200) : str_of(row->name));
        break;
    }
    return problem_set(p, "%.*s: %.700s", STR_ARG(buf_str(&name)), what.text);
}

int settings_set(struct settings *s, const struct settings_row *row, struct str value,
                 const struct settings_origin *origin, struct problem *p)
{
    struct settings_origin *had = &s->origin[row_index(row)];
    AUTO(settings_done) struct settings scratch = { 0 }; /* for what only gets checked */
    bool weaker = origin->source < had->source;
    struct settings *into = weaker ? &scratch : s;
    struct settings_values to = { into, &into->texts };
    int err;

    *p = (struct problem){ 0 };
    if (!weaker && origin->source != had->source && row->type == SETTINGS_CIDRS)
        ((struct settings_cidrs *)((char *)s + row->offset))->count = 0;
    if (!weaker && origin->source != had->source && row->type == SETTINGS_LIST)
        *(struct str *)((char *)s + row->offset) = (struct str){ 0 };
    err = settings_value_read(&to, row, value, p);
    if (err == -EINVAL)
        return settings_problem_place(p, row, origin);
    if (err || weaker)
        return err;
    *had = (struct settings_origin){ .source = origin->source, .line = origin->line };
    if (origin->file.len)
        err = settings_put(s, &had->file, origin->file);
    if (!err && origin->key.len)
        err = settings_put(s, &had->key, origin->key);
    return err;
}

void settings_text(const struct settings *s, const struct settings_row *row, struct buf *out)
{
    settings_readers[row->type].write(s, row, out);
}

bool settings_same(const struct settings *a, const struct settings *b,
                   const struct settings_row *row)
{
    AUTO(buf_done) struct buf a_text = { 0 };
    AUTO(buf_done) struct buf b_text = { 0 };

    settings_text(a, row, &a_text);
    settings_text(b, row, &b_text);
    return !a_text.failed && !b_text.failed && str_eq(buf_str(&a_text), buf_str(&b_text));
}

const struct settings_origin *settings_origin_of(const struct settings *s,
                                                 const struct settings_row *row)
{
    return &s->origin[row_index(row)];
}
