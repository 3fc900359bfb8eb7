/* conf/procfile.c -- a Procfile: one process type on each line */
#include "conf/procfile.h"

static bool is_name(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_' || c == '-'))
            return false;
    }
    return s.len > 0;
}

static void take(struct config_app *app, struct str name, struct str command)
{
    app->found = true;
    buf_clear(&app->name);
    buf_add(&app->name, name);
    buf_clear(&app->command);
    buf_add(&app->command, command);
    buf_addc(&app->command, 0);
}

int procfile_read(struct str text, const struct config_from *from, struct settings *s,
                  struct config_app *app, struct findings *f)
{
    const struct settings_row *row = settings_row_find(STR("name"), NULL);
    u32 line = 0, count = 0, taken_line = 0;
    struct problem p;
    int err;

    for (struct str rest = text; rest.ptr;) {
        struct str command, all = str_trim(str_cut(rest, '\n', &rest));
        struct str name = str_trim(str_cut(all, ':', &command));

        line++;
        if (str_ends(command, STR("\r")))
            command.len--;
        command = str_trim(command);
        if (all.len == 0 || all.ptr[0] == '#' || str_eq(all, STR("\r")))
            continue;
        if (!is_name(name) || command.len == 0 || memchr(command.ptr, 0, command.len)) {
            findings_add(f, FINDING_MISTAKE, from->file, line,
                         "\"%.*s\" is no process type; write NAME: COMMAND, as in web: node "
                         "server.js",
                         STR_ARG(str_sub(all, 0, 80)));
            continue;
        }
        buf_addf(&app->names, "%s%.*s", count++ ? ", " : "", STR_ARG(str_sub(name, 0, 80)));
        if (from->app.len ? str_eq(name, from->app) : count == 1 || str_eq(name, STR("web"))) {
            take(app, name, command);
            taken_line = line;
        }
    }
    app->choose = count > 1 && from->app.len == 0 && !str_eq(buf_str(&app->name), STR("web"));
    if (count == 0)
        findings_add(f, FINDING_MISTAKE, from->file, 0,
                     "holds no process type; write one, as in web: node server.js");
    /* The type `web` is the app itself, which has a better name. */
    if (app->found && !app->choose && !str_eq(buf_str(&app->name), STR("web"))) {
        struct settings_origin origin = {
            SETTINGS_FILE_APP, str_of(from->file), taken_line, { 0 }
        };

        err = settings_set(s, row, str_sub(buf_str(&app->name), 0, 47), &origin, &p);
        if (err == -ENOMEM)
            return err;
    }
    return app->names.failed || app->name.failed || app->command.failed || f->failed ? -ENOMEM : 0;
}
