/* app/renewal.c -- settings that were read again */
#include "app/renewal.h"

#include "app/app_env.h"
#include "app/origin.h"
#include "app/places.h"
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

static void user_write(struct buf *out, const struct child_user *user)
{
    if (!user)
        return;
    json_key(out, "user");
    buf_addf(out, "{\"uid\":%u,\"gid\":%u,\"groups\":[", user->uid, user->gid);
    for (u32 i = 0; i < user->groups_n; i++)
        buf_addf(out, "%s%u", i ? "," : "", user->groups[i]);
    buf_add(out, STR("]}"));
}

static void flags_write(struct buf *out, const struct settings *s)
{
    AUTO(buf_done) struct buf flags = { 0 };

    settings_write_args(s, &flags, NULL);
    json_key(out, "flags");
    buf_addc(out, '[');
    for (const char *at = flags.ptr; at && at < flags.ptr + flags.len; at += strlen(at) + 1)
        json_text(out, str_of(at));
    buf_addc(out, ']');
    out->failed |= flags.failed;
}

void renewal_write(struct buf *out, const struct renewal_from *from)
{
    AUTO(freep) char **env_no = strings_list(&from->app->env_no);
    const struct app_conf *conf = from->conf;

    buf_addc(out, '{');
    json_key(out, "name");
    json_text(out, from->settings->name);
    flags_write(out, from->settings);
    list_write(out, "argv", conf->argv);
    list_write(out, "env", conf->extra_env);
    json_key(out, "env_clear");
    json_bool(out, from->app->env_clear);
    list_write(out, "env_no", env_no);
    json_key(out, "is_node");
    json_bool(out, conf->is_node);
    json_key(out, "is_side");
    json_bool(out, conf->is_side);
    json_key(out, "is_hosts");
    json_bool(out, conf->is_hosts);
    json_key(out, "has_pre");
    json_bool(out, from->has_pre);
    json_key(out, "node_path");
    json_text(out, str_of(conf->node_path));
    json_key(out, "cwd");
    json_text(out, str_of(conf->cwd));
    json_key(out, "watch");
    json_text(out, str_of(conf->watch));
    user_write(out, conf->user);
    json_key(out, "settings");
    origin_json(out, from->settings);
    json_key(out, "places");
    places_json(out, from->settings);
    buf_add(out, STR("}\n"));
    out->failed |= !env_no;
}

void renewal_done(struct renewal *r)
{
    json_value_free(r->line);
    free(r->argv);
    free(r->env);
    free(r->base_env);
    buf_done(&r->settings_json);
    buf_done(&r->places_json);
    settings_done(&r->first);
}

void renewal_next_done(struct renewal_next *next)
{
    renewal_done(&next->renewal);
    settings_done(&next->fresh);
    settings_done(&next->settings);
}

struct str renewal_name(const struct renewal_next *next)
{
    return json_value_text(json_value_member(next->renewal.line, "name"));
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
    return !(row->flags & (SETTINGS_START | SETTINGS_SECRET | SETTINGS_MADE));
}

/* `out` gets what is reloadable from `fresh`, and all else from `old`. */
static int rows_merge(struct settings *out, const struct settings *old,
                      const struct settings *fresh, struct problem *p)
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

static int merge(struct settings *out, const struct settings *old, const struct settings *fresh,
                 struct problem *p)
{
    AUTO(buf_done) struct buf listeners = { 0 };
    int err = rows_merge(out, old, fresh, p);

    if (!err)
        err = places_merge(old, fresh, &listeners);
    return err ? err : settings_put(out, &out->listeners, buf_str(&listeners));
}

static void value_add(struct buf *out, const struct settings *s, const struct settings_row *row)
{
    size_t before = out->len;

    if (row->flags & SETTINGS_SECRET)
        buf_add(out, STR("(not shown)"));
    else
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
            *proxy |= (row->scope & (SETTINGS_OF_LISTENER | SETTINGS_OF_ROUTE)) ||
                      row->group == SETTINGS_GROUP_BALANCE || row->group == SETTINGS_GROUP_PROXY ||
                      row->group == SETTINGS_GROUP_WATCH || row->group == SETTINGS_GROUP_TRACE;
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
    conf->places_json = r->places_json.ptr;
}

int renewal_read(struct renewal_next *out, struct str text, struct problem *p)
{
    struct renewal *r = &out->renewal;
    int err;

    *out = (struct renewal_next){ 0 };
    err = json_value_parse(&r->line, text, "", p);
    if (err)
        return err;
    r->argv = list_of(r->line, "argv");
    r->env = list_of(r->line, "env");
    r->base_env = base_env_of(r->line);
    if (!r->argv || !r->env || !r->base_env)
        return -ENOMEM;
    if (!r->argv[0] || renewal_name(out).len == 0)
        return problem_set(p, "the process that reads the settings says nothing of what to run");
    out->has_pre = json_value_kind(json_value_member(r->line, "has_pre")) == JSON_VALUE_TRUE;
    return flags_read(&out->fresh, r->line, p);
}

static void list_text(struct buf *out, const struct json_value *list)
{
    buf_clear(out);
    if (list)
        json_write(list, out);
    else
        buf_add(out, STR("[]"));
    buf_addc(out, 0);
}

int renewal_fit(struct renewal_next *next, const struct settings *old, const struct app_conf *conf,
                struct problem *p)
{
    struct renewal *r = &next->renewal;
    int err = merge(&next->settings, old ? old : &next->fresh, &next->fresh, p);

    if (!err)
        err = settings_check(&next->settings, p);
    if (err)
        return err;
    if (old)
        told_merge(&r->settings_json, conf->settings_json, r->line, old, &next->fresh);
    else
        list_text(&r->settings_json, json_value_member(r->line, "settings"));
    list_text(&r->places_json, json_value_member(r->line, "places"));
    return r->settings_json.failed || r->places_json.failed ? -ENOMEM : 0;
}

bool renewal_notes(const struct renewal_next *next, const struct settings *old,
                   const struct app_conf *conf, bool shared, struct strings *notes)
{
    bool proxy = false;

    notes_add(old, &next->fresh, conf->name, notes, &proxy);
    proxy |= places_notes(old, &next->fresh, conf->name, shared, notes);
    launch_notes(&next->renewal, conf, notes);
    return proxy;
}

void renewal_take(struct renewal_next *next, struct renewal *r, struct settings *s,
                  struct app_conf *conf)
{
    bool is_new = !conf->argv; /* nothing was taken, or started, yet */

    if (is_new)
        *conf = app_conf_default();
    if (r->has_first)
        next->renewal.first = TAKE(r->first, (struct settings){ 0 });
    else if (!is_new)
        next->renewal.first = TAKE(*s, (struct settings){ 0 });
    next->renewal.has_first = r->has_first || !is_new;
    renewal_done(r);
    *r = TAKE(next->renewal, (struct renewal){ 0 });
    settings_done(s);
    *s = TAKE(next->settings, (struct settings){ 0 });
    conf_point(conf, r);
}

static u32 number_of(const struct json_value *v)
{
    u64 n = 0;

    return json_value_u64(v, &n) && n <= UINT32_MAX ? (u32)n : UINT32_MAX;
}

bool renewal_user(const struct renewal *r, struct app_user *out)
{
    const struct json_value *user = json_value_member(r->line, "user");
    const struct json_value *groups = json_value_member(user, "groups");

    *out = (struct app_user){ .other = user != NULL };
    out->user.uid = number_of(json_value_member(user, "uid"));
    out->user.gid = number_of(json_value_member(user, "gid"));
    out->user.groups = out->groups;
    out->user.groups_n = min(json_value_count(groups), (u32)APP_USER_GROUPS_MAX);
    for (u32 i = 0; i < out->user.groups_n; i++)
        out->groups[i] = number_of(json_value_at(groups, i));
    return out->other;
}

bool renewal_is_side(const struct renewal *r)
{
    return json_value_kind(json_value_member(r->line, "is_side")) == JSON_VALUE_TRUE;
}

bool renewal_is_hosts(const struct renewal *r)
{
    return json_value_kind(json_value_member(r->line, "is_hosts")) == JSON_VALUE_TRUE;
}

const char *renewal_watch(const struct renewal *r)
{
    struct str watch = json_value_text(json_value_member(r->line, "watch"));

    return watch.len ? watch.ptr : NULL;
}
