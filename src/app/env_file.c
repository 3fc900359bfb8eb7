/* app/env_file.c -- the files of the setting env-file, for the app's environment */
#include "app/env_file.h"

#include "app/app_env.h"
#include "conf/dotenv.h"

static int unreadable(const struct settings *s, const char *path, int err, struct problem *p)
{
    const struct settings_origin *from =
        settings_origin_of(s, settings_row_find(STR("env-file"), NULL));

    *p = (struct problem){ .line = from->line };
    str_to_cstr(from->file, p->file, sizeof(p->file));
    if (err == -EFBIG)
        return problem_set(p, "%s: %.300s has more than %d bytes; is it a .env file?",
                           from->file.len ? "env-file" : "--env-file", path, DOTENV_BYTES_MAX);
    problem_set(p, "%s: %.300s cannot be read: %s; name a file that can, or write off",
                from->file.len ? "env-file" : "--env-file", path, strerror(-err));
    return err == -ENOENT ? -ENOENT : -EINVAL;
}

static int one_read(const char *path, const struct config_app *app, struct strings *env,
                    struct findings *f)
{
    AUTO(strings_done) struct strings vars = { 0 };
    int err = dotenv_load(path, &vars, f);
    const char *at;

    if (err)
        return err;
    at = vars.bytes.ptr;
    for (u32 i = 0; i < vars.count; i++, at += strlen(at) + 1) {
        struct str rest, name = str_cut(str_of(at), '=', &rest);

        if (!app_env_inherits(app, name))
            strings_add(env, str_of(at));
    }
    return env->bytes.failed ? -ENOMEM : 0;
}

int env_file_read(const struct settings *s, const struct config_app *app, struct strings *env,
                  struct findings *f, struct problem *p)
{
    struct str rest = s->env_file;
    int err = 0;

    while (rest.len && !err) {
        AUTO(freep) char *path = str_dup(str_cut(rest, ',', &rest));

        if (!path)
            return -ENOMEM;
        err = one_read(path, app, env, f);
        if (err && err != -ENOMEM)
            return unreadable(s, path, err, p);
    }
    return err;
}
