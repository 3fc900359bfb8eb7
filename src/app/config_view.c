/* app/config_view.c -- `fettle config`: what files of settings say, and whether that is right */
#include "app/config_options.h"

#include "app/apps.h"
#include "app/command.h"
#include "app/env_file.h"
#include "app/exit_code.h"
#include "app/options.h"
#include "app/path.h"
#include "app/places.h"
#include "app/schema.h"

#include <sys/stat.h>

extern char **environ;

enum { NAME_COLUMN = 23, VALUE_COLUMN = 22 };

struct view {
    struct config_options options;
    struct settings settings;
    struct config_file file;
    const char *target; /* NULL: the current folder */
};

static void view_done(struct view *v)
{
    settings_texts_free(&v->options.texts);
    settings_done(&v->settings);
    config_file_done(&v->file);
}

static int fail(int err, const struct problem *p)
{
    struct problem memory = { .text = "out of memory" };

    command_problem(err == -ENOMEM ? &memory : p);
    return err == -ENOMEM ? EXIT_APP : err == -ENOENT ? EXIT_MISSING : EXIT_USAGE;
}

static bool is_shown(const struct settings_row *row)
{
    return !(row->flags & (SETTINGS_START | SETTINGS_HIDDEN));
}

/* An operand that is a file is the file of settings, whatever its name; but to run an app, only
 * because somebody wants to see its settings, would be wrong. */
static int target_take(struct view *v, struct problem *p)
{
    struct str name = path_base(str_of(v->target));
    bool ignored;

    if (!v->target || path_is(v->target, S_IFDIR))
        return 0;
    if (!path_is(v->target, S_IFREG)) {
        problem_set(p, "there is no file or folder \"%.300s\"", v->target);
        return -ENOENT;
    }
    if (!config_file_is(name) && path_is_js(name, &ignored))
        return problem_set(p,
                           "%.300s is no file of settings by its name; name fettle.json, "
                           "fettle.config.js, a file of pm2's, or a folder",
                           v->target);
    if (config_file_is(name))
        return 0;
    return settings_set(&v->settings, settings_row_find(STR("config"), NULL),
                        str_of(TAKE(v->target, NULL)),
                        &(struct settings_origin){ .source = SETTINGS_FLAG }, p);
}

static int flag_take(struct view *v, const char *name, struct str value, struct problem *p)
{
    if (value.len == 0)
        return 0;
    return settings_set(&v->settings, settings_row_find(str_of(name), NULL), value,
                        &(struct settings_origin){ .source = SETTINGS_FLAG }, p);
}

/* What stands in the app's .env files belongs to the check. */
static int env_files_check(struct view *v)
{
    AUTO(strings_done) struct strings vars = { 0 };
    struct problem p = { 0 };
    int err = env_file_read(&v->settings, &v->file.app, &vars, &v->file.findings, &p);

    if (err && err != -ENOMEM)
        findings_put(&v->file.findings, FINDING_MISTAKE, &p);
    return err == -ENOMEM ? err : 0;
}

static int view_read(struct view *v, struct problem *p)
{
    int err = settings_init(&v->settings);

    if (!err)
        err = settings_read_env(&v->settings, environ, 0, p);
    if (!err)
        err = flag_take(v, "app", v->options.app, p);
    if (!err)
        err = flag_take(v, "only", v->options.only, p);
    if (!err)
        err = flag_take(v, "env", v->options.env, p);
    if (!err)
        err = target_take(v, p);
    if (!err)
        err = config_file_load(&v->file, &v->settings, v->target, p);
    if (!err)
        err = env_files_check(v);
    if (!err && !v->file.path.len && !v->file.has_package) {
        problem_set(p, "there is no file of settings: no fettle.json, no fettle.config.js, .cjs, "
                       ".mjs or .ts, and no key \"fettle\" in package.json");
        return -ENOENT;
    }
    return err;
}

/* ---- check ---- */

static void finding_add(struct buf *out, const struct finding *f)
{
    static const char *const kinds[] = {
        [FINDING_MISTAKE] = "mistake", [FINDING_WARNING] = "warning", [FINDING_NOTE] = "note"
    };

    buf_addf(out, "%s", f->problem.file);
    if (f->problem.line)
        buf_addf(out, ":%u", f->problem.line);
    buf_addf(out, "%s%s: %s\n", f->problem.file[0] ? ": " : "", kinds[f->kind], f->problem.text);
}

/* The settings that files hold, of those that can or cannot change in a running fettle. */
static void reloadable_add(struct buf *out, const struct settings *s, bool reloadable,
                           const char *title)
{
    const char *before = title;

    for (u32 i = 0; i < settings_row_count; i++) {
        const struct settings_row *row = &settings_rows[i];
        enum settings_source source = settings_origin_of(s, row)->source;

        if (!is_shown(row) || source < SETTINGS_PACKAGE || source > SETTINGS_FILE_APP ||
            !(row->flags & SETTINGS_RELOADABLE) == reloadable)
            continue;
        buf_addf(out, "%s%s", before, row->name);
        before = ", ";
    }
    if (before != title)
        buf_addc(out, '\n');
}

static void summary_add(struct buf *out, const struct view *v)
{
    const struct findings *f = &v->file.findings;
    u32 mistakes = f->of[FINDING_MISTAKE], all = 0;

    for (u32 i = 0; i < FINDING_KINDS; i++)
        all += f->of[i];
    if (all > f->count)
        buf_addf(out, "and %u more\n", all - f->count);
    buf_addf(out, "%s: ", v->file.path.len ? v->file.path.ptr : "package.json");
    if (mistakes == 0)
        buf_add(out, STR("no mistakes\n"));
    else
        buf_addf(out, "%u mistake%s\n", mistakes, mistakes == 1 ? "" : "s");
    if (mistakes || v->file.chosen.count)
        return;
    reloadable_add(out, &v->settings, true, "reloadable: ");
    reloadable_add(out, &v->settings, false, "only at a start: ");
}

/* What single settings cannot show, of each app and of all together. */
static int all_check(const struct view *v, struct problem *p)
{
    AUTO(apps_done) struct apps apps = { 0 };
    int err = settings_check(&v->settings, p);

    return err || !v->file.chosen.count ? err
                                        : apps_read(&apps, &v->settings, &v->file, v->target, p);
}

static int check(struct view *v)
{
    AUTO(buf_done) struct buf out = { 0 };
    struct problem p = { 0 };
    int err = view_read(v, &p), code;

    if (err)
        return fail(err, &p);
    if (!v->file.findings.of[FINDING_MISTAKE] && all_check(v, &p))
        findings_put(&v->file.findings, FINDING_MISTAKE, &p);
    for (u32 i = 0; i < v->file.findings.count; i++)
        finding_add(&out, &v->file.findings.list[i]);
    summary_add(&out, v);
    code = command_print(&out);
    return code ? code : v->file.findings.of[FINDING_MISTAKE] ? EXIT_USAGE : EXIT_OK;
}

/* ---- show ---- */

static void value_add(struct buf *out, const struct settings *s, const struct settings_row *row)
{
    AUTO(buf_done) struct buf text = { 0 };

    settings_text(s, row, &text);
    if (row->flags & SETTINGS_SECRET && text.len)
        buf_add(out, STR("(not shown)"));
    else
        buf_add(out, buf_str(&text));
    out->failed |= text.failed;
}

static void origin_add(struct buf *out, const struct settings_row *row,
                       const struct settings_origin *from)
{
    if (from->source == SETTINGS_ENV)
        settings_env_name(row, out);
    else if (from->file.len == 0)
        buf_add(out, STR("default"));
    else
        buf_add(out, from->file);
    if (from->line)
        buf_addf(out, ":%u", from->line);
    if (from->key.len && !str_eq(from->key, str_of(row->name)))
        buf_addf(out, " %.*s", STR_ARG(from->key));
}

/* Blanks up to a column, one at least. */
static void pad(struct buf *out, size_t line, u32 column)
{
    do
        buf_addc(out, ' ');
    while (!out->failed && out->len - line < column);
}

static void text_show(const struct settings *settings, const struct config_file *file,
                      struct buf *out)
{
    const struct config_app *app = &file->app;

    for (u32 i = 0; i < settings_row_count; i++) {
        const struct settings_row *row = &settings_rows[i];
        size_t line = out->len;

        if (!is_shown(row))
            continue;
        buf_addf(out, "%s", row->name);
        pad(out, line, NAME_COLUMN);
        value_add(out, settings, row);
        pad(out, line, NAME_COLUMN + VALUE_COLUMN);
        origin_add(out, row, settings_origin_of(settings, row));
        buf_addc(out, '\n');
    }
    places_show(out, settings, NAME_COLUMN, VALUE_COLUMN);
    if (app->run.len || app->command.len)
        buf_addf(out, "\nrun: %s\n", app->command.len ? app->command.ptr : app->run.ptr);
    for (u32 i = 0; i < app->args.count; i++)
        buf_addf(out, "args: %s\n", strings_at(&app->args, i).ptr);
    for (u32 i = 0; i < app->env.count; i++)
        buf_addf(out, "env: %s\n", strings_at(&app->env, i).ptr);
}

static void quoted(struct buf *out, struct str text)
{
    buf_addc(out, '"');
    buf_add_json(out, text);
    buf_addc(out, '"');
}

static void member(struct buf *out, const char *name, struct str value)
{
    buf_addf(out, ",\"%s\":", name);
    quoted(out, value);
}

static void setting_json(struct buf *out, const struct settings *s, const struct settings_row *row)
{
    static const char *const sources[] = {
        [SETTINGS_DEFAULT] = "default",
        [SETTINGS_PACKAGE] = "package.json",
        [SETTINGS_PACKAGE_APP] = "package.json",
        [SETTINGS_FILE] = "file",
        [SETTINGS_FILE_APP] = "file",
        [SETTINGS_LISTENER] = "file",
        [SETTINGS_PATH_OWN] = "file",
        [SETTINGS_ROUTE] = "file",
        [SETTINGS_ENV] = "environment",
        [SETTINGS_FLAG] = "flag",
    };
    const struct settings_origin *from = settings_origin_of(s, row);
    AUTO(buf_done) struct buf value = { 0 };

    value_add(&value, s, row);
    buf_addf(out, "\"%s\":{\"value\":", row->name);
    quoted(out, buf_str(&value));
    member(out, "from", str_of(sources[from->source]));
    if (from->file.len)
        member(out, "file", from->file);
    if (from->line)
        buf_addf(out, ",\"line\":%u", from->line);
    if (from->key.len)
        member(out, "key", from->key);
    buf_addf(out, ",\"reloadable\":%s}", row->flags & SETTINGS_RELOADABLE ? "true" : "false");
    out->failed |= value.failed;
}

static void env_json(struct buf *out, const struct strings *env)
{
    u32 shown = 0;

    buf_add(out, STR(",\"env\":{"));
    for (u32 i = 0; i < env->count; i++) {
        struct str value, other, name = str_cut(strings_at(env, i), '=', &value);
        bool again = false;

        for (u32 k = i + 1; k < env->count && !again; k++)
            again = str_eq(name, str_cut(strings_at(env, k), '=', &other));
        if (again)
            continue; /* the last one of a name counts */
        buf_add(out, shown++ ? STR(",") : STR(""));
        quoted(out, name);
        buf_addc(out, ':');
        quoted(out, value);
    }
    buf_add(out, STR("}"));
}

static void json_show(const struct settings *settings, const struct config_file *file,
                      struct buf *out)
{
    const struct config_app *app = &file->app;
    bool first = true;

    buf_add(out, STR("{\"settings\":{"));
    for (u32 i = 0; i < settings_row_count; i++) {
        if (!is_shown(&settings_rows[i]))
            continue;
        buf_add(out, first ? STR("") : STR(","));
        setting_json(out, settings, &settings_rows[i]);
        first = false;
    }
    buf_add(out, STR("},\"places\":"));
    places_json(out, settings);
    member(out, "file", str_of(file->path.ptr));
    member(out, "app", buf_str(&app->name));
    member(out, "run", str_of(app->run.ptr));
    member(out, "command", str_of(app->command.ptr));
    buf_add(out, STR(",\"args\":["));
    for (u32 i = 0; i < app->args.count; i++) {
        buf_add(out, i ? STR(",") : STR(""));
        quoted(out, strings_at(&app->args, i));
    }
    buf_addc(out, ']');
    env_json(out, &app->env);
    buf_addc(out, '}');
}

/* One app after the other: in JSON a list. */
static int all_show(const struct view *v, struct buf *out, struct problem *p)
{
    AUTO(apps_done) struct apps apps = { 0 };
    int err = apps_read(&apps, &v->settings, &v->file, v->target, p);

    for (u32 i = 0; i < apps.count && !err; i++) {
        const struct apps_one *one = &apps.list[i];

        if (v->options.json) {
            buf_addc(out, i ? ',' : '[');
            json_show(&one->settings, &one->file, out);
        } else {
            buf_addf(out, "%sapp %.*s\n\n", i ? "\n\n" : "", STR_ARG(one->settings.name));
            text_show(&one->settings, &one->file, out);
        }
    }
    if (v->options.json)
        buf_addc(out, ']');
    return err;
}

static int show(struct view *v)
{
    AUTO(buf_done) struct buf out = { 0 };
    struct problem p = { 0 };
    int err = view_read(v, &p);

    if (err)
        return fail(err, &p);
    if (options_mistakes(&v->file.findings))
        return EXIT_USAGE;
    if (settings_check(&v->settings, &p))
        return fail(-EINVAL, &p);
    if (v->file.chosen.count)
        err = all_show(v, &out, &p);
    else
        (v->options.json ? json_show : text_show)(&v->settings, &v->file, &out);
    if (err)
        return fail(err, &p);
    if (v->options.json)
        buf_addc(&out, '\n');
    return command_print(&out);
}

int config_command(int argc, char **argv)
{
    AUTO(view_done) struct view v = { 0 };
    struct settings_values to = { &v.options, &v.options.texts };
    struct settings_args args = { 0 };
    struct problem p = { 0 };
    struct str verb;
    int err = settings_table_init(&config_flags, &to);

    if (!err)
        err = settings_table_read_args(&config_flags, &to, argc, argv, 1, &args, &p);
    if (err)
        return fail(err, &p);
    if (args.help)
        return help_of("config");
    if (args.operands == 0)
        return command_usage("config needs to know what to do: check, show or schema");
    if (args.operands > 2)
        return command_usage("\"%.100s\" is one word too many; config looks at one file or folder",
                             argv[args.operand[2]]);
    verb = str_of(argv[args.operand[0]]);
    v.target = args.operands > 1 ? argv[args.operand[1]] : NULL;
    if (str_eq(verb, STR("check")))
        return check(&v);
    if (str_eq(verb, STR("show")))
        return show(&v);
    if (str_eq(verb, STR("schema")))
        return schema_print();
    return command_usage("config knows check, show and schema, not \"%.100s\"",
                         argv[args.operand[0]]);
}
