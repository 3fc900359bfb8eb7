/* conf/pm2.c -- pm2's ecosystem files, read as they are */
#include "conf/json_write.h"
#include "conf/pm2_reader.h"
#include "conf/words.h"

#define SHOWN(text) STR_ARG(str_sub(text, 0, 80))

/* The variables of an object; what is no text is written as JSON, as pm2 does. */
static void env_take(struct pm2_reader *r, const char *key, const struct json_value *v)
{
    const struct json_value *one;
    struct str name;

    r->key = key;
    if (v && json_value_kind(v) != JSON_VALUE_OBJECT)
        pm2_mistake(r, v, "an object, such as { NODE_ENV: 'production' }");
    for (void *at = NULL;
         json_value_kind(v) == JSON_VALUE_OBJECT && json_value_each(v, &at, &name, &one);) {
        AUTO(buf_done) struct buf text = { 0 };

        if (json_value_kind(one) == JSON_VALUE_TEXT)
            buf_add(&text, json_value_text(one));
        else
            json_write(one, &text);
        if (name.len == 0 || str_index(name, '=') >= 0)
            pm2_found(r, FINDING_MISTAKE, json_value_line(one),
                      "the name of a variable is neither empty nor has it a =");
        else if (!str_starts(name, STR("FETTLE_")))
            pm2_env_add(r, name, buf_str(&text));
        r->failed |= text.failed;
    }
}

static void env_finish(struct pm2_reader *r)
{
    AUTO(freep) char *wanted = str_dup(r->from->env);
    const struct json_value *deploy =
        wanted && *wanted ? json_value_member(r->deploy, wanted) : NULL;

    env_take(r, "deploy", json_value_member(deploy, "env"));
    env_take(r, "env", r->env);
    env_take(r, "env_NAME", r->env_more);
    if (r->from->env.len && !r->env_more && !r->quiet)
        findings_add(r->findings, FINDING_WARNING, r->from->file, r->line,
                     "apps[%u] has no env_%.*s, which --env asks for", r->index,
                     SHOWN(r->from->env));
}

/* Absolute, from the folder in which fettle was started, then from `cwd`. */
static void folder_finish(struct pm2_reader *r, struct buf *folder)
{
    if (!(r->cwd.len && r->cwd.ptr[0] == '/'))
        buf_add(folder, r->from->folder);
    if (r->cwd.len && r->cwd.ptr[0] != '/')
        buf_addc(folder, '/');
    buf_add(folder, r->cwd);
    r->key = "cwd";
    pm2_set(r, "cwd", buf_str(folder), r->line);
}

/* From the app's folder, as pm2 has it; "~" is the home. */
static void log_path_finish(struct pm2_reader *r, const char *setting, struct str path,
                            struct str folder)
{
    AUTO(buf_done) struct buf full = { 0 };
    const char *home = getenv("HOME");

    if (str_eq(path, STR("NULL"))) {
        path = STR("/dev/null");
    } else if (str_starts(path, STR("~/")) && home) {
        buf_add(&full, str_of(home));
        path = str_sub(path, 1, path.len);
    } else if (path.ptr[0] != '/') {
        path = str_starts(path, STR("./")) ? str_sub(path, 2, path.len) : path;
        buf_add(&full, folder);
        buf_addc(&full, '/');
    }
    buf_add(&full, path);
    r->failed |= full.failed;
    pm2_set(r, setting, buf_str(&full), r->line);
}

static void logs_finish(struct pm2_reader *r, struct str folder)
{
    struct str all = r->log_file[PM2_LOG_ALL], out = r->log_file[PM2_LOG_OUT];
    struct str error = r->log_file[PM2_LOG_ERROR];

    r->key = "log_file";
    if (r->no_logs) {
        out = error = STR("/dev/null");
        all = (struct str){ 0 };
    }
    if (all.len && out.len)
        pm2_found(r, FINDING_WARNING, r->line,
                  "the lines are in out_file and error_file, and in no third file");
    r->key = out.len ? "out_file" : "log_file";
    if (out.len || all.len)
        log_path_finish(r, "log-file", out.len ? out : all, folder);
    r->key = "error_file";
    if (error.len)
        log_path_finish(r, "error-file", error, folder);
    r->key = "pid_file";
    if (r->pid_file.len)
        log_path_finish(r, "pid-file", r->pid_file, folder);
}

/* A list of paths, or one, from the folder of the app. */
static void watch_finish(struct pm2_reader *r, struct str folder)
{
    bool is_list = json_value_kind(r->watch) == JSON_VALUE_ARRAY;
    u32 count = is_list ? json_value_count(r->watch) : r->watch != NULL;

    r->key = "watch";
    for (u32 i = 0; i < count; i++) {
        AUTO(buf_done) struct buf full = { 0 };
        const struct json_value *v = is_list ? json_value_at(r->watch, i) : r->watch;
        struct str path = json_value_text(v);

        if (path.len == 0) {
            pm2_mistake(r, v, "true, a path or a list of paths");
            continue;
        }
        if (path.ptr[0] != '/')
            buf_addf(&full, "%.*s/", STR_ARG(folder));
        buf_add(&full, path);
        r->failed |= full.failed;
        pm2_set(r, "watch", buf_str(&full), json_value_line(v));
    }
}

static void name_finish(struct pm2_reader *r)
{
    AUTO(buf_done) struct buf name = { 0 };
    struct str base = r->script;
    size_t dot, len;

    while (str_index(base, '/') >= 0)
        base = str_sub(base, (size_t)str_index(base, '/') + 1, base.len);
    for (dot = base.len; dot > 1 && base.ptr[dot - 1] != '.';)
        dot--;
    buf_add(&name, r->name.len ? r->name : dot > 1 ? str_sub(base, 0, dot - 1) : base);
    if (r->env_in_name && r->from->env.len)
        buf_addf(&name, "-%.*s", STR_ARG(r->from->env));
    len = min(name.len, (size_t)47);
    r->key = "name";
    r->failed |= name.failed;
    /* Cut between characters. */
    while (len && len < name.len && ((u8)name.ptr[len] & 0xc0) == 0x80)
        len--;
    pm2_set(r, "name", str_sub(buf_str(&name), 0, len), r->line);
}

/* The program that runs a script, by its ending, where that is not node. */
static struct str program_of(struct str script)
{
    static const char *const programs[][2] = { { ".sh", "bash" }, { ".py", "python3" },
                                               { ".rb", "ruby" }, { ".php", "php" },
                                               { ".pl", "perl" }, { ".coffee", "coffee" },
                                               { ".tsx", "bun" } };

    for (u32 i = 0; i < ARRAY_LEN(programs); i++)
        if (str_ends(script, str_of(programs[i][0])))
            return str_of(programs[i][1]);
    return (struct str){ 0 };
}

static bool is_node(struct str interpreter)
{
    return str_eq(interpreter, STR("node")) || str_ends(interpreter, STR("/node"));
}

static void script_finish(struct pm2_reader *r)
{
    struct str program = r->interpreter.len ? r->interpreter : program_of(r->script);
    struct config_app *app = r->app;

    if (r->source_maps)
        buf_addf(&r->interpreter_args, "%s--enable-source-maps",
                 r->interpreter_args.len ? " " : "");
    r->key = "exec_interpreter";
    if (str_starts(program, STR("node@"))) {
        pm2_found(r, FINDING_MISTAKE, r->line,
                  "node@VERSION asks nvm for a node; write the path of that node instead");
        return;
    }
    if (str_index(r->script, ' ') >= 0) {
        buf_add(&app->command, r->script);
    } else if (program.len && !is_node(program)) {
        if (!str_eq(program, STR("none")))
            buf_addf(&app->command, "%.*s %.*s%s", STR_ARG(program),
                     STR_ARG(buf_str(&r->interpreter_args)), r->interpreter_args.len ? " " : "");
        words_quote(r->script, &app->command);
        buf_addf(&app->command, "%s%.*s", r->args.len ? " " : "", STR_ARG(buf_str(&r->args)));
        app->is_side = !str_eq(program, STR("bash")) && !str_eq(program, STR("none"));
    } else {
        buf_add(&app->run, r->script);
        buf_addc(&app->run, 0);
        app->may_be_program = true;
        if (program.len)
            pm2_set(r, "node", program, r->line);
        r->key = "node_args";
        if (r->interpreter_args.len)
            pm2_set(r, "node-args", buf_str(&r->interpreter_args), r->line);
        (void)words_split(buf_str(&r->args), &app->args.bytes, &app->args.count);
    }
    if (app->command.len)
        buf_addc(&app->command, 0);
}

static void app_finish(struct pm2_reader *r)
{
    AUTO(buf_done) struct buf folder = { 0 };

    env_finish(r);
    r->key = "instances";
    if (!r->instances)
        pm2_set(r, "workers", STR("1"), r->line);
    r->key = "max_restarts";
    if (r->max_restarts && !r->min_uptime)
        pm2_set(r, "min-uptime", STR("1s"), r->line);
    r->key = "script";
    if (r->script.len == 0) {
        pm2_found(r, FINDING_MISTAKE, r->line, "is missing; write what is to be run");
        return;
    }
    folder_finish(r, &folder);
    logs_finish(r, buf_str(&folder));
    watch_finish(r, buf_str(&folder));
    name_finish(r);
    script_finish(r);
    r->failed |= folder.failed || r->args.failed || r->interpreter_args.failed;
}

static void app_read(struct pm2_reader *r, const struct json_value *app)
{
    const struct json_value *v;
    struct str name;

    r->line = json_value_line(app);
    if (json_value_count(app) > CONFIG_MEMBERS_MAX) {
        findings_add(r->findings, FINDING_MISTAKE, r->from->file, r->line,
                     "apps[%u] has more than %d members", r->index, CONFIG_MEMBERS_MAX);
        return;
    }
    for (void *at = NULL; json_value_each(app, &at, &name, &v);)
        pm2_member_read(r, name, v);
    app_finish(r);
    buf_done(&r->args);
    buf_done(&r->interpreter_args);
}

/* The name by which --app finds it: its own, else its script's. */
static struct str app_name(const struct json_value *app)
{
    struct str name = json_value_text(json_value_member(app, "name"));

    return name.len ? name : json_value_text(json_value_member(app, "script"));
}

/* By their names they are told apart here, and in pm2's own commands. */
static void twice_check(struct pm2_reader *r, const struct json_value *app)
{
    struct str name = app_name(app);

    if (name.len && strings_has(&r->app->all, name))
        findings_add(r->findings, FINDING_MISTAKE, r->from->file, json_value_line(app),
                     "apps[%u] is named \"%.*s\", as another one is; give each a `name` of its own",
                     r->index, SHOWN(name));
}

static void apps_read(struct pm2_reader *r, const struct json_value *apps)
{
    bool is_list = json_value_kind(apps) == JSON_VALUE_ARRAY;
    u32 count = is_list ? json_value_count(apps) : 1;
    bool wanted = r->from->app.len > 0;

    r->app->choose = count > 1 && !wanted;
    for (r->index = 0; r->index < min(count, (u32)CONFIG_MEMBERS_MAX); r->index++) {
        AUTO(config_app_done) struct config_app unused = { 0 };
        AUTO(settings_done) struct settings settings = { 0 };
        const struct json_value *app = is_list ? json_value_at(apps, r->index) : apps;
        struct pm2_reader one = *r;
        bool mine = wanted ? str_eq(app_name(app), r->from->app) : count == 1;

        if (json_value_kind(app) != JSON_VALUE_OBJECT) {
            findings_add(r->findings, FINDING_MISTAKE, r->from->file, json_value_line(app),
                         "apps[%u] is no object; write { script: 'app.js' }", r->index);
            continue;
        }
        buf_addf(&r->app->names, "%s%.*s", r->app->names.len ? ", " : "", SHOWN(app_name(app)));
        twice_check(r, app);
        strings_add(&r->app->all, app_name(app));
        if (mine && !r->app->found) {
            r->app->found = true;
            buf_add(&r->app->name, app_name(app));
        } else {
            one.quiet = wanted;
            one.app = &unused;
            one.settings = &settings;
            if (settings_init(&settings)) {
                r->failed = true;
                return;
            }
        }
        app_read(&one, app);
        r->failed |= one.failed;
    }
}

static void top_check(struct pm2_reader *r, const struct json_value *root)
{
    const struct json_value *v;
    struct str name;

    for (void *at = NULL; json_value_each(root, &at, &name, &v);) {
        const struct pm2_key *key = NULL;

        for (u32 i = 0; i < pm2_top_key_count; i++)
            if (pm2_key_is(&pm2_top_keys[i], name))
                key = &pm2_top_keys[i];
        if (!key)
            findings_add(r->findings, FINDING_WARNING, r->from->file, json_value_line(v),
                         "%.*s: pm2 has no such key beside apps, and leaves it aside", SHOWN(name));
        else if (key->fate != PM2_HONOURED)
            findings_add(r->findings, key->fate == PM2_WARNED ? FINDING_WARNING : FINDING_NOTE,
                         r->from->file, json_value_line(v), "%s: %s", key->name, key->text);
    }
}

bool pm2_is(const struct json_value *root)
{
    return json_value_kind(root) == JSON_VALUE_ARRAY ||
           json_value_kind(json_value_member(root, "apps")) == JSON_VALUE_ARRAY ||
           json_value_kind(json_value_member(root, "pm2")) == JSON_VALUE_ARRAY;
}

int pm2_read(const struct json_value *root, const struct config_from *from, struct settings *s,
             struct config_app *app, struct findings *f)
{
    struct pm2_reader r = { .from = from, .settings = s, .app = app, .findings = f, .key = "" };
    const struct json_value *apps = json_value_member(root, "apps");

    if (!apps)
        apps = json_value_member(root, "pm2");
    r.deploy = json_value_member(root, "deploy");
    if (apps)
        top_check(&r, root);
    else
        apps = root;
    apps_read(&r, apps);
    r.failed |= app->name.failed || app->names.failed || app->all.bytes.failed || app->run.failed ||
                app->command.failed || app->args.bytes.failed || app->env.bytes.failed ||
                app->env_no.bytes.failed || f->failed;
    return r.failed ? -ENOMEM : 0;
}
