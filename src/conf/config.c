/* conf/config.c -- what a file of settings says */
#include "conf/config_reader.h"
#include "conf/config_value.h"

#define SHOWN CONFIG_SHOWN
#define MISTAKE CONFIG_MISTAKE

void config_app_done(struct config_app *app)
{
    buf_done(&app->name);
    buf_done(&app->names);
    strings_done(&app->all);
    buf_done(&app->run);
    buf_done(&app->command);
    strings_done(&app->args);
    strings_done(&app->env);
    strings_done(&app->env_no);
}

void config_mistake(struct config_reader *r, const struct json_value *v, struct str key,
                    const struct problem *what)
{
    bool in_app = r->app_name.len > 0;

    findings_add(r->findings, FINDING_MISTAKE, r->from->file, json_value_line(v),
                 "%s%s%.*s%s%.*s: %.500s", r->from->package ? "fettle." : "", in_app ? "apps." : "",
                 SHOWN(r->app_name), in_app ? "." : "", SHOWN(key), what->text);
}

static enum settings_source source_of(const struct config_reader *r)
{
    if (r->from->package)
        return r->app_name.len ? SETTINGS_PACKAGE_APP : SETTINGS_PACKAGE;
    return r->app_name.len ? SETTINGS_FILE_APP : SETTINGS_FILE;
}

void config_prefix(const struct config_reader *r, struct buf *out)
{
    if (r->from->package)
        buf_add(out, STR("fettle."));
    if (r->app_name.len)
        buf_addf(out, "apps.%.*s.", SHOWN(r->app_name));
}

void config_value_set(struct config_reader *r, const struct settings_row *row, struct str text,
                      u32 line)
{
    AUTO(buf_done) struct buf key = { 0 };
    struct settings_origin origin = { source_of(r), str_of(r->from->file), line, { 0 } };
    struct problem p;
    int err;

    config_prefix(r, &key);
    buf_addf(&key, "%s", row->name);
    origin.key = buf_str(&key);
    err = key.failed ? -ENOMEM : settings_set(r->settings, row, text, &origin, &p);
    if (err == -EINVAL)
        findings_put(r->findings, FINDING_MISTAKE, &p);
    else if (err)
        r->failed = true;
}

void config_form_mistake(struct config_reader *r, const struct json_value *v, struct str key,
                         const struct settings_row *row)
{
    struct str shown = json_value_text(v);

    if (shown.len && !(row->flags & SETTINGS_SECRET))
        MISTAKE(r, v, key, "\"%.*s\" is a text; write %s", SHOWN(shown), config_value_form(row));
    else
        MISTAKE(r, v, key, "%s stands here; write %s", config_value_kind(v),
                config_value_form(row));
}

static void setting_read(struct config_reader *r, const struct settings_row *row,
                         const struct json_value *v)
{
    AUTO(buf_done) struct buf text = { 0 };
    struct str name = str_of(row->name);

    if (row->flags & SETTINGS_START) {
        MISTAKE(r, v, name, "says where settings are read, and cannot stand in a file; write --%s",
                row->name);
        return;
    }
    if (!config_value_text(row, v, r->from->folder, &text)) {
        config_form_mistake(r, v, name, row);
        return;
    }
    r->failed |= text.failed;
    if (!text.failed)
        config_value_set(r, row, buf_str(&text), json_value_line(v));
}

static void run_read(struct config_reader *r, const struct json_value *v)
{
    struct str text = json_value_text(v);

    if (text.len == 0) {
        MISTAKE(r, v, STR("run"), "%s stands here; write a file, a folder or npm:SCRIPT",
                json_value_kind(v) == JSON_VALUE_TEXT ? "nothing" : config_value_kind(v));
        return;
    }
    buf_clear(&r->app->run);
    buf_add(&r->app->run, text);
    buf_addc(&r->app->run, 0);
}

static void command_read(struct config_reader *r, const struct json_value *v)
{
    struct str text = json_value_text(v);

    if (text.len == 0 || memchr(text.ptr, 0, text.len)) {
        MISTAKE(r, v, STR("command"),
                "write a command line as a text, such as \"python3 worker.py\"");
        return;
    }
    r->app->is_side = true;
    buf_clear(&r->app->command);
    buf_add(&r->app->command, text);
    buf_addc(&r->app->command, 0);
}

static void args_read(struct config_reader *r, const struct json_value *v)
{
    const struct json_value *one;
    struct str name;
    bool ok = json_value_kind(v) == JSON_VALUE_ARRAY;

    strings_done(&r->app->args);
    r->app->args = (struct strings){ 0 };
    for (void *at = NULL; ok && json_value_each(v, &at, &name, &one);) {
        ok = json_value_kind(one) == JSON_VALUE_TEXT;
        strings_add(&r->app->args, json_value_text(one));
    }
    if (!ok)
        MISTAKE(r, v, STR("args"), "write a list of texts, such as [\"--verbose\"]");
}

bool config_too_many(struct config_reader *r, const struct json_value *v, struct str key)
{
    if (json_value_count(v) <= CONFIG_MEMBERS_MAX)
        return false;
    MISTAKE(r, v, key, "there are %u members; at most %d are possible", json_value_count(v),
            CONFIG_MEMBERS_MAX);
    return true;
}

static void variable_read(struct config_reader *r, struct str name, const struct json_value *v)
{
    AUTO(buf_done) struct buf key = { 0 };
    enum json_value_kind kind = json_value_kind(v);
    struct str text = kind == JSON_VALUE_TEXT    ? json_value_text(v)
                      : kind == JSON_VALUE_TRUE  ? STR("true")
                      : kind == JSON_VALUE_FALSE ? STR("false")
                                                 : json_value_number(v);

    buf_addf(&key, "env.%.*s", SHOWN(name));
    if (name.len == 0 || str_index(name, '=') >= 0)
        MISTAKE(r, v, buf_str(&key), "the name of a variable is neither empty nor has it a =");
    else if (str_starts(name, STR("FETTLE_")))
        MISTAKE(r, v, buf_str(&key),
                "names that begin with FETTLE_ are fettle's own, and the app "
                "does not get them; a setting stands beside env");
    else if (kind != JSON_VALUE_TEXT && kind != JSON_VALUE_TRUE && kind != JSON_VALUE_FALSE &&
             kind != JSON_VALUE_NUMBER)
        MISTAKE(r, v, buf_str(&key), "%s stands here; write a text", config_value_kind(v));
    else
        strings_addf(&r->app->env, "%.*s=%.*s", STR_ARG(name), STR_ARG(text));
    r->failed |= key.failed;
}

static void env_read(struct config_reader *r, const struct json_value *v)
{
    const struct json_value *one;
    struct str name;

    if (json_value_kind(v) != JSON_VALUE_OBJECT) {
        MISTAKE(r, v, STR("env"),
                "%s stands here; write an object, such as {\"NODE_ENV\": "
                "\"production\"}",
                config_value_kind(v));
        return;
    }
    if (config_too_many(r, v, STR("env")))
        return;
    for (void *at = NULL; json_value_each(v, &at, &name, &one);)
        variable_read(r, name, one);
}

/* Of no meaning to us: it tells an editor where the schema is. */
static void schema_read(struct config_reader *r, const struct json_value *v)
{
    if (json_value_kind(v) != JSON_VALUE_TEXT)
        MISTAKE(r, v, STR("$schema"), "%s stands here; write a text", config_value_kind(v));
}

static void apps_read(struct config_reader *r, const struct json_value *v);

const struct config_key config_keys[] = {
    { "run", "a text",
      "What to run: a file, a folder or npm:SCRIPT, as on the command line; from the folder of the "
      "file.",
      true, run_read },
    { "command", "a text",
      "Instead of run: a command line, also of a program that is not Node, which then gets no "
      "traffic and is one worker unless `workers` says otherwise.",
      true, command_read },
    { "args", "a list of texts", "Arguments for the app itself.", true, args_read },
    { "env", "an object",
      "Variables for the app's environment; they win over those with which fettle was started.",
      true, env_read },
    { "apps", "an object",
      "Several apps, each under its name; what stands beside `apps` holds for all of them.", false,
      apps_read },
    { "listeners", "an object", "Settings of single addresses, each under its address.", false,
      config_listeners_read },
    { "routes", "an object or a list",
      "An object: addresses on which fettle itself listens, each with a list of routes: which host "
      "and which path is whose. A list: settings of single hosts and paths of the app, wherever it "
      "listens.",
      true, config_routes_read },
    { "$schema", "a text", "The place of the JSON Schema, for editors.", false, schema_read },
};
const u32 config_key_count = ARRAY_LEN(config_keys);

const char *config_nearest(struct str name)
{
    u32 least = 2 + (u32)name.len / 3, distance;
    const char *nearest = NULL;

    for (u32 i = 0; i < settings_row_count + config_key_count; i++) {
        bool is_row = i < settings_row_count;
        const char *other =
            is_row ? settings_rows[i].name : config_keys[i - settings_row_count].name;

        if (is_row && settings_rows[i].flags & (SETTINGS_HIDDEN | SETTINGS_START))
            continue;
        distance = str_distance(name, str_of(other));
        if (distance < least) {
            least = distance;
            nearest = other;
        }
    }
    return nearest;
}

void config_kebab(struct str name, struct buf *out)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];

        if (c >= 'A' && c <= 'Z' && i && name.ptr[i - 1] != '_')
            buf_addc(out, '-');
        buf_addc(out, (char)(c == '_' ? '-' : c >= 'A' && c <= 'Z' ? c + 32 : c));
    }
}

static void key_unknown(struct config_reader *r, struct str name, const struct json_value *v)
{
    AUTO(buf_done) struct buf spelt = { 0 };
    const struct settings_row *row;
    const char *nearest;

    config_kebab(str_sub(name, 0, 80), &spelt);
    row = settings_row_find(buf_str(&spelt), NULL);
    if (row && row->flags & SETTINGS_MADE)
        row = NULL;
    nearest = row && !(row->flags & SETTINGS_START) ? row->name : config_nearest(buf_str(&spelt));
    if (nearest && row)
        MISTAKE(r, v, name, "unknown setting; its name is written \"%s\"", nearest);
    else if (nearest)
        MISTAKE(r, v, name, "unknown setting; did you mean \"%s\"?", nearest);
    else
        MISTAKE(r, v, name, "unknown setting; `fettle help run` lists all");
    r->failed |= spelt.failed;
}

static const struct config_key *key_find(struct str name)
{
    for (u32 i = 0; i < config_key_count; i++)
        if (str_eq(name, str_of(config_keys[i].name)))
            return &config_keys[i];
    return NULL;
}

static void member_read(struct config_reader *r, struct str name, const struct json_value *v)
{
    const struct settings_row *row = settings_row_find(name, NULL);
    const struct config_key *key = key_find(name);
    bool one_only = str_eq(name, STR("run")) || str_eq(name, STR("args")) ||
                    str_eq(name, STR("name")) || str_eq(name, STR("command"));

    if (json_value_kind(v) == JSON_VALUE_NULL && (key || row))
        MISTAKE(r, v, name, "null is no value; leave the key out");
    else if (one_only && r->has_apps && r->app_name.len == 0)
        MISTAKE(r, v, name, "belongs to one app; write it into each of `apps`");
    else if (key && !key->in_app && r->app_name.len)
        MISTAKE(r, v, name, "cannot stand inside of an app");
    else if (key)
        key->read(r, v);
    else if (row && !(row->flags & SETTINGS_MADE))
        setting_read(r, row, v);
    else
        key_unknown(r, name, v);
}

/* The same name a second time: most likely one of the two was forgotten. */
void config_twice_check(struct config_reader *r, const struct json_value *object, struct str name,
                        const struct json_value *v)
{
    const struct json_value *other;
    struct str other_name;

    for (void *at = NULL; json_value_each(object, &at, &other_name, &other) && other != v;) {
        if (!str_eq(name, other_name))
            continue;
        MISTAKE(r, v, name, "stands here for the second time; the first is on line %u",
                json_value_line(other));
        return;
    }
}

/* All members but `apps` and the `routes` beside them, so that an app comes after what holds for
 * all, and those after the apps, wherever they stand. */
static void object_read(struct config_reader *r, const struct json_value *object)
{
    const struct json_value *v;
    struct str name;

    if (config_too_many(r, object, STR("*")))
        return;
    for (void *at = NULL; json_value_each(object, &at, &name, &v);) {
        config_twice_check(r, object, name, v);
        if (r->app_name.len || !(str_eq(name, STR("apps")) || str_eq(name, STR("routes"))))
            member_read(r, name, v);
    }
}

static void both_check(struct config_reader *r, const struct json_value *object)
{
    const struct json_value *command = json_value_member(object, "command");

    if (command && json_value_member(object, "run"))
        MISTAKE(r, command, STR("command"), "stands beside run; only one of them can be started");
}

static void app_read(struct config_reader *r, struct str name, const struct json_value *v)
{
    struct config_reader inner = *r;

    inner.app_name = name;
    config_value_set(&inner, settings_row_find(STR("name"), NULL), name, json_value_line(v));
    object_read(&inner, v);
    both_check(&inner, v);
    r->failed |= inner.failed;
}

/* An app that is not the chosen one: only what is wrong with it is of interest. */
static void app_check(struct config_reader *r, struct str name, const struct json_value *v)
{
    AUTO(settings_done) struct settings settings = { 0 };
    AUTO(config_app_done) struct config_app app = { 0 };
    struct config_reader other = *r;

    other.settings = &settings;
    other.app = &app;
    if (settings_init(&settings) == 0)
        app_read(&other, name, v);
    else
        other.failed = true;
    r->failed |= other.failed;
}

static void apps_read(struct config_reader *r, const struct json_value *v)
{
    const struct json_value *one;
    bool alone = json_value_count(v) == 1, wanted = r->from->app.len > 0, mine;
    struct str name;

    if (json_value_kind(v) != JSON_VALUE_OBJECT) {
        MISTAKE(r, v, STR("apps"),
                "%s stands here; write an object with the apps' names, such as "
                "{\"shop\": {\"run\": \"shop.js\"}}",
                config_value_kind(v));
        return;
    }
    if (json_value_count(v) == 0)
        MISTAKE(r, v, STR("apps"), "there is no app in it; leave it out for a single app");
    if (config_too_many(r, v, STR("apps")))
        return;
    r->app->choose = !alone && !wanted;
    for (void *at = NULL; json_value_each(v, &at, &name, &one);) {
        if (json_value_kind(one) != JSON_VALUE_OBJECT || name.len == 0) {
            MISTAKE(r, one, name, "write an object with the settings of the app, under its name");
            continue;
        }
        config_twice_check(r, v, name, one);
        mine = wanted ? str_eq(name, r->from->app) : alone;
        buf_addf(&r->app->names, "%s%.*s", r->app->names.len ? ", " : "", SHOWN(name));
        strings_add(&r->app->all, name);
        if (!mine) {
            app_check(r, name, one);
            continue;
        }
        r->app->found = true;
        buf_clear(&r->app->name);
        buf_add(&r->app->name, name);
        app_read(r, name, one);
    }
}

int config_read(const struct json_value *root, const struct config_from *from, struct settings *s,
                struct config_app *app, struct findings *f)
{
    const struct json_value *apps = json_value_member(root, "apps");
    const struct json_value *routes = json_value_member(root, "routes");
    struct config_reader r = { from, s, app, f, { 0 }, apps != NULL, false };

    if (json_value_kind(root) != JSON_VALUE_OBJECT) {
        findings_add(f, FINDING_MISTAKE, from->file, json_value_line(root),
                     "%s stands here; write an object, such as {\"workers\": 4}",
                     config_value_kind(root));
        return 0;
    }
    object_read(&r, root);
    both_check(&r, root);
    if (apps)
        apps_read(&r, apps);
    if (routes)
        config_routes_read(&r, routes);
    r.failed |= app->name.failed || app->names.failed || app->all.bytes.failed || app->run.failed ||
                app->args.bytes.failed || app->env.bytes.failed || f->failed;
    return r.failed ? -ENOMEM : 0;
}
