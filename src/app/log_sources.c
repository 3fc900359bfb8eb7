/* app/log_sources.c -- which log files `fettle logs` reads */
#include "app/log_sources.h"

#include "app/config_file.h"

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
        path_add(paths, s->access_log);
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

int log_sources_find(struct strings *paths, const struct logs_options *o, struct problem *p)
{
    int err = 0;

    files_add(paths, o->files);
    if (paths->count == 0)
        err = here_add(paths, o, p);
    if (err)
        return err;
    if (paths->bytes.failed)
        return -ENOMEM;
    if (paths->count)
        return 0;
    problem_set(p,
                "the settings here name no log-file%s; set one (fettle run --log-file app.log), "
                "or name a file: fettle logs --file app.log",
                o->access ? " and no access-log" : "");
    return -ENOENT;
}
