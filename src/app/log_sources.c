/* app/log_sources.c -- which logs `fettle logs` reads */
#include "app/log_sources.h"

#include "app/config_file.h"
#include "app/control_client.h"

extern char **environ;

static void path_add(struct strings *paths, struct str path)
{
    if (path.len == 0 || str_eq(path, STR("-")) || str_starts(path, STR("/dev/")))
        return;
    for (u32 i = 0; i < paths->count; i++)
        if (str_eq(strings_at(paths, i), path))
            return;
    strings_add(paths, path);
}

static void files_add(struct strings *paths, struct str lines)
{
    while (lines.ptr)
        path_add(paths, str_cut(lines, '\n', &lines));
}

struct asked {
    struct settings settings;
    struct config_file file;
};

static void asked_done(struct asked *a)
{
    settings_done(&a->settings);
    config_file_done(&a->file);
}

/* The settings of one app of the file here (empty: the only one). */
static int settings_here(struct asked *a, struct str app, struct str config, struct problem *p)
{
    const struct settings_origin flag = { .source = SETTINGS_FLAG };
    int err = settings_init(&a->settings);

    if (!err)
        err = settings_read_env(&a->settings, environ, 0, p);
    if (!err && config.len)
        err = settings_set(&a->settings, settings_row_find(STR("config"), NULL), config, &flag, p);
    if (!err && app.len)
        err = settings_set(&a->settings, settings_row_find(STR("app"), NULL), app, &flag, p);
    return err ? err : config_file_load(&a->file, &a->settings, NULL, p);
}

static void settings_add(struct strings *paths, const struct settings *s,
                         const struct logs_options *o)
{
    path_add(paths, s->log_file);
    path_add(paths, s->error_file);
    if (o->access)
        path_add(paths, s->request.access_log);
}

/* Of all apps, or of the one that is asked for. */
static int here_add(struct strings *paths, const struct logs_options *o, struct problem *p)
{
    AUTO(asked_done) struct asked all = { 0 };
    struct str rest, name;
    int err = settings_here(&all, (struct str){ 0 }, o->config, p);

    if (err)
        return err;
    rest = buf_str(&all.file.app.names);
    if (!all.file.app.choose)
        settings_add(paths, &all.settings, o);
    while (all.file.app.choose && rest.ptr && rest.len) {
        AUTO(asked_done) struct asked one = { 0 };

        name = str_trim(str_cut(rest, ',', &rest));
        if (o->app.len && !str_eq(o->app, name))
            continue;
        err = settings_here(&one, name, o->config, p);
        if (err)
            return err;
        settings_add(paths, &one.settings, o);
    }
    return 0;
}

/* The app writes to no file, or not all of it. */
static void live_add(struct log_sources *s, const struct control_app *app)
{
    if (s->lives == ARRAY_LEN(s->live))
        return;
    strings_add(&s->names, app->name);
    s->live[s->lives++].pid = app->peer->found.pid;
}

/* Of the apps that run. */
static void running_add(struct log_sources *s, const struct logs_options *o)
{
    AUTO(control_peers_done) struct control_peers peers = { 0 };
    struct control_options where = { .runtime_dir = o->runtime_dir };
    const struct json_value *one;
    struct control_app app;
    struct str name;
    u32 at = 0;

    control_peers_open(&peers, &where);
    while (control_peers_each(&peers, &at, &app)) {
        const struct json_value *files = json_value_member(app.row, "log_files");

        if (o->app.len && !str_eq(o->app, app.name))
            continue;
        if (json_value_kind(json_value_member(app.row, "log_in_memory")) == JSON_VALUE_TRUE)
            live_add(s, &app);
        for (void *k = NULL; files && json_value_each(files, &k, &name, &one);)
            path_add(&s->paths, json_value_text(one));
        if (o->access)
            path_add(&s->paths, json_value_text(json_value_member(app.row, "access_log")));
    }
    for (u32 i = 0; i < s->lives && !s->names.bytes.failed; i++)
        s->live[i].app = strings_at(&s->names, i);
}

void log_sources_done(struct log_sources *s)
{
    strings_done(&s->paths);
    strings_done(&s->names);
}

int log_sources_find(struct log_sources *s, const struct logs_options *o, struct problem *p)
{
    int err = 0;

    files_add(&s->paths, o->files);
    if (s->paths.count == 0 && (o->config.len || !o->runtime_dir.len))
        err = here_add(&s->paths, o, p);
    if (err)
        return err;
    if (s->paths.count == 0 && !o->config.len)
        running_add(s, o);
    if (s->paths.bytes.failed || s->names.bytes.failed)
        return -ENOMEM;
    if (s->paths.count || s->lives)
        return 0;
    problem_set(p,
                "no app%s%.*s runs, and the settings in this folder name no log-file; name a "
                "file: fettle logs --file app.log",
                o->app.len ? " " : "", STR_ARG(str_sub(o->app, 0, 80)));
    return -ENOENT;
}
