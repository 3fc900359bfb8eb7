/* conf/settings.c -- values into struct settings, and back to text */
#include "conf/settings.h"

#include "conf/cron.h"
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

/* Puts what was read, and where, before what is wrong with it. */
static int problem_place(struct problem *p, const struct settings_row *row,
                         const struct settings_origin *origin)
{
    AUTO(buf_done) struct buf name = { 0 };
    struct problem what = *p;

    str_to_cstr(origin->file, p->file, sizeof(p->file));
    p->line = origin->line;
    switch (origin->source) {
    case SETTINGS_ENV:
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
        return problem_place(p, row, origin);
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

static bool is_variable(struct str name)
{
    return name.len && str_index(name, '=') < 0 && !str_starts(name, STR("FETTLE_"));
}

static bool codes_are(struct str list)
{
    u64 code;

    while (list.ptr && list.len)
        if (!str_to_u64(str_cut(list, ',', &list), &code) || code > 255)
            return false;
    return true;
}

int settings_check(const struct settings *s, struct problem *p)
{
    AUTO(buf_done) struct buf admin = { 0 };
    const struct settings_row *row;
    struct cron cron;

    *p = (struct problem){ 0 };
    if (s->max_line_bytes > s->max_head_bytes) {
        problem_set(p,
                    "%llu bytes are more than max-head (%llu bytes), which includes the request "
                    "line; raise max-head too",
                    (unsigned long long)s->max_line_bytes, (unsigned long long)s->max_head_bytes);
        row = settings_row_find(STR("max-line"), NULL);
        return problem_place(p, row, settings_origin_of(s, row));
    }
    row = settings_row_find(STR("restart-at"), NULL);
    if (s->restart_at.len && cron_parse(&cron, s->restart_at, p))
        return problem_place(p, row, settings_origin_of(s, row));
    if (!codes_are(s->stop_exit_codes)) {
        row = settings_row_find(STR("stop-exit-codes"), NULL);
        problem_set(
            p, "\"%.*s\" is no list of exit codes; write numbers from 0 to 255 with commas between",
            STR_ARG(str_sub(s->stop_exit_codes, 0, 80)));
        return problem_place(p, row, settings_origin_of(s, row));
    }
    if (!is_variable(s->instance_var) || (s->increment_var.len && !is_variable(s->increment_var))) {
        bool first = !is_variable(s->instance_var);

        row = settings_row_find(first ? STR("instance-var") : STR("increment-var"), NULL);
        problem_set(p, "\"%.*s\" is no name of a variable; write one such as INSTANCE_ID",
                    STR_ARG(first ? s->instance_var : s->increment_var));
        return problem_place(p, row, settings_origin_of(s, row));
    }
    if (s->admin.kind == ENDPOINT_IP && !addr_is_loopback(&s->admin.addr) &&
        s->admin_token.len == 0) {
        endpoint_text(&s->admin, &admin);
        problem_set(p,
                    "other hosts could reach %.*s without a token; set FETTLE_ADMIN_TOKEN, or use "
                    "127.0.0.1:%u",
                    STR_ARG(buf_str(&admin)), s->admin.addr.port);
        row = settings_row_find(STR("admin"), NULL);
        return problem_place(p, row, settings_origin_of(s, row));
    }
    return 0;
}
