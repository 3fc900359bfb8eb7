/* app/renewal.c -- settings that were read again */
#include "app/renewal.h"

#include "app/app_env.h"
#include "app/origin.h"
#include "base/json.h"
#include "conf/json_write.h"

static void list_write(struct buf *out, const char *key, char *const *list)
{
    json_key(out, key);
    buf_addc(out, '[');
    for (u32 i = 0; list && list[i]; i++)
        json_text(out, str_of(list[i]));
    buf_addc(out, ']');
}

void renewal_write(struct buf *out, const struct settings *s, const struct app_conf *conf,
                   const struct config_app *app)
{
    AUTO(buf_done) struct buf flags = { 0 };
    AUTO(freep) char **env_no = strings_list(&app->env_no);

    settings_write_args(s, &flags, NULL);
    buf_addc(out, '{');
    json_key(out, "name");
    json_text(out, s->name);
    json_key(out, "flags");
    buf_addc(out, '[');
    for (const char *at = flags.ptr; at && at < flags.ptr + flags.len; at += strlen(at) + 1)
        json_text(out, str_of(at));
    buf_addc(out, ']');
    list_write(out, "argv", conf->argv);
    list_write(out, "env", conf->extra_env);
    json_key(out, "env_clear");
    json_bool(out, app->env_clear);
    list_write(out, "env_no", env_no);
    json_key(out, "is_node");
    json_bool(out, conf->is_node);
    json_key(out, "node_path");
    json_text(out, str_of(conf->node_path));
    json_key(out, "cwd");
    json_text(out, str_of(conf->cwd));
    json_key(out, "settings");
    origin_json(out, s);
    buf_add(out, STR("}\n"));
    out->failed |= flags.failed || !env_no;
}

void renewal_done(struct renewal *r)
{
    json_value_free(r->line);
    free(r->argv);
    free(r->env);
    free(r->base_env);
    buf_done(&r->settings_json);
    settings_done(&r->first);
}

struct str renewal_name(const struct json_value *line)
{
    return json_value_text(json_value_member(line, "name"));
}

/* The texts of a list, which stay the document's; the caller frees the array. */
static char **list_of(const struct json_value *line, const char *key)
{
    const struct json_value *all = json_value_member(line, key);
    u32 n = json_value_count(all);
    char **list = calloc(n + 1, sizeof(*list));

    for (u32 i = 0; list && i < n; i++)
        list[i] = (char *)json_value_text(json_value_at(all, i)).ptr;
    return list;
}

/* What of our own environment its workers get. NULL: out of memory. */
static char **base_env_of(const struct json_value *line)
{
    const struct json_value *no = json_value_member(line, "env_no");
    AUTO(config_app_done) struct config_app app = { 0 };

    app.env_clear = json_value_kind(json_value_member(line, "env_clear")) == JSON_VALUE_TRUE;
    for (u32 i = 0; i < json_value_count(no); i++)
        strings_add(&app.env_no, json_value_text(json_value_at(no, i)));
    return app.env_no.bytes.failed ? NULL : app_env_base(&app);
}

static bool same_lists(char *const *a, char *const *b)
{
    for (; *a && *b; a++, b++)
        if (strcmp(*a, *b) != 0)
            return false;
    return !*a && !*b;
}

static int flags_read(struct settings *out, const struct json_value *line, struct problem *p)
{
    AUTO(freep) char **flags = list_of(line, "flags");
    struct settings_args args;
    int n = 0, err = settings_init(out);

    if (!flags)
        return -ENOMEM;
    while (flags[n])
        n++;
    return err ? err : settings_read_args(out, n, flags, 0, &args, p);
}

/* Whether it plays a role here: not where settings are read, and not what only we know. */
static bool is_compared(const struct settings_row *row)
{
    return !(row->flags & (SETTINGS_START | SETTINGS_SECRET));
}

/* `out` gets what is reloadable from `fresh`, and all else from `old`. */
static int merge(struct settings *out, const struct settings *old, const struct settings *fresh,
                 struct problem *p)
{
    AUTO(settings_done) struct settings plain = { 0 };
    int err = settings_init(&plain);

    if (!err)
        err = settings_init(out);
    for (u32 i = 0; i < settings_row_count && !err; i++) {
        const struct settings_row *row = &settings_rows[i];
        const struct settings *from = row->flags & SETTINGS_RELOADABLE ? fresh : old;
        AUTO(buf_done) struct buf text = { 0 };

        if (settings_same(from, &plain, row))
            continue;
        settings_text(from, row, &text);
        err = text.failed
                  ? -ENOMEM
                  : settings_set(out, row, buf_str(&text), settings_origin_of(from, row), p);
    }
    return err;
}

static void value_add(struct buf *out, const struct settings *s, const struct settings_row *row)
{
    size_t before = out->len;

    settings_text(s, row, out);
    if (out->len == before)
        buf_add(out, STR("nothing"));
}

static void notes_add(const struct settings *old, const struct settings *fresh, const char *name,
                      struct strings *notes, bool *proxy)
{
    for (u32 i = 0; i < settings_row_count; i++) {
        const struct settings_row *row = &settings_rows[i];
        AUTO(buf_done) struct buf note = { 0 };

        if (!is_compared(row) || settings_same(old, fresh, row))
            continue;
        buf_addf(&note, "%s: %s: ", name, row->name);
        if (row->flags & SETTINGS_RELOADABLE) {
            value_add(&note, fresh, row);
            buf_add(&note, STR(" instead of "));
            value_add(&note, old, row);
            *proxy |= row->group == SETTINGS_GROUP_BALANCE || row->group == SETTINGS_GROUP_PROXY ||
                      row->group == SETTINGS_GROUP_WATCH;
        } else {
            buf_add(&note, STR("stays "));
            value_add(&note, old, row);
            buf_add(&note, STR(": "));
            value_add(&note, fresh, row);
            buf_add(&note, STR(" needs a new start, `fettle stop` and `fettle run`"));
        }
        strings_add(notes, buf_str(&note));
        notes->bytes.failed |= note.failed;
    }
}

/* The rows of the new list, but the old ones of what has stayed. */
static void told_merge(struct buf *out, const char *before, const struct json_value *line,
                       const struct settings *old, const struct settings *fresh)
{
    AUTO(json_value_freep) struct json_value *list = NULL;
    const struct json_value *now = json_value_member(line, "settings");
    struct problem ignored;

    if (before && json_value_parse(&list, str_of(before), "", &ignored))
        list = NULL;
    buf_addc(out, '[');
    for (u32 i = 0; i < settings_row_count; i++) {
        const struct settings_row *row = &settings_rows[i];
        bool stays = !(row->flags & SETTINGS_RELOADABLE) && !settings_same(old, fresh, row);
        const struct json_value *from = stays ? list : now;

        for (u32 k = 0; k < json_value_count(from); k++) {
            const struct json_value *one = json_value_at(from, k);

            if (!str_eq(json_value_text(json_value_member(one, "name")), str_of(row->name)))
                continue;
            json_comma(out);
            json_write(one, out);
        }
    }
    buf_addc(out, ']');
    buf_addc(out, 0);
}

static void launch_notes(const struct renewal *fresh, const struct app_conf *conf,
                         struct strings *notes)
{
    static char *const none[] = { NULL };

    if (!same_lists(fresh->argv, conf->argv))
        strings_addf(notes, "%s: what is run has changed", conf->name);
    if (!same_lists(fresh->env, conf->extra_env ? conf->extra_env : none) ||
        !same_lists(fresh->base_env, conf->base_env))
        strings_addf(notes, "%s: its environment has changed", conf->name);
}

static void conf_point(struct app_conf *conf, const struct renewal *r)
{
    struct str cwd = json_value_text(json_value_member(r->line, "cwd"));
    struct str node = json_value_text(json_value_member(r->line, "node_path"));

    conf->argv = r->argv;
    conf->extra_env = r->env;
    conf->base_env = r->base_env;
    conf->is_node = json_value_kind(json_value_member(r->line, "is_node")) == JSON_VALUE_TRUE;
    conf->node_path = node.len ? node.ptr : NULL;
    conf->cwd = cwd.len ? cwd.ptr : NULL;
    conf->settings_json = r->settings_json.ptr;
}

int renewal_take(struct renewal *r, struct json_value *line, struct settings *s,
                 struct app_conf *conf, struct strings *notes, bool *proxy, struct problem *p)
{
    AUTO(settings_done) struct settings fresh = { 0 };
    AUTO(settings_done) struct settings merged = { 0 };
    AUTO(renewal_done)
    struct renewal next = { .argv = list_of(line, "argv"),
                            .env = list_of(line, "env"),
                            .base_env = base_env_of(line) };
    bool whole = next.argv && next.argv[0] && next.env && next.base_env;
    int err = whole ? flags_read(&fresh, line, p) : -EINVAL;

    if (!err)
        err = merge(&merged, s, &fresh, p);
    if (!err)
        err = settings_check(&merged, p);
    if (err)
        return err;
    told_merge(&next.settings_json, conf->settings_json, line, s, &fresh);
    if (next.settings_json.failed)
        return -ENOMEM;
    notes_add(s, &fresh, conf->name, notes, proxy);
    launch_notes(&next, conf, notes);
    next.line = line;
    if (r->has_first)
        next.first = TAKE(r->first, (struct settings){ 0 });
    else
        next.first = TAKE(*s, (struct settings){ 0 });
    next.has_first = true;
    renewal_done(r);
    *r = TAKE(next, (struct renewal){ 0 });
    settings_done(s);
    *s = TAKE(merged, (struct settings){ 0 });
    conf_point(conf, r);
    return 0;
}
