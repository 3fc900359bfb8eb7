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

static void untake(struct config_app *app)
{
    app->found = false;
    buf_clear(&app->name);
    buf_clear(&app->command);
}

static void twice_check(const struct config_app *app, struct str name,
                        const struct config_from *from, u32 line, struct findings *f)
{
    if (strings_has(&app->all, name))
        findings_add(f, FINDING_MISTAKE, from->file, line,
                     "the process type \"%.*s\" stands here for the second time",
                     STR_ARG(str_sub(name, 0, 80)));
}

static int type_set(const struct config_from *from, u32 line, struct settings *s, const char *name,
                    struct str value)
{
    struct settings_origin origin = { SETTINGS_FILE_APP, str_of(from->file), line, { 0 } };
    struct problem p;
    int err = settings_set(s, settings_row_find(str_of(name), NULL), value, &origin, &p);

    return err == -ENOMEM ? err : 0;
}

/* The type `web`, alone, is the app itself, which has a better name. Of the others (a clock, a
 * worker) nothing says that they can run more than once. */
static int type_settings(const struct config_app *app, const struct config_from *from, u32 line,
                         struct settings *s)
{
    struct str name = buf_str(&app->name);
    bool is_web = str_eq(name, STR("web"));
    int err = 0;

    if (!is_web || from->several)
        err = type_set(from, line, s, "name", str_sub(name, 0, 47));
    if (!err && !is_web)
        err = type_set(from, line, s, "workers", STR("1"));
    return err;
}

int procfile_read(struct str text, const struct config_from *from, struct settings *s,
                  struct config_app *app, struct findings *f)
{
    u32 line = 0, count = 0, taken_line = 0;
    int err = 0;

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
        if (count == CONFIG_MEMBERS_MAX) {
            findings_add(f, FINDING_MISTAKE, from->file, line,
                         "there are more than %d process types", CONFIG_MEMBERS_MAX);
            break;
        }
        twice_check(app, name, from, line, f);
        buf_addf(&app->names, "%s%.*s", count++ ? ", " : "", STR_ARG(str_sub(name, 0, 80)));
        strings_add(&app->all, name);
        if (from->app.len ? str_eq(name, from->app) : count == 1) {
            take(app, name, command);
            taken_line = line;
        }
    }
    app->choose = count > 1 && from->app.len == 0;
    if (app->choose)
        untake(app);
    if (count == 0)
        findings_add(f, FINDING_MISTAKE, from->file, 0,
                     "holds no process type; write one, as in web: node server.js");
    if (app->found && !app->choose)
        err = type_settings(app, from, taken_line, s);
    return err || app->names.failed || app->all.bytes.failed || app->name.failed ||
                   app->command.failed || f->failed
               ? -ENOMEM
               : 0;
}
