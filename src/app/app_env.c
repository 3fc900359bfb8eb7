/* app/app_env.c -- the app's environment, as a file of settings wants it */
#include "app/app_env.h"

extern char **environ;

int app_env_join(struct strings *env, const struct config_app *app)
{
    struct strings all = { 0 };

    strings_add_from(&all, &app->env, 0);
    strings_add_from(&all, env, 0);
    strings_done(env);
    *env = all;
    return all.bytes.failed ? -ENOMEM : 0;
}

static bool is_filtered(const struct config_app *app, struct str name)
{
    if (app->env_clear)
        return true;
    for (u32 i = 0; i < app->env_no.count; i++) {
        struct str part = strings_at(&app->env_no, i);

        if (part.len && memmem(name.ptr, name.len, part.ptr, part.len))
            return true;
    }
    return false;
}

bool app_env_inherits(const struct config_app *app, struct str name)
{
    AUTO(freep) char *key = str_dup(name);

    return key && getenv(key) && !is_filtered(app, name);
}

char **app_env_base(const struct config_app *app)
{
    u32 n = 0, kept = 0;
    char **list;

    while (environ && environ[n])
        n++;
    list = calloc(n + 1, sizeof(*list));
    for (u32 i = 0; list && i < n; i++) {
        struct str rest, name = str_cut(str_of(environ[i]), '=', &rest);

        if (!is_filtered(app, name))
            list[kept++] = environ[i];
    }
    return list;
}

struct str app_env_value(const struct config_app *app, struct str name)
{
    struct str found = { 0 };

    for (u32 i = 0; i < app->env.count; i++) {
        struct str value, key = str_cut(strings_at(&app->env, i), '=', &value);

        if (str_eq(key, name))
            found = value;
    }
    return found;
}
